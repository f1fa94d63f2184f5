//! Reading `metrics.SPLIT.json` back, as far as charts need it.

use crate::error::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// Error of one node in pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeError {
    /// Name.
    pub name: String,
    /// Median and 95th percentile of the distance to the truth; `None` when the node was never judged.
    pub p50_p95_px: Option<(f64, f64)>,
}

/// The figures of one split.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitMetrics {
    /// `val`, `test`, ...
    pub split: String,
    /// Share of correct keypoints, 0 to 1, by threshold in pixels.
    pub pck: Vec<(f64, f64)>,
    /// Errors by node, in the file's order.
    pub nodes: Vec<NodeError>,
}

impl SplitMetrics {
    /// Reads a file that `train`, `demo` or `eval --json` wrote.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::BadFile`].
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
        let value: Value = serde_json::from_str(&text).map_err(|e| Error::bad_file(path, "metrics", e.to_string()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let split = name.trim_start_matches("metrics.").trim_end_matches(".json").to_owned();
        Self::of(split, &value).ok_or_else(|| Error::bad_file(path, "metrics", "there is no `per_node`: these are no metrics"))
    }

    /// The same from a report as JSON; `None` when it is none.
    pub fn of(split: String, value: &Value) -> Option<Self> {
        let numbers = |key: &str| -> Vec<f64> {
            let list = value["pck"][key].as_array();
            list.map(|l| l.iter().filter_map(Value::as_f64).collect()).unwrap_or_default()
        };
        let pck = numbers("thresholds_px").into_iter().zip(numbers("fraction")).collect();
        let node = |(name, node): (&String, &Value)| NodeError {
            name: name.clone(),
            p50_p95_px: node["p50"].as_f64().zip(node["p95"].as_f64()),
        };
        Some(Self { split, pck, nodes: value["per_node"].as_object()?.iter().map(node).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{EvalOptions, FramePair, PredictedPose, evaluate};

    #[test]
    fn a_real_report_is_understood() {
        let truth = vec![vec![[0.0, 0.0], [40.0, 20.0], [f32::NAN; 2]]];
        let predicted = vec![PredictedPose { points: vec![[0.0, 0.0], [40.0, 22.0], [f32::NAN; 2]], score: 1.0 }];
        let nodes = ["head", "tail", "paw"].map(String::from);
        let report = evaluate(&nodes, &[FramePair { truth, predicted }], &EvalOptions::default());
        let metrics = SplitMetrics::of("val".into(), &serde_json::to_value(&report).unwrap()).unwrap();
        assert_eq!(metrics.pck.len(), 10);
        assert_eq!((metrics.pck[1], metrics.pck[2]), ((2.0, 0.5), (3.0, 1.0)));
        let error = |name: &str| metrics.nodes.iter().find(|n| n.name == name).unwrap().p50_p95_px;
        assert_eq!((error("head"), error("tail"), error("paw")), (Some((0.0, 0.0)), Some((2.0, 2.0)), None));
        assert_eq!(SplitMetrics::of("x".into(), &Value::Null), None);
    }
}
