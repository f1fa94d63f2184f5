//! Network outputs with planted animals, so that a bench can check its answer before it is timed.

use dormouse::config::{
    Config, GroupingConfig, HeadConfig, HeadKind, InputColor, Limits, ModelType, NetworkConfig, PeakConfig, PreprocessConfig,
    Provenance, ResizeFilter,
};
use dormouse::tensor::Maps;
use dormouse::{Poses, Skeleton};

/// Columns of all maps.
pub const WIDTH: usize = 128;
/// Rows of all maps.
pub const HEIGHT: usize = 96;
/// Input pixels per cell of all maps.
pub const STRIDE_PX: u32 = 4;
/// Nodes of an animal.
pub const NODES: usize = 15;
/// Spread of a planted peak in cells (10 input pixels).
pub const SIGMA_CELLS: f32 = 2.5;
/// Affinity reaches this far to both sides of an edge, in cells.
const AFFINITY_REACH_CELLS: f32 = 2.0;
/// Keypoints must come back this close, in input pixels: SLEAP's 5x5 patch recovers about a quarter of the sub-cell
/// offset at this sigma, so up to 0.36 cells are left; neighbours of the same node, 10 cells away, add a little.
pub const TOLERANCE_PX: f32 = 0.45 * STRIDE_PX as f32;

/// Confidence maps and affinity fields of one frame, and what they must decode to.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Per animal the position of every node, (x, y) in cells.
    pub animals: Vec<[(f32, f32); NODES]>,
    confmaps: Vec<f32>,
    pafs: Vec<f32>,
}

impl Scene {
    /// Plants `count` animals (up to 60) with small random shifts that depend on `seed` only.
    ///
    /// The animals stand in a grid; each is an axis of five nodes with two limbs of five nodes, all bent a little.
    pub fn new(count: usize, seed: u32) -> Self {
        let mut random = Random(seed);
        let columns = 10;
        let animals: Vec<_> = (0..count).map(|i| animal(i % columns, i / columns, &mut random)).collect();
        let cells = WIDTH * HEIGHT;
        let mut scene = Self { animals, confmaps: vec![0.0; NODES * cells], pafs: vec![0.0; 2 * (NODES - 1) * cells] };
        for animal in scene.animals.clone() {
            for (node, &centre) in animal.iter().enumerate() {
                plant_peak(&mut scene.confmaps[node * cells..(node + 1) * cells], centre);
            }
            for (edge, &(from, to)) in edges().iter().enumerate() {
                let maps = &mut scene.pafs[2 * edge * cells..2 * (edge + 1) * cells];
                plant_edge(maps, animal[usize::from(from)], animal[usize::from(to)]);
            }
        }
        scene
    }

    /// Confidence maps, `[NODES, HEIGHT, WIDTH]`.
    pub fn confmaps(&self) -> Option<Maps<'_>> {
        Maps::new(&self.confmaps, NODES, HEIGHT, WIDTH)
    }

    /// Affinity fields, `[2 * (NODES - 1), HEIGHT, WIDTH]`.
    pub fn pafs(&self) -> Option<Maps<'_>> {
        Maps::new(&self.pafs, 2 * (NODES - 1), HEIGHT, WIDTH)
    }

    /// Checks that `poses` (in input pixels) are exactly the planted animals, each complete and within [`TOLERANCE_PX`].
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self, poses: &Poses) -> Result<(), String> {
        if poses.len() != self.animals.len() {
            return Err(format!("expected {} animals, got {}", self.animals.len(), poses.len()));
        }
        let stride = STRIDE_PX as f32;
        for (i, animal) in self.animals.iter().enumerate() {
            let distance = |found: dormouse::Instance<'_>| {
                let far = |(k, &(x, y)): (&dormouse::Keypoint, &(f32, f32))| {
                    // A missing keypoint is infinitely far.
                    let p = k.position;
                    if k.is_visible() { (p.x_px - x * stride).abs().max((p.y_px - y * stride).abs()) } else { f32::INFINITY }
                };
                found.keypoints.iter().zip(animal).map(far).fold(0.0, f32::max)
            };
            let nearest = poses.iter().map(distance).fold(f32::INFINITY, f32::min);
            if nearest > TOLERANCE_PX {
                return Err(format!("animal {i} is off by {nearest} px, tolerance {TOLERANCE_PX} px"));
            }
        }
        Ok(())
    }
}

/// Edges of the planted skeleton: an axis 0..=4, limbs 5..=9 and 10..=14 that begin at node 2.
pub fn edges() -> Vec<(u16, u16)> {
    let chain = |from: u16| (from..from + 4).map(|i| (i, i + 1));
    chain(0).chain([(2, 5)]).chain(chain(5)).chain([(2, 10)]).chain(chain(10)).collect()
}

/// A bottom-up configuration for the planted scenes.
pub fn config() -> Config {
    let head = |kind, output: &str| HeadConfig { kind, output: output.into(), stride_px: STRIDE_PX };
    let preprocess =
        PreprocessConfig { color: InputColor::Gray, input_scale: 1.0, resize: ResizeFilter::Bilinear, pad_to_stride_px: 32 };
    let heads = vec![head(HeadKind::ConfidenceMaps, "confmaps"), head(HeadKind::PartAffinityFields, "pafs")];
    Config {
        name: "planted".into(),
        model_type: ModelType::BottomUp,
        skeleton: Skeleton {
            name: "planted".into(),
            nodes: (0..NODES).map(|i| format!("node{i}")).collect(),
            edges: edges(),
            symmetries: Vec::new(),
        },
        networks: vec![NetworkConfig { name: "pose".into(), preprocess, heads }],
        peaks: PeakConfig::default(),
        grouping: GroupingConfig::default(),
        limits: Limits::default(),
        provenance: Provenance::default(),
        top_down: None,
        identity: None,
    }
}

fn animal(column: usize, row: usize, random: &mut Random) -> [(f32, f32); NODES] {
    let (x, y) = (column as f32 * 12.5 + 4.0, row as f32 * 15.5 + 3.0);
    core::array::from_fn(|node| {
        let along = (node % 5) as f32;
        // The axis runs down, the limbs run to the right and to the left of its middle.
        let (dx, dy) = match node / 5 {
            0 => (0.0, along * 3.0),
            1 => (2.0 + along * 0.8, 7.5 + along * 0.9),
            _ => (2.0 + along * 0.8, 4.5 - along * 0.9),
        };
        (x + dx + random.next() * 0.5, y + dy + random.next() * 0.5)
    })
}

fn plant_peak(map: &mut [f32], (cx, cy): (f32, f32)) {
    for (i, cell) in map.iter_mut().enumerate() {
        let (dx, dy) = ((i % WIDTH) as f32 - cx, (i / WIDTH) as f32 - cy);
        *cell = cell.max((-(dx * dx + dy * dy) / (2.0 * SIGMA_CELLS * SIGMA_CELLS)).exp());
    }
}

fn plant_edge(maps: &mut [f32], from: (f32, f32), to: (f32, f32)) {
    let (map_x, map_y) = maps.split_at_mut(WIDTH * HEIGHT);
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy);
    for (i, (x, y)) in map_x.iter_mut().zip(map_y).enumerate() {
        let (px, py) = ((i % WIDTH) as f32 - from.0, (i / WIDTH) as f32 - from.1);
        let t = ((px * dx + py * dy) / (length * length)).clamp(0.0, 1.0);
        if (px - t * dx).hypot(py - t * dy) <= AFFINITY_REACH_CELLS {
            (*x, *y) = (dx / length, dy / length);
        }
    }
}

/// A multiplicative congruential generator (PCG's multiplier): enough for small shifts, and the same everywhere.
struct Random(u32);

impl Random {
    /// The next number, -1 to 1.
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        (self.0 >> 8) as f32 / (1_u32 << 23) as f32 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dormouse::ImageMap;
    use dormouse::decode::Decoder;

    #[test]
    fn planted_scenes_decode_to_themselves() {
        let mut decoder = Decoder::new(&config()).unwrap();
        let mut poses = decoder.new_poses();
        for count in [0, 1, 5, 20, 50] {
            let scene = Scene::new(count, 7);
            decoder.decode(scene.confmaps().unwrap(), scene.pafs(), ImageMap::new(1.0), &mut poses).unwrap();
            assert_eq!(scene.check(&poses), Ok(()), "{count} animals");
        }
        assert!(Scene::new(49, 7).check(&poses).is_err() && Scene::new(50, 8).check(&poses).is_err());
    }
}
