//! Reading `metrics.SPLIT.json` back, as far as charts need it.

use crate::error::{Error, Result};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::fmt;
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
    /// The split in words for headings.
    pub fn title(&self) -> &str {
        match self.split.as_str() {
            "train" => "training samples",
            "val" => "validation samples",
            "test" => "test samples",
            "centered" => "validation, true centres given",
            other => other,
        }
    }

    /// Reads a file that `train`, `demo` or `eval --json` wrote.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::BadFile`].
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let split = name.trim_start_matches("metrics.").trim_end_matches(".json").to_owned();
        Self::parse(split, &text).map_err(|e| Error::bad_file(path, "metrics", e.to_string()))
    }

    /// The same from text.
    fn parse(split: String, text: &str) -> serde_json::Result<Self> {
        let report: Report = serde_json::from_str(text)?;
        let pck = report.pck.map(|p| p.thresholds_px.into_iter().zip(p.fraction).collect()).unwrap_or_default();
        let node = |(name, node): (String, Node)| NodeError { name, p50_p95_px: node.p50.zip(node.p95) };
        Ok(Self { split, pck, nodes: report.per_node.0.into_iter().map(node).collect() })
    }
}

#[derive(Deserialize)]
struct Report {
    pck: Option<Pck>,
    per_node: Nodes,
}

#[derive(Deserialize)]
struct Pck {
    thresholds_px: Vec<f64>,
    fraction: Vec<f64>,
}

#[derive(Deserialize)]
struct Node {
    p50: Option<f64>,
    p95: Option<f64>,
}

/// Nodes in the order of the file, which is that of the skeleton.
struct Nodes(Vec<(String, Node)>);

impl<'de> Deserialize<'de> for Nodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Nodes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nodes by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Nodes, A::Error> {
        let mut nodes = Vec::new();
        while let Some(entry) = map.next_entry()? {
            nodes.push(entry);
        }
        Ok(Nodes(nodes))
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
        let metrics = SplitMetrics::parse("val".into(), &serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(metrics.pck.len(), 10);
        assert_eq!((metrics.pck[1], metrics.pck[2]), ((2.0, 0.5), (3.0, 1.0)));
        let error = |name: &str| metrics.nodes.iter().find(|n| n.name == name).unwrap().p50_p95_px;
        assert_eq!((error("head"), error("tail"), error("paw")), (Some((0.0, 0.0)), Some((2.0, 2.0)), None));
        assert!(metrics.nodes.iter().map(|n| n.name.as_str()).eq(["head", "tail", "paw"]), "skeleton order");
        assert!(SplitMetrics::parse("x".into(), "{}").unwrap_err().to_string().contains("per_node"));
    }
}
