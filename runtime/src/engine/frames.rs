//! Whole frames on an engine: from pixels to peaks and edge scores, for engines that find these themselves.

use super::network::Network;
use crate::config::{GroupingConfig, Refinement};
use crate::error::Error;
use crate::frame::Frame;
use crate::preprocess::CropSampler;
use crate::tensor::Maps;
use alloc::string::String;
use alloc::vec::Vec;
use core::str::FromStr;

/// The parts of a frame's way, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum FrameStage {
    /// Frame to network input.
    #[default]
    Preprocess,
    /// Network input to maps.
    Network,
    /// Maps to peaks on the grid.
    Peaks,
    /// Sub-cell positions.
    Refine,
    /// Line scores of candidate edges, or class maps at the peaks.
    Paf,
    /// Crops of top-down models, from the choice of centroids on. Models without crops begin with the stage before it.
    Crop,
}

impl FrameStage {
    /// All stages in order.
    pub const ALL: [Self; 6] = [Self::Preprocess, Self::Network, Self::Peaks, Self::Refine, Self::Paf, Self::Crop];

    /// Name used in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preprocess => "preprocess",
            Self::Network => "network",
            Self::Peaks => "peaks",
            Self::Refine => "refine",
            Self::Paf => "paf",
            Self::Crop => "crop",
        }
    }
}

impl FromStr for FrameStage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let what = "must be one of preprocess, network, peaks, refine, paf, crop";
        let found = Self::ALL.into_iter().find(|stage| stage.name() == text);
        found.ok_or(Error::InvalidConfig { field: "DORMOUSE_GPU_FROM", what })
    }
}

/// What is looked for in the maps of a network.
#[derive(Debug, Clone)]
pub struct DecodePlan {
    /// How peaks are found.
    pub peaks: PeakPlan,
    /// What is asked of the second output at the peaks, if there is one.
    pub scores: Option<ScorePlan>,
}

/// How peaks are found.
#[derive(Debug, Clone)]
pub struct PeakPlan {
    /// Index of the output.
    pub output: usize,
    /// Local peaks are above it, global ones at least it; 0 to 1.
    pub threshold: f32,
    /// Sub-cell positions.
    pub refinement: Refinement,
    /// Which peaks.
    pub find: Find,
    /// How the CPU finds them in the maps of the output (and refines them, or not), for bisecting.
    pub on_cpu: fn(&Maps<'_>, &PeakPlan, bool) -> PeakLists,
}

/// Which peaks of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Find {
    /// All local maxima, the strongest of them if there are more than `max_peaks`.
    Local {
        /// Room of a channel.
        max_peaks: usize,
    },
    /// The largest value.
    Global,
}

impl Find {
    /// Peaks of one channel at most.
    pub const fn room(self) -> usize {
        match self {
            Self::Local { max_peaks } => max_peaks,
            Self::Global => 1,
        }
    }
}

/// What is asked of the second output at the peaks.
#[derive(Debug, Clone)]
pub enum ScorePlan {
    /// Part affinity fields: a score for each pair of peaks that an edge may join.
    Lines(LinePlan),
    /// Class maps: what they say at each peak.
    Classes {
        /// Index of the output.
        output: usize,
        /// Number of classes.
        classes: usize,
        /// Class-map cells of one cell of the confidence maps.
        cells_per_cell: f32,
    },
}

/// How candidate edges are scored.
#[derive(Debug, Clone)]
pub struct LinePlan {
    /// Index of the output.
    pub output: usize,
    /// Number in the field, source channel and destination channel of each edge, in the order in which scores are given.
    pub edges: Vec<[usize; 3]>,
    /// Samples, lengths and penalties.
    pub grouping: GroupingConfig,
    /// Input pixels of one cell of the confidence maps.
    pub peak_stride_px: u32,
    /// Input pixels of one cell of the affinity fields.
    pub stride_px: u32,
}

/// How animals are looked at one by one.
#[derive(Debug, Clone)]
pub struct CropPlan {
    /// How parts are found in the maps of a crop.
    pub peaks: PeakPlan,
    /// Class vectors of a crop: index of the output and number of classes.
    pub classes: Option<(usize, usize)>,
    /// Most crops of a frame.
    pub max_crops: usize,
    /// Input pixels of one cell of the centroid map.
    pub centroid_stride_px: u32,
    /// Of two centroids that are closer, in pixels of the frame, the weaker one is dropped.
    pub min_distance_px: f32,
}

/// The second network of a top-down model, and what is to be done with it.
#[derive(Clone, Copy)]
pub struct CropRoute<'a> {
    /// The network of the crops.
    pub network: &'a dyn Network,
    /// How crops are cut.
    pub sampler: &'a CropSampler,
    /// What is looked for.
    pub plan: &'a CropPlan,
}

/// Peaks as the CPU finds them: those of each channel, how many there were without a limit, and all of them (x and y in cells,
/// value), channel by channel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PeakLists {
    /// Peaks of each channel.
    pub counts: Vec<u32>,
    /// Peaks of each channel, had there been room for all.
    pub totals: Vec<u32>,
    /// x, y and value of all peaks.
    pub peaks: Vec<[f32; 3]>,
}

/// What was found in a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found<'a> {
    /// Peaks of each channel.
    pub counts: &'a [u32],
    /// Peaks of each channel, had there been room for all.
    pub totals: &'a [u32],
    /// x and y in cells and value of all peaks, channel by channel.
    pub peaks: &'a [[f32; 3]],
    /// `[edge][source][destination]` line scores of all pairs, or `[peak][class]` numbers of the class maps.
    pub scores: &'a [f32],
}

impl<'a> Found<'a> {
    /// The peaks of each channel.
    pub fn lists(&self) -> impl Iterator<Item = &'a [[f32; 3]]> + use<'a> {
        let mut rest = self.peaks;
        self.counts.iter().map(move |&count| {
            let (list, behind) = rest.split_at((count as usize).min(rest.len()));
            rest = behind;
            list
        })
    }

    /// Peaks that there was no room for.
    pub fn overflow(&self) -> u32 {
        let surplus = self.totals.iter().zip(self.counts).map(|(total, count)| total.saturating_sub(*count));
        surplus.fold(0, u32::saturating_add)
    }
}

/// What was found in the crops of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FoundCrops<'a> {
    /// First column and row of each crop in the scaled frame.
    pub origins: &'a [[i32; 2]],
    /// One list of at most one peak for each part of each crop.
    pub parts: Found<'a>,
    /// `[crop][class]` numbers; empty for models without classes.
    pub classes: &'a [f32],
}

/// What an engine with a device of its own says of a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceReport {
    /// Name of the device, its driver and the interface to it.
    pub adapter: String,
    /// Whether it computes on the CPU in fact, so that its times say nothing about a GPU.
    pub software: bool,
    /// Dispatches of a frame.
    pub dispatches: usize,
    /// Bytes that go to the device with the latest frame.
    pub upload_bytes: usize,
    /// Bytes that come back with every frame.
    pub read_bytes: usize,
    /// Milliseconds of each stage by the device's own clock, each dispatch waiting for the one before it; empty if the device cannot tell.
    pub stage_ms: Vec<(FrameStage, f64)>,
}

/// Frames that an engine may have on their way at the same time: the one that it works on, and the next.
pub const MOST_IN_FLIGHT: usize = 2;

/// A network with all that comes before and after it, prepared for one frame size.
pub trait FrameEngine: Send {
    /// Begins to look for peaks and scores of one frame, and at crops around them if it was prepared for that. After an error the frame
    /// is not on its way.
    ///
    /// # Errors
    /// [`Error::SizeChanged`] for a frame of another size; [`Error::InFlight`] if [`MOST_IN_FLIGHT`] frames are on their way;
    /// [`Error::Engine`] if the engine fails.
    fn submit(&mut self, frame: &Frame<'_>) -> Result<(), Error>;

    /// Waits for the frame that was submitted first of those on their way. `frame` must be the same one: it is done once more if the
    /// device was lost.
    ///
    /// # Errors
    /// [`Error::InFlight`] if none is on its way; [`Error::Engine`] if the engine fails. The frame is then given up.
    fn finish(&mut self, frame: &Frame<'_>) -> Result<(), Error>;

    /// Frames on their way.
    fn in_flight(&self) -> usize;

    /// Submits a frame and waits for it.
    ///
    /// # Errors
    /// As the two; [`Error::InFlight`] if other frames are on their way.
    fn run(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        if self.in_flight() > 0 {
            return Err(Error::InFlight("finish them first"));
        }
        self.submit(frame)?;
        self.finish(frame)
    }

    /// Looks at the crops of a frame that begin at these columns and rows of the scaled frame, without looking for centroids; as many
    /// at most as the plan allows. Frames on their way stay there.
    ///
    /// # Errors
    /// [`Error::SizeChanged`] for a frame of another size; [`Error::Engine`] if the engine fails or was not prepared for crops.
    fn run_at(&mut self, frame: &Frame<'_>, origins: &[[i32; 2]]) -> Result<(), Error>;

    /// What was found in the frame that was finished last; `None` before the first one and after one that failed.
    fn found(&self) -> Option<Found<'_>>;

    /// What was found in the crops that were looked at last; `None` also for engines that were not prepared for them.
    fn crops(&self) -> Option<FoundCrops<'_>>;

    /// Does the latest frame once more and tells what that took.
    ///
    /// # Errors
    /// [`Error::InFlight`] if frames are on their way; [`Error::Engine`] if the engine fails.
    fn device_report(&mut self) -> Result<DeviceReport, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn stages_are_known_by_their_names() {
        for stage in FrameStage::ALL {
            assert_eq!(stage.name().parse(), Ok(stage));
        }
        assert!(FrameStage::ALL.is_sorted());
        let error = "decode".parse::<FrameStage>().unwrap_err();
        assert!(FrameStage::ALL.iter().all(|stage| error.to_string().contains(stage.name())), "{error}");
    }

    #[test]
    fn lists_stand_one_behind_the_other() {
        let peaks = [[1.0; 3], [2.0; 3], [3.0; 3]];
        let found = Found { counts: &[1, 0, 2], totals: &[1, 0, 7], peaks: &peaks, scores: &[] };
        assert_eq!(found.lists().collect::<Vec<_>>(), [&peaks[..1], &[], &peaks[1..]]);
        assert_eq!(found.overflow(), 5);
        // More counted than given: no list reaches beyond the end.
        let short = Found { counts: &[9, 9], ..found };
        assert_eq!(short.lists().map(<[_]>::len).collect::<Vec<_>>(), [3, 0]);
    }
}
