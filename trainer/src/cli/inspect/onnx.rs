//! Description of an ONNX file.

use super::Description;
use crate::cli::text::bytes;
use crate::error::Error;
use prost::Message as _;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use tract_onnx::pb::{self, tensor_shape_proto::dimension::Value as Dim, type_proto::Value as Type};

pub(super) fn describe(path: &Path) -> anyhow::Result<Description> {
    let file = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    let model =
        pb::ModelProto::decode(file.as_slice()).map_err(|e| Error::bad_file(path, "file", format!("not an ONNX model: {e}")))?;
    let Some(graph) = &model.graph else { anyhow::bail!(Error::bad_file(path, "file", "the model has no graph")) };
    let mut ops: BTreeMap<&str, usize> = BTreeMap::new();
    graph.node.iter().for_each(|n| *ops.entry(n.op_type.as_str()).or_default() += 1);
    // A damaged file may claim any sides.
    let numbers = |t: &pb::TensorProto| t.dims.iter().fold(1i64, |all, &side| all.saturating_mul(side));
    let parameters = graph.initializer.iter().map(numbers).fold(0, i64::saturating_add);
    let opset: Vec<String> = model.opset_import.iter().map(|o| format!("{}{}", o.domain, o.version)).collect();
    let metadata: BTreeMap<&str, &str> = model.metadata_props.iter().map(|p| (p.key.as_str(), p.value.as_str())).collect();
    let named = |values: &[pb::ValueInfoProto]| values.iter().map(|v| format!("{} {}", v.name, shape(v))).collect::<Vec<_>>();
    let (inputs, outputs) = (named(&graph.input), named(&graph.output));
    let value = json!({
        "kind": "onnx", "bytes": file.len(), "producer": model.producer_name, "opset": opset, "inputs": inputs, "outputs": outputs,
        "ops": ops, "initializer_values": parameters, "metadata": metadata,
    });
    let mut text = String::new();
    writeln!(
        text,
        "file             {}, opset {}, by {} {}",
        bytes(file.len()),
        opset.join(" "),
        model.producer_name,
        model.producer_version
    )?;
    writeln!(text, "inputs           {}", inputs.join(", "))?;
    writeln!(text, "outputs          {}", outputs.join(", "))?;
    writeln!(text, "operators        {}", ops.iter().map(|(op, n)| format!("{n} {op}")).collect::<Vec<_>>().join(", "))?;
    writeln!(text, "stored values    {parameters}")?;
    for (key, value) in &metadata {
        writeln!(text, "  {key} = {value}")?;
    }
    Ok((value, text))
}

/// `[batch, 1, height, width]`.
fn shape(value: &pb::ValueInfoProto) -> String {
    let Some(Type::TensorType(tensor)) = value.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
        return "(not a tensor)".into();
    };
    let dims = tensor.shape.iter().flat_map(|s| &s.dim).map(|d| match &d.value {
        Some(Dim::DimValue(n)) => n.to_string(),
        Some(Dim::DimParam(name)) => name.clone(),
        None => "?".into(),
    });
    format!("[{}]", dims.collect::<Vec<_>>().join(", "))
}
