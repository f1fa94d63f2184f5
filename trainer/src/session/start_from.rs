//! `train.start_from`: weights of an earlier model.

use crate::error::{Error, Result};
use crate::model::transfer::{SourceLayer, TransferReport, layers_by_name, take_over};
use crate::model::{ParamShape, PoseNet};
use crate::train::Checkpoint;
use dormouse::Bundle;
use prost::Message as _;
use std::collections::BTreeMap;
use std::path::Path;
use tract_onnx::pb::{ModelProto, TensorProto, tensor_proto::DataType};

/// Puts the weights of a bundle (`.dorm`), an `.onnx` file or a checkpoint into `net` wherever name and shape of a layer are the same.
/// Of a bundle it is the network called `stage`, or its only one.
///
/// # Errors
/// When the file cannot be read, and when not a single layer fits.
pub(super) fn start_from(net: &mut PoseNet, path: &Path, stage: &str) -> Result<TransferReport> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    let layers = match extension.as_str() {
        "dorm" => of_bundle(path, stage)?,
        "onnx" => of_onnx(path, &std::fs::read(path).map_err(|e| Error::io("read", path, e))?)?,
        _ => of_checkpoint(path, net)?,
    };
    let report = take_over(net, &layers)?;
    if report.taken.is_empty() {
        let what = format!("none of its layers has the name and shape of one of this network: {report}");
        return Err(Error::bad_file(path, "train.start_from", what));
    }
    Ok(report)
}

fn of_checkpoint(path: &Path, net: &PoseNet) -> Result<BTreeMap<String, SourceLayer>> {
    let saved = Checkpoint::read(path)?;
    let source = saved.network.with_weights(&saved.weights, net.device())?;
    Ok(layers_by_name(&source, &saved.weights))
}

fn of_bundle(path: &Path, stage: &str) -> Result<BTreeMap<String, SourceLayer>> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    let bundle = Bundle::from_bytes(&bytes).map_err(|e| Error::bad_file(path, "train.start_from", e.to_string()))?;
    let names: Vec<&str> = bundle.config().networks.iter().map(|n| n.name.as_str()).collect();
    let name = match names.as_slice() {
        [only] => only,
        many if many.contains(&stage) => stage,
        many => {
            let what = format!("there is no network \"{stage}\" in it; there are {}", many.join(", "));
            return Err(Error::bad_file(path, "train.start_from", what));
        }
    };
    of_onnx(path, bundle.network(name)?)
}

/// Layers of a network that this program exported: constants called `NAME.weight` and `NAME.bias`.
fn of_onnx(path: &Path, onnx: &[u8]) -> Result<BTreeMap<String, SourceLayer>> {
    let model = ModelProto::decode(onnx).map_err(|e| Error::bad_file(path, "network", format!("not an ONNX model: {e}")))?;
    let mut layers: BTreeMap<String, SourceLayer> = BTreeMap::new();
    for tensor in model.graph.iter().flat_map(|graph| &graph.initializer) {
        if let Some(name) = tensor.name.strip_suffix(".weight") {
            let layer = layers.entry(name.into()).or_default();
            layer.dims = tensor.dims.iter().map(|&d| usize::try_from(d).unwrap_or(0)).collect();
            layer.weight = floats(tensor);
        } else if let Some(name) = tensor.name.strip_suffix(".bias") {
            layers.entry(name.into()).or_default().bias = floats(tensor);
        }
    }
    Ok(layers)
}

/// The numbers of a constant; none for other types than f32, which then fit no layer.
fn floats(tensor: &TensorProto) -> Vec<f32> {
    match tensor.data_type == DataType::Float as i32 {
        true if tensor.raw_data.is_empty() => tensor.float_data.clone(),
        true => tensor.raw_data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        false => Vec::new(),
    }
}

/// One flag per layer: whether it stays as it is when the encoder is frozen.
pub(super) fn encoder_flags(params: &[ParamShape]) -> Vec<bool> {
    params.iter().map(|p| crate::model::transfer::is_encoder_layer(&p.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{metadata, to_onnx};
    use crate::model::{HeadSpec, PoseNetConfig, UnetConfig};
    use crate::train::{Optimizer, OptimizerConfig, Progress};
    use burn::tensor::Device;
    use dormouse::config::HeadKind;

    fn net(filters: usize, seed: u64) -> PoseNet {
        let heads = vec![HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", 3, 2)];
        let unet = UnetConfig { filters, max_stride: 4, ..UnetConfig::default() };
        PoseNetConfig { in_channels: 1, backbone: unet.into(), heads }.init(seed, &Device::default()).unwrap()
    }

    #[test]
    fn checkpoint_and_onnx_give_the_same_weights() {
        let folder = tempfile::tempdir().unwrap();
        let source = net(4, 1);
        let (checkpoint, onnx) = (folder.path().join("best.ckpt"), folder.path().join("a.onnx"));
        let optimizer = Optimizer::new(&source, OptimizerConfig::default());
        Checkpoint::capture(&source, &optimizer, &Progress::new(1e-3, 1), "").unwrap().write(&checkpoint).unwrap();
        std::fs::write(&onnx, to_onnx(&source, &metadata(&source, "")).unwrap()).unwrap();
        for path in [checkpoint, onnx] {
            let mut target = net(4, 2);
            let report = start_from(&mut target, &path, "pose").unwrap();
            assert_eq!(target.to_flat().unwrap(), source.to_flat().unwrap());
            assert_eq!(report.taken.len(), source.plan().params.len());
            // Another width shares no shape.
            let error = start_from(&mut net(5, 2), &path, "pose").unwrap_err().to_string();
            assert!(error.contains("none of its layers") && error.contains("of another shape"), "{error}");
        }
    }

    #[test]
    fn wrong_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.onnx", "a.dorm", "a.ckpt"] {
            let path = folder.path().join(name);
            assert!(start_from(&mut net(4, 1), &path, "pose").is_err(), "missing {name}");
            std::fs::write(&path, b"something else").unwrap();
            assert!(start_from(&mut net(4, 1), &path, "pose").is_err(), "{name}");
        }
    }
}
