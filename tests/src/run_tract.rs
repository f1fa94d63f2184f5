//! tract as the oracle of whole networks.

use tract_onnx::prelude::*;

/// Sides and numbers of an output.
pub type Output = (Vec<usize>, Vec<f32>);

/// Runs an ONNX file on inputs of the given sides.
///
/// # Panics
/// If tract cannot run it.
pub fn run_tract(onnx: &[u8], inputs: &[(&[usize], &[f32])]) -> Vec<Output> {
    let run = || -> TractResult<Vec<Output>> {
        let mut model = tract_onnx::onnx().model_for_read(&mut &*onnx)?;
        for (index, (dims, _)) in inputs.iter().enumerate() {
            model.set_input_fact(index, f32::fact(*dims).into())?;
        }
        for output in 0..model.output_outlets()?.len() {
            model.set_output_fact(output, InferenceFact::default())?;
        }
        let plan = model.into_optimized()?.into_runnable()?;
        let tensors = inputs.iter().map(|(dims, data)| Ok(Tensor::from_shape(dims, data)?.into()));
        let outputs = plan.run(tensors.collect::<TractResult<TVec<TValue>>>()?)?;
        outputs.iter().map(|t| Ok((t.shape().to_vec(), t.to_plain_array_view::<f32>()?.iter().copied().collect()))).collect()
    };
    run().expect("tract runs the network")
}
