//! The report as a table for people.

use super::report::EvalReport;
use std::fmt;

impl fmt::Display for EvalReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "frames      {}", self.frames)?;
        writeln!(
            f,
            "animals     {} true, {} predicted: {} matched, {} missed, {} spurious",
            self.instances_true, self.instances_predicted, self.matched, self.false_negatives, self.false_positives
        )?;
        let (precision, recall) = (ratio(self.precision), ratio(self.recall));
        match self.point_reach_px {
            Some(reach_px) => writeln!(f, "found       precision {precision}, recall {recall} within {reach_px:.1} px")?,
            None => {
                writeln!(f, "OKS         {} (with missed animals as 0: {})", ratio(self.moks), ratio(self.moks_all))?;
                writeln!(f, "mAP, mAR    {}, {}", ratio(self.map), ratio(self.mar))?;
            }
        }
        if let Some(d) = &self.distance {
            writeln!(
                f,
                "distance    mean {:.2} px, p50 {:.2}, p75 {:.2}, p90 {:.2}, p95 {:.2}, p99 {:.2} ({} {})",
                d.mean,
                d.p50,
                d.p75,
                d.p90,
                d.p95,
                d.p99,
                d.count,
                self.what()
            )?;
        }
        writeln!(f, "within 3 px {} of all visible {}", ratio(self.within_3px), self.what())?;
        if let Some(pck) = &self.pck {
            write!(f, "PCK         mean {:.4}:", pck.mean)?;
            for (threshold_px, fraction) in pck.thresholds_px.iter().zip(&pck.fraction) {
                write!(f, " {threshold_px}px {fraction:.3}")?;
            }
            writeln!(f)?;
        }
        if self.point_reach_px.is_some() {
            return writeln!(f, "no OKS and no mAP: they compare errors with the size of an animal, and one point has no size");
        }
        self.parts(f)
    }
}

impl EvalReport {
    /// What the animals are made of.
    fn what(&self) -> &'static str {
        if self.point_reach_px.is_some() { "points" } else { "parts" }
    }

    /// What only animals of several parts have.
    fn parts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = &self.visibility;
        writeln!(
            f,
            "visibility  precision {}, recall {} (tp {}, fp {}, tn {}, fn {})",
            ratio(v.precision),
            ratio(v.recall),
            v.tp,
            v.fp,
            v.tn,
            v.fn_
        )?;
        self.node_table(f)
    }

    fn node_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.per_node.0.iter().map(|(name, _)| name.chars().count()).fold(4, usize::max);
        writeln!(f, "\n{:width$}  mean px   p50 px   p95 px      PCK", "node")?;
        for (name, node) in &self.per_node.0 {
            let [mean, p50, p95] = [node.mean, node.p50, node.p95].map(pixels);
            writeln!(f, "{name:width$}  {mean:>7}  {p50:>7}  {p95:>7}  {:>7}", ratio(node.pck))?;
        }
        Ok(())
    }
}

fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"))
}

fn pixels(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.2}"))
}

#[cfg(test)]
mod tests {
    use super::super::pair::{FramePair, PredictedPose};
    use super::super::report::{EvalOptions, evaluate};

    #[test]
    fn table_shows_the_figures_and_dashes_for_none() {
        let points = vec![[0.0, 0.0], [40.0, 20.0], [f32::NAN; 2]];
        let predicted = vec![PredictedPose { points: vec![[0.0, 0.0], [40.0, 22.0], [f32::NAN; 2]], score: 1.0 }];
        let nodes = ["head", "abdomen", "paw"].map(String::from);
        let text = evaluate(&nodes, &[FramePair { truth: vec![points], predicted }], &EvalOptions::default()).to_string();
        assert!(text.contains("1 true, 1 predicted: 1 matched, 0 missed, 0 spurious"), "{text}");
        assert!(text.contains("mean 1.00 px, p50 1.00, p75 1.50"), "{text}");
        assert!(text.contains("abdomen     2.00     2.00     2.00   0.8000"), "{text}");
        assert!(text.contains("paw            -        -        -        -"), "{text}");
    }
}
