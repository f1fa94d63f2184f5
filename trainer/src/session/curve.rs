//! The accuracy of the whole model while its last network is trained.

use super::bundle::draft;
use super::evaluate::Gathered;
use super::run_folder::RunFacts;
use super::split_output::evenly_spread;
use super::stage::StageNet;
use crate::config::{Stage, TrainConfig};
use crate::dataset::SampleSource;
use crate::error::Result;
use crate::metric::EvalReport;
use crate::model::PoseNet;
use crate::train::curve::{CurveFile, CurveRow};
use crate::train::{Accuracy, MeasureAccuracy, Moment};
use dormouse::Bundle;
use std::time::Instant;

/// Distance of the share of correct keypoints.
const PCK_PX: f64 = 5.0;

/// Puts the network under training into a bundle with those that are trained already, runs it with the shipped runtime over some
/// validation frames, and keeps the figures.
pub(super) struct CurveMeter<'a> {
    /// Configuration of the model as a whole.
    pub config: &'a TrainConfig,
    /// What export needs to know.
    pub facts: &'a RunFacts,
    /// Networks that are trained already.
    pub earlier: &'a [StageNet],
    /// The network under training.
    pub stage: Stage,
    /// Its settings.
    pub stage_config: TrainConfig,
    /// Validation samples.
    pub val: &'a dyn SampleSource,
    /// Threads of the runtime.
    pub threads: usize,
    /// Minutes that the earlier networks took.
    pub earlier_minutes: f64,
    /// Where the figures go.
    pub file: CurveFile,
}

impl CurveMeter<'_> {
    fn report(&self, net: &PoseNet) -> Result<EvalReport> {
        let mut nets = self.earlier.to_vec();
        nets.push(StageNet { stage: self.stage, config: self.stage_config.clone(), net: net.clone() });
        let bytes = draft(&nets, self.config, "in training", self.facts)?.0.finish()?;
        let mut gathered = Gathered::new(&Bundle::from_bytes(&bytes)?, self.threads)?;
        for index in evenly_spread(self.val.len(), self.stage_config.train.evaluate_frames) {
            gathered.add(&self.val.sample(index)?)?;
        }
        Ok(gathered.finish(self.val)?.0.report)
    }
}

impl MeasureAccuracy for CurveMeter<'_> {
    fn measure(&mut self, net: &PoseNet, at: Moment) -> Result<Accuracy> {
        let begin = Instant::now();
        let report = self.report(net)?;
        let accuracy = Accuracy {
            frames: report.frames,
            precision: report.precision,
            recall: report.recall,
            moks: report.moks,
            moks_all: report.moks_all,
            map: report.map,
            median_px: report.distance.map(|d| d.p50),
            pck_5px: report.pck.as_ref().and_then(|pck| pck.at(PCK_PX)),
            cost_s: begin.elapsed().as_secs_f64(),
        };
        self.file.add(CurveRow::new(&accuracy, &at, self.earlier_minutes))?;
        Ok(accuracy)
    }

    fn has_begun(&self) -> bool {
        !self.file.rows().is_empty()
    }
}
