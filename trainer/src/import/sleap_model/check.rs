//! An imported network must give the same numbers on both engines of the CPU.

use crate::error::{Error, Result};
use crate::export::{EXPORT_TOLERANCE, largest_difference, run_tract, test_images};
use crate::import::keras::KerasNetwork;
use dormouse::engine::Engine as _;
use dormouse::engine::cpu::CpuNetwork;
use dormouse::preprocess::InputShape;

/// Runs the network in engine `cpu` and in tract on the same two images, for every `[height, width]` in `sizes_px`, and returns the
/// largest difference of any output number (relative to the largest number of an output that goes beyond 1).
///
/// # Errors
/// [`Error::Export`] when one cannot run it or the difference is above [`EXPORT_TOLERANCE`]; what engine `cpu` says about it.
pub(super) fn check_engines(network: &KerasNetwork, sizes_px: &[[usize; 2]]) -> Result<f32> {
    let own = CpuNetwork::load_whole(&network.onnx[..], 1)?;
    let mut worst = 0.0_f32;
    for &[height, width] in sizes_px {
        let dims = [2, network.channels, height, width];
        let images = test_images(dims);
        let mut engine = own.prepare_cpu(InputShape { channels: network.channels, height, width }, dims[0])?;
        engine.run(&images, dims[0])?;
        let outputs = run_tract(&network.onnx, &images, dims)?;
        if outputs.len() != network.outputs.len() {
            return Err(Error::Export(format!("{} outputs instead of {}", outputs.len(), network.outputs.len())));
        }
        for (index, (_, expected)) in outputs.iter().enumerate() {
            let mut got = Vec::with_capacity(expected.len());
            for maps in (0..dims[0]).filter_map(|image| engine.output(index, image)) {
                (0..maps.channels()).for_each(|channel| got.extend_from_slice(maps.channel(channel)));
            }
            if got.len() != expected.len() {
                return Err(Error::Export(format!("{}: the engines' outputs differ in size", network.outputs[index].name)));
            }
            let largest = expected.iter().fold(1.0_f32, |most, number| most.max(number.abs()));
            let difference = largest_difference(0.0, expected, &got) / largest;
            worst = if difference > worst || difference.is_nan() { difference } else { worst };
        }
    }
    if worst <= EXPORT_TOLERANCE {
        return Ok(worst);
    }
    Err(Error::Export(format!("engine cpu and tract differ by {worst} on this network; at most {EXPORT_TOLERANCE} is accepted")))
}
