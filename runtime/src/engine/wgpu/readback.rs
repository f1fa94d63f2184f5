//! Waiting for results.

use super::gpu::{Gpu, failure};
use crate::error::Error;
use alloc::string::ToString as _;
use core::time::Duration;
use std::sync::mpsc;
use wgpu::Buffer;

/// The longest wait for a callback whose work is done.
const CALLBACK: Duration = Duration::from_secs(5);

/// Waits for all that was submitted and copies the beginning of a mappable buffer.
///
/// # Errors
/// [`Error::Engine`] if the driver fails or the device was lost.
pub(super) fn read_back(gpu: &Gpu, from: &Buffer, to: &mut [u8]) -> Result<(), Error> {
    const ACTION: &str = "run the network";
    let bytes = to.len() as u64;
    let (sender, receiver) = mpsc::sync_channel(1);
    from.map_async(wgpu::MapMode::Read, ..bytes, move |mapped| {
        // It fails only if this function has given up on the results.
        let _ = sender.send(mapped);
    });
    gpu.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|error| failure(ACTION, &error.to_string()))?;
    gpu.check(ACTION)?;
    // Another thread that polls the same device may have taken the callback over and be about to call it.
    match receiver.recv_timeout(CALLBACK) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(failure(ACTION, &error.to_string())),
        Err(_) => return Err(failure(ACTION, "the results were not given back")),
    }
    let view = from.get_mapped_range(..bytes).map_err(|error| failure(ACTION, &error.to_string()))?;
    to.copy_from_slice(&view);
    drop(view);
    from.unmap();
    Ok(())
}
