//! The exported file must compute what was trained.

use crate::error::{Error, Result};
use crate::model::PoseNet;
use crate::model::pose_net::read;
use burn::tensor::{Tensor, TensorData};
use tract_onnx::prelude::*;

/// Largest accepted difference between burn and the exported file. Both sum the same products of f32 in another order: 2.4e-6
/// was the most seen, on SLEAP's network of 7.8 million parameters with enlarged weights. Peaks are accepted from a height of
/// 0.2, so that 1e-4 can neither hide a wrong export nor move a pose.
pub const EXPORT_TOLERANCE: f32 = 1e-4;

/// Runs the network in burn and the file in tract on the same images, for every `[height, width]` in `sizes_px` (multiples of
/// the max stride), and returns the largest difference of any output number.
///
/// # Errors
/// [`Error::Export`] when the file cannot be read or run, or when the difference is above [`EXPORT_TOLERANCE`] or not a number.
pub fn check_export(net: &PoseNet, onnx: &[u8], sizes_px: &[[usize; 2]]) -> Result<f32> {
    let mut worst = 0.0f32;
    for &[height, width] in sizes_px {
        let dims = [2, net.config().in_channels, height, width];
        let images = test_images(dims);
        let expected = net.forward(Tensor::from_data(TensorData::new(images.clone(), dims), net.device()));
        let got = run_tract(onnx, &images, dims)?;
        if got.len() != expected.len() {
            return Err(Error::Export(format!("{} outputs instead of {}", got.len(), expected.len())));
        }
        for ((expected, (shape, numbers)), head) in expected.into_iter().zip(got).zip(&net.config().heads) {
            if shape != expected.dims() {
                return Err(Error::Export(format!("{} is {shape:?} instead of {:?}", head.output, expected.dims())));
            }
            worst = largest_difference(worst, &read(expected)?, &numbers);
        }
    }
    if worst <= EXPORT_TOLERANCE {
        return Ok(worst);
    }
    let limit = EXPORT_TOLERANCE;
    Err(Error::Export(format!("the file's outputs differ from the network's by {worst}; at most {limit} is accepted")))
}

/// NaN when anything is not a number, so that a comparison with a limit fails.
pub(crate) fn largest_difference(worst: f32, expected: &[f32], got: &[f32]) -> f32 {
    expected.iter().zip(got).fold(worst, |worst, (e, g)| {
        let difference = (e - g).abs();
        if difference > worst || difference.is_nan() { difference } else { worst }
    })
}

/// Smooth shapes with a little noise, in 0..1, different in every image and channel.
pub(crate) fn test_images([batch, channels, height, width]: [usize; 4]) -> Vec<f32> {
    let mut state = 12345u32;
    let mut out = Vec::with_capacity(batch * channels * height * width);
    for plane in 0..batch * channels {
        for y in 0..height {
            for x in 0..width {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 8) as f32 / (1 << 24) as f32;
                let wave = ((x as f32 * 0.21 + plane as f32).sin() * (y as f32 * 0.17).cos() + 1.0) / 2.0;
                out.push(0.7 * wave + 0.3 * noise);
            }
        }
    }
    out
}

/// Sides and numbers of an output.
pub(crate) type Output = (Vec<usize>, Vec<f32>);

/// Outputs of the file for images `[batch, channels, height, width]`.
///
/// # Errors
/// [`Error::Export`] when tract cannot run it.
pub(crate) fn run_tract(onnx: &[u8], images: &[f32], dims: [usize; 4]) -> Result<Vec<Output>> {
    let run = || -> TractResult<Vec<Output>> {
        let mut model = tract_onnx::onnx().model_for_read(&mut &*onnx)?;
        model.set_input_fact(0, f32::fact(dims).into())?;
        // The file's open sizes are names that tract cannot prove equal; it works them out anew from the input.
        for output in 0..model.output_outlets()?.len() {
            model.set_output_fact(output, InferenceFact::default())?;
        }
        let plan = model.into_optimized()?.into_runnable()?;
        let input = tract_onnx::prelude::Tensor::from_shape(&dims, images)?;
        let outputs = plan.run(tvec!(input.into()))?;
        outputs.iter().map(|t| Ok((t.shape().to_vec(), t.to_plain_array_view::<f32>()?.iter().copied().collect()))).collect()
    };
    run().map_err(|e| Error::Export(format!("tract cannot run the file: {e:#}")))
}

#[cfg(test)]
mod tests;
