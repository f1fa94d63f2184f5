//! Recorded predictions of SLEAP's models (`../shared/data/golden`), which are never part of the repository.

use serde_json::Value;
use std::path::PathBuf;

/// Where a file of the reference data lies.
pub fn data_path(relative: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(relative)
}

/// One predicted animal.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldenAnimal {
    /// Per node x, y in frame pixels and the score; `None` if the node was not found.
    pub points: Vec<Option<[f32; 3]>>,
    /// Score of the animal.
    pub score: f32,
}

/// Animals of frame `frame` in `golden/<name>`.
///
/// # Errors
/// A sentence that names the file and what is wrong with it.
pub fn golden_frame(name: &str, frame: usize) -> Result<Vec<GoldenAnimal>, String> {
    let path = data_path("golden").join(name);
    let fail = |what: String| format!("{}: {what}", path.display());
    let text = std::fs::read_to_string(&path).map_err(|e| fail(e.to_string()))?;
    let json: Value = serde_json::from_str(&text).map_err(|e| fail(e.to_string()))?;
    let animals = json["frames"][frame.to_string()].as_array().ok_or_else(|| fail(format!("no frame {frame}")))?;
    animals.iter().map(|a| animal(a).ok_or_else(|| fail(format!("cannot be read: {a}")))).collect()
}

fn animal(json: &Value) -> Option<GoldenAnimal> {
    let number = |v: &Value| v.as_f64().map(|v| v as f32);
    let point = |p: &Value| match p {
        Value::Null => Some(None),
        p => Some(Some([number(&p[0])?, number(&p[1])?, number(&p[2])?])),
    };
    let points = json["points"].as_array()?.iter().map(point).collect::<Option<_>>()?;
    Some(GoldenAnimal { points, score: number(&json["score"])? })
}
