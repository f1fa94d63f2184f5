//! Models whose maps are weighted sums of colours, so that both engines give the very same maps, and what the GPU finds in whole
//! frames compared with what the CPU finds in them.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test may fail by panicking")]

use crate::onnx::{Attr, Onnx, numbers};
use crate::tolerance::{GPU_LINE_SCORE, GPU_REFINED_CELLS};
use crate::wgpu_suite::GPU;
use dormouse::config::*;
use dormouse::decode::{PafScorer, Peak, decode_plan, edge_order};
use dormouse::engine::cpu::CpuNetwork;
use dormouse::engine::wgpu::{Gpu, WgpuNetwork};
use dormouse::engine::{DecodePlan, Engine, Found, FrameEngine as _, FrameStage, Network as _, OutputSpec, ScorePlan};
use dormouse::preprocess::Preprocessor;
use dormouse::{Frame, PixelFormat, Skeleton};

/// A configuration and its network.
pub struct Model {
    /// The configuration.
    pub config: Config,
    onnx: Vec<u8>,
    specs: Vec<OutputSpec>,
}

/// Weights of the colours, one row a channel, and input pixels of a cell.
pub struct Head<'a> {
    /// Meaning.
    pub kind: HeadKind,
    /// `[channel][colour]`, as many colours as the input has.
    pub weights: &'a [&'a [f32]],
    /// Input pixels of a cell.
    pub stride_px: u32,
}

impl Model {
    /// A model of that type with one node for each channel of the first head, joined in a row.
    pub fn new(model_type: ModelType, preprocess: PreprocessConfig, heads: &[Head<'_>], limits: Limits) -> Self {
        let nodes = heads[0].weights.len();
        let name = |index: usize| format!("head{index}");
        let channels = preprocess.color.channels();
        let mut onnx = Onnx::new(17).input("x", &[-1, channels as i64, -1, -1]);
        let mut configs = Vec::new();
        let mut specs = Vec::new();
        for (index, head) in heads.iter().enumerate() {
            let weights: Vec<f32> = head.weights.concat();
            let sides = [head.weights.len(), channels, 1, 1];
            let strides = [i64::from(head.stride_px); 2];
            let attributes = [("kernel_shape", Attr::Ints(&[1, 1])), ("strides", Attr::Ints(&strides))];
            let weight = format!("weight{index}");
            onnx = onnx.floats(&weight, &sides, &weights).node("Conv", &["x", &weight], &name(index), &attributes);
            onnx = onnx.output(&name(index));
            configs.push(HeadConfig { kind: head.kind, output: name(index), stride_px: head.stride_px });
            let stride_px = Some(head.stride_px as usize);
            specs.push(OutputSpec { name: name(index), channels: head.weights.len(), stride_px });
        }
        let classes = heads.iter().find(|h| h.kind == HeadKind::ClassMaps).map(|h| h.weights.len());
        let config = Config {
            name: "colours".into(),
            model_type,
            skeleton: Skeleton {
                name: "row".into(),
                nodes: (0..nodes).map(|n| format!("n{n}")).collect(),
                edges: (1..nodes as u16).map(|n| (n - 1, n)).collect(),
                symmetries: vec![],
            },
            networks: vec![NetworkConfig { name: "pose".into(), preprocess, heads: configs }],
            peaks: PeakConfig { threshold: 0.0, refinement: Refinement::Integral },
            grouping: GroupingConfig::default(),
            limits,
            provenance: Provenance::default(),
            top_down: None,
            identity: classes.map(|n| IdentityConfig { classes: (0..n).map(|c| format!("c{c}")).collect() }),
        };
        Self { config, onnx: onnx.bytes(), specs }
    }

    /// Compares what the GPU finds in a frame with what the CPU finds in it, the GPU beginning with each of these stages. Gives the
    /// number of peaks and of scores that were compared.
    pub fn same_as_cpu(&self, case: &str, frame: &Frame<'_>, stages: &[FrameStage]) -> (usize, usize) {
        let preprocess = &self.config.networks[0].preprocess;
        let mut preprocessor = Preprocessor::new(preprocess, frame.width_px(), frame.height_px()).unwrap();
        let plan = decode_plan(&self.config).unwrap();
        let mut input = vec![0.0; preprocessor.shape().len()];
        preprocessor.run(frame, &mut input).unwrap();
        let network = CpuNetwork::load(&self.onnx, self.specs.clone(), 1).unwrap();
        let mut engine = network.prepare(preprocessor.shape(), 1).unwrap();
        engine.run(&input, 1).unwrap();
        let mut compared = (0, 0);
        for &stage in stages {
            let case = format!("{case}, from {}", stage.name());
            let network = WgpuNetwork::load_from(&GPU, &self.onnx, self.specs.clone(), stage).unwrap();
            let frames = network.prepare_whole(&preprocessor, &plan).unwrap_or_else(|e| panic!("{case}: {e}"));
            let mut frames = frames.unwrap();
            // The second run finds what the first one left in the buffers.
            for _ in 0..2 {
                frames.run(frame).unwrap_or_else(|e| panic!("{case}: {e}"));
                compared = same(&case, &self.config, &plan, frames.found().unwrap(), engine.as_ref());
            }
        }
        compared
    }

    /// Closes the device between two runs on a frame, which must find the same.
    pub fn survives_a_lost_device(&self, frame: &Frame<'_>, stages: &[FrameStage]) {
        let preprocess = &self.config.networks[0].preprocess;
        let preprocessor = Preprocessor::new(preprocess, frame.width_px(), frame.height_px()).unwrap();
        let plan = decode_plan(&self.config).unwrap();
        for &stage in stages {
            let gpu = Gpu::open(true).unwrap();
            let network = WgpuNetwork::load_from(&gpu, &self.onnx, self.specs.clone(), stage).unwrap();
            let mut frames = network.prepare_whole(&preprocessor, &plan).unwrap().unwrap();
            frames.run(frame).unwrap();
            let found = frames.found().unwrap();
            let (peaks, scores) = (found.peaks.to_vec(), found.scores.to_vec());
            assert!(!peaks.is_empty() && !scores.is_empty());
            gpu.close();
            frames.run(frame).unwrap_or_else(|e| panic!("from {}: {e}", stage.name()));
            let found = frames.found().unwrap();
            assert_eq!((found.peaks, found.scores), (&peaks[..], &scores[..]), "from {}", stage.name());
        }
    }
}

fn same(case: &str, config: &Config, plan: &DecodePlan, found: Found<'_>, engine: &dyn Engine) -> (usize, usize) {
    let maps = engine.output(plan.peaks.output, 0).unwrap();
    let expected = (plan.peaks.on_cpu)(&maps, &plan.peaks, true);
    assert_eq!(found.counts, expected.counts, "{case}: peaks of each channel");
    let overflow: u32 = expected.totals.iter().sum::<u32>() - expected.counts.iter().sum::<u32>();
    assert_eq!(found.overflow(), overflow, "{case}: peaks without room");
    assert_eq!(found.peaks.len(), expected.peaks.len(), "{case}");
    for (index, (a, b)) in found.peaks.iter().zip(&expected.peaks).enumerate() {
        let away = (a[0] - b[0]).abs().max((a[1] - b[1]).abs());
        assert!(away <= GPU_REFINED_CELLS, "{case}: peak {index} at {a:?}, not {b:?}");
        assert_eq!(a[2].to_bits(), b[2].to_bits(), "{case}: value of peak {index} at {b:?}");
    }
    let peak = |&[x, y, value]: &[f32; 3]| Peak { x, y, value };
    // Scored from the GPU's own peaks: those that lie between two cells may fall into the one or the other.
    let lists: Vec<Vec<Peak>> = found.lists().map(|list| list.iter().map(peak).collect()).collect();
    let mut scores: Vec<f32> = Vec::new();
    match &plan.scores {
        None => {}
        Some(ScorePlan::Lines(lines)) => {
            let scorer = PafScorer::new(&config.grouping, lines.peak_stride_px, lines.stride_px);
            let pafs = engine.output(lines.output, 0).unwrap();
            for edge in edge_order(&config.skeleton) {
                let (from, to) = config.skeleton.edges[edge];
                let (from, to) = (&lists[usize::from(from)], &lists[usize::from(to)]);
                let start = scores.len();
                scores.resize(start + from.len() * to.len(), 0.0);
                scorer.score(&pafs, edge, from, to, &mut scores[start..]);
            }
        }
        Some(ScorePlan::Classes { output, classes, cells_per_cell }) => {
            let maps = engine.output(*output, 0).unwrap();
            let cell = |at: f32, side: usize| ((at * cells_per_cell).round_ties_even() as usize).min(side - 1);
            for peak in lists.iter().flatten() {
                let at = cell(peak.y, maps.height()) * maps.width() + cell(peak.x, maps.width());
                scores.extend((0..*classes).map(|class| maps.channel(class)[at]));
            }
        }
    }
    assert_eq!(found.scores.len(), scores.len(), "{case}: scores");
    for (index, (a, b)) in found.scores.iter().zip(&scores).enumerate() {
        let same = a == b || (a - b).abs() <= GPU_LINE_SCORE;
        assert!(same, "{case}: score {index} is {a}, not {b}");
    }
    (found.peaks.len(), scores.len())
}

/// Bytes of noise.
pub fn noise(len: usize, seed: u32) -> Vec<u8> {
    numbers(len, seed).iter().map(|x| ((x + 1.0) * 128.0) as u8).collect()
}

/// A frame of noise with gaps behind its rows, in `bytes`.
pub fn noise_frame(bytes: &[u8], format: PixelFormat, [width, height]: [u32; 2]) -> Frame<'_> {
    Frame::new(format, bytes, width, height, width as usize * format.bytes_per_pixel() + 3).unwrap()
}
