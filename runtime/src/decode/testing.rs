//! Maps with known contents, for the tests of this folder.

use crate::config::{
    Config, GroupingConfig, HeadConfig, HeadKind, InputColor, Limits, ModelType, NetworkConfig, PeakConfig, PreprocessConfig,
    Provenance, ResizeFilter,
};
use crate::skeleton::Skeleton;
use crate::tensor::Maps;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// One confidence map: the largest of the unit Gaussians around `centres` (x, y), all lengths in cells.
pub(super) fn gaussian_map(width: usize, height: usize, sigma: f32, centres: &[(f32, f32)]) -> Vec<f32> {
    let mut map = vec![0.0_f32; width * height];
    for (i, cell) in map.iter_mut().enumerate() {
        for &(cx, cy) in centres {
            let (dx, dy) = ((i % width) as f32 - cx, (i / width) as f32 - cy);
            *cell = cell.max(libm::expf(-(dx * dx + dy * dy) / (2.0 * sigma * sigma)));
        }
    }
    map
}

/// The two affinity maps of one edge: unit vectors within `half_width` of the lines `(from, to)`, all lengths in cells.
pub(super) fn affinity_maps(width: usize, height: usize, half_width: f32, lines: &[((f32, f32), (f32, f32))]) -> Vec<f32> {
    let mut maps = vec![0.0_f32; 2 * width * height];
    for &(from, to) in lines {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = libm::hypotf(dx, dy);
        for i in 0..width * height {
            let (px, py) = ((i % width) as f32 - from.0, (i / width) as f32 - from.1);
            let t = ((px * dx + py * dy) / (length * length)).clamp(0.0, 1.0);
            if libm::hypotf(px - t * dx, py - t * dy) <= half_width {
                maps[i] = dx / length;
                maps[width * height + i] = dy / length;
            }
        }
    }
    maps
}

/// A bottom-up model of three nodes in a row, both heads at stride 4.
pub(super) fn config(limits: Limits) -> Config {
    let head = |kind, output: &str| HeadConfig { kind, output: output.into(), stride_px: 4 };
    let preprocess =
        PreprocessConfig { color: InputColor::Gray, input_scale: 1.0, resize: ResizeFilter::Bilinear, pad_to_stride_px: 16 };
    let heads = vec![head(HeadKind::ConfidenceMaps, "confmaps"), head(HeadKind::PartAffinityFields, "pafs")];
    Config {
        name: "planted".into(),
        model_type: ModelType::BottomUp,
        skeleton: Skeleton {
            name: "row".into(),
            nodes: ["a", "b", "c"].map(String::from).to_vec(),
            edges: [(0, 1), (1, 2)].to_vec(),
            symmetries: Vec::new(),
        },
        networks: vec![NetworkConfig { name: "pose".into(), preprocess, heads }],
        peaks: PeakConfig::default(),
        grouping: GroupingConfig::default(),
        limits,
        provenance: Provenance::default(),
        top_down: None,
        identity: None,
    }
}

/// Network outputs for [`config`], with planted animals of three nodes (x, y) in cells; sigma is one cell.
pub(super) struct Scene {
    width: usize,
    height: usize,
    confmaps: Vec<f32>,
    pafs: Vec<f32>,
}

impl Scene {
    pub(super) fn new(width: usize, height: usize, animals: &[[(f32, f32); 3]]) -> Self {
        let map = |node: usize| gaussian_map(width, height, 1.0, &animals.iter().map(|a| a[node]).collect::<Vec<_>>());
        let field = |edge: usize| {
            let lines: Vec<_> = animals.iter().map(|a| (a[edge], a[edge + 1])).collect();
            affinity_maps(width, height, 1.5, &lines)
        };
        Self { width, height, confmaps: (0..3).flat_map(map).collect(), pafs: (0..2).flat_map(field).collect() }
    }

    /// The first three of seven maps are confidence maps, the others affinity fields.
    pub(super) fn from_values(width: usize, height: usize, mut values: Vec<f32>) -> Self {
        let pafs = values.split_off(3 * width * height);
        Self { width, height, confmaps: values, pafs }
    }

    pub(super) fn confmaps(&self) -> Maps<'_> {
        Maps::new(&self.confmaps, 3, self.height, self.width).unwrap()
    }

    pub(super) fn pafs(&self) -> Maps<'_> {
        Maps::new(&self.pafs, 4, self.height, self.width).unwrap()
    }
}
