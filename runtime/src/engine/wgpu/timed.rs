//! The time of each dispatch by the device's own clock.

use super::prepared::{Prepared, buffer};
use super::readback::Readback;
use crate::error::Error;
use alloc::vec;
use alloc::vec::Vec;
use wgpu::{BufferUsages, ComputePassDescriptor, ComputePassTimestampWrites, Features, QueryType};

/// Bytes of a timestamp.
const STAMP: usize = 8;

impl Prepared {
    /// Runs all dispatches on the latest input, each in a pass of its own between two timestamps. Milliseconds of each; `None` if the
    /// adapter has no timestamps.
    ///
    /// # Errors
    /// [`Error::Engine`] if the driver fails or the device was lost.
    pub fn time_dispatches(&self, images: usize) -> Result<Option<Vec<f64>>, Error> {
        let (gpu, ready) = (&self.gpu, &self.ready);
        let stamps = 2 * ready.len() as u32;
        if ready.is_empty() || stamps > wgpu::QUERY_SET_MAX_QUERIES || !gpu.device.features().contains(Features::TIMESTAMP_QUERY)
        {
            return Ok(None);
        }
        let label = Some("timestamps");
        let set = gpu.device.create_query_set(&wgpu::QuerySetDescriptor { label, ty: QueryType::Timestamp, count: stamps });
        let bytes = u64::from(stamps) * STAMP as u64;
        let resolved = buffer(gpu, "timestamps", bytes, BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC);
        let readable = Readback::new(buffer(gpu, "timestamps", bytes, BufferUsages::MAP_READ | BufferUsages::COPY_DST));
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        for (dispatch, first) in ready.iter().zip((0..).step_by(2)) {
            let writes = ComputePassTimestampWrites {
                query_set: &set,
                beginning_of_pass_write_index: Some(first),
                end_of_pass_write_index: Some(first + 1),
            };
            let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor { label, timestamp_writes: Some(writes) });
            dispatch.record(&mut pass, images);
        }
        encoder.resolve_query_set(&set, 0..stamps, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, readable.buffer(), 0, bytes);
        let mut read = vec![0u8; bytes as usize];
        readable.ask(bytes, gpu.queue.submit([encoder.finish()])).read(gpu, &mut read)?;
        let (stamps, _) = read.as_chunks::<STAMP>();
        let period_ms = f64::from(gpu.queue.get_timestamp_period()) / 1e6;
        let pairs = stamps.chunks_exact(2).map(|pair| u64::from_le_bytes(pair[1]).saturating_sub(u64::from_le_bytes(pair[0])));
        Ok(Some(pairs.map(|ticks| ticks as f64 * period_ms).collect()))
    }
}
