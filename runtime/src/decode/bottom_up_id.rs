//! Known individuals: local peaks, given to individuals by class maps.

use crate::config::{Config, HeadKind, PeakConfig};
use crate::decode::output::Output;
use crate::decode::{Assigner, Peak, PeakBuffer, local_peaks, refine_peak};
use crate::engine::{DecodePlan, Found, PeakPlan, ScorePlan};
use crate::error::Error;
use crate::geometry::{ImageMap, InputPoint};
use crate::instances::{Overflow, Poses};
use crate::tensor::Maps;
use alloc::vec;
use alloc::vec::Vec;

/// Decoder of bottom-up models with class maps, with its working memory.
///
/// For every node its peaks are given to the classes so that the sum of the class probabilities at the peaks is the
/// largest; a pair counts only if no other class is more probable at that peak (SLEAP's rule), and if the probability is
/// above 0. The animals come in class order.
#[derive(Debug, Clone)]
pub struct BottomUpId {
    peak_config: PeakConfig,
    stride_px: f32,
    /// Class-map cells per confidence-map cell.
    class_cells: f32,
    nodes: usize,
    min_peaks: usize,
    max_instances: usize,
    class_output: Output,
    peaks: PeakBuffer,
    /// `peaks * classes` of the node at work.
    probabilities: Vec<f32>,
    assigner: Assigner,
    /// `classes * nodes`: the peak and its probability.
    slots: Vec<Option<(Peak, f32)>>,
    animals: Vec<Animal>,
}

/// One class that was found.
#[derive(Debug, Clone, Copy)]
struct Animal {
    class: usize,
    score: f32,
    class_score: f32,
}

impl BottomUpId {
    /// Plans for a validated configuration.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] if the first network lacks a confidence-map or a class-map head.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let network = config.networks.first();
        let confmaps = Output::of(config, network, HeadKind::ConfidenceMaps)?;
        let class_output = Output::of(config, network, HeadKind::ClassMaps)?;
        let (nodes, classes) = (config.skeleton.nodes.len(), class_output.channels);
        let max_peaks = config.limits.max_peaks as usize;
        Ok(Self {
            peak_config: config.peaks,
            stride_px: confmaps.stride_px as f32,
            class_cells: confmaps.stride_px as f32 / class_output.stride_px as f32,
            nodes,
            min_peaks: config.grouping.min_instance_peaks.count(nodes).max(1),
            max_instances: config.limits.max_instances as usize,
            class_output,
            peaks: PeakBuffer::new(nodes, max_peaks),
            probabilities: vec![0.0; max_peaks * classes],
            assigner: Assigner::new(max_peaks.max(classes)),
            slots: vec![None; classes * nodes],
            animals: Vec::with_capacity(classes),
        })
    }

    /// Replaces the contents of `poses` by the animals in `confmaps` `[nodes, h, w]` and `class_maps` `[classes, h, w]`,
    /// values 0 to 1.
    ///
    /// The score of an animal is the mean of its node values, the score of its class the mean of the class probabilities.
    pub fn decode(&mut self, confmaps: &Maps<'_>, class_maps: &Maps<'_>, map: ImageMap, poses: &mut Poses) {
        local_peaks(confmaps, self.peak_config.threshold, &mut self.peaks);
        for node in 0..confmaps.channels().min(self.nodes) {
            for peak in self.peaks.channel_mut(node) {
                *peak = refine_peak(confmaps, node, self.peak_config.refinement, *peak);
            }
        }
        let (classes, class_cells) = (self.class_output.channels, self.class_cells);
        self.assign_all(|peaks, probabilities| {
            for (peak, row) in peaks.iter().zip(probabilities.chunks_exact_mut(classes)) {
                let at = cell(class_maps, peak, class_cells);
                for (class, out) in row.iter_mut().enumerate() {
                    *out = at.map_or(f32::NAN, |at| class_maps.channel(class)[at]);
                }
            }
        });
        self.finish(map, poses);
    }

    /// As [`decode`](Self::decode), from what an engine found.
    pub fn decode_found(&mut self, found: &Found<'_>, map: ImageMap, poses: &mut Poses) {
        self.peaks.take(found);
        let mut rest = found.scores;
        self.assign_all(|_, probabilities| {
            let (own, behind) = rest.split_at(probabilities.len().min(rest.len()));
            probabilities.fill(f32::NAN);
            probabilities[..own.len()].copy_from_slice(own);
            rest = behind;
        });
        self.finish(map, poses);
    }

    /// How an engine finds what [`decode_found`](Self::decode_found) takes, in outputs with these indices.
    pub(super) fn plan(&self, peaks: PeakPlan, output: usize) -> DecodePlan {
        let (classes, cells_per_cell) = (self.class_output.channels, self.class_cells);
        DecodePlan { peaks, scores: Some(ScorePlan::Classes { output, classes, cells_per_cell }) }
    }

    /// Animals from the slots.
    fn finish(&mut self, map: ImageMap, poses: &mut Poses) {
        poses.clear();
        self.collect();
        let dropped = self.drop_weakest();
        for (index, animal) in self.animals.iter().enumerate() {
            let parts = &self.slots[animal.class * self.nodes..][..self.nodes];
            for (slot, part) in poses.push(animal.score).iter_mut().zip(parts) {
                if let Some((p, _)) = part {
                    slot.position = map.to_image(InputPoint { x_px: p.x * self.stride_px, y_px: p.y * self.stride_px });
                    slot.score = p.value;
                }
            }
            poses.set_class(index, animal.class, animal.class_score);
        }
        poses.set_overflow(Overflow { peaks: self.peaks.overflow(), instances: dropped });
    }

    /// Gives the peaks of every node to classes; `read` writes the `peaks * classes` probabilities of a node's peaks.
    fn assign_all(&mut self, mut read: impl FnMut(&[Peak], &mut [f32])) {
        self.slots.fill(None);
        let classes = self.class_output.channels;
        for node in 0..self.nodes {
            let peaks = self.peaks.channel(node);
            let probabilities = &mut self.probabilities[..peaks.len() * classes];
            read(peaks, probabilities);
            for (index, class) in self.assigner.solve(probabilities, peaks.len(), classes) {
                let row = &probabilities[index * classes..][..classes];
                let probability = row[class];
                let surest = row.iter().all(|&other| !other.is_finite() || probability >= other);
                if probability.is_finite() && probability > 0.0 && surest {
                    self.slots[class * self.nodes + node] = Some((peaks[index], probability));
                }
            }
        }
    }

    /// One animal per class that has enough parts.
    fn collect(&mut self) {
        self.animals.clear();
        for (class, parts) in self.slots.chunks_exact(self.nodes).enumerate() {
            let count = parts.iter().flatten().count();
            if count < self.min_peaks {
                continue;
            }
            // Divided before summing, so that the largest of floats cannot overflow.
            let mean = |value: fn(&(Peak, f32)) -> f32| parts.iter().flatten().map(|p| value(p) / count as f32).sum::<f32>();
            let (score, class_score) = (mean(|p| p.0.value), mean(|p| p.1));
            let finite = |v: f32| v.clamp(f32::MIN, f32::MAX);
            self.animals.push(Animal { class, score: finite(score), class_score: finite(class_score) });
        }
    }

    /// Leaves the `max_instances` animals with the highest scores; the number of others.
    fn drop_weakest(&mut self) -> u32 {
        let surplus = self.animals.len().saturating_sub(self.max_instances);
        if surplus > 0 {
            self.animals.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.class.cmp(&b.class)));
            self.animals.truncate(self.max_instances);
            self.animals.sort_unstable_by_key(|a| a.class);
        }
        surplus as u32
    }
}

/// Index of the class-map cell nearest to a peak, halves to even (SLEAP), inside the map; `None` for a map without cells.
fn cell(class_maps: &Maps<'_>, peak: &Peak, class_cells: f32) -> Option<usize> {
    let nearest = |at: f32, side: usize| Some((libm::rintf(at * class_cells).max(0.0) as usize).min(side.checked_sub(1)?));
    Some(nearest(peak.y, class_maps.height())? * class_maps.width() + nearest(peak.x, class_maps.width())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{HeadConfig, IdentityConfig, Limits, ModelType};
    use crate::decode::Decoder;
    use crate::decode::testing::{config, gaussian_map};

    const WIDTH: usize = 40;
    const HEIGHT: usize = 30;

    /// Three nodes at stride 4; class maps at stride 8, so 20x15 cells.
    fn id_config(classes: usize, limits: Limits) -> Config {
        let mut config = Config { model_type: ModelType::BottomUpId, ..config(limits) };
        config.networks[0].heads[1] = HeadConfig { kind: HeadKind::ClassMaps, output: "classes".into(), stride_px: 8 };
        config.identity = Some(IdentityConfig { classes: (0..classes).map(|c| alloc::format!("c{c}")).collect() });
        config
    }

    /// Animals of three nodes in a column at (x, y), (x, y + 5), (x, y + 10) cells.
    fn confmaps(animals: &[(f32, f32)]) -> Vec<f32> {
        let map = |node: usize| {
            let centres: Vec<_> = animals.iter().map(|&(x, y)| (x, y + 5.0 * node as f32)).collect();
            gaussian_map(WIDTH, HEIGHT, 1.0, &centres)
        };
        (0..3).flat_map(map).collect()
    }

    /// Class maps in which a class has a value in the columns left and right of `x` (confidence-map cells).
    fn class_maps(columns: &[(usize, f32, f32)], classes: usize) -> Vec<f32> {
        let mut maps = vec![0.0; classes * 300];
        for &(class, x, value) in columns {
            for row in maps[class * 300..][..300].chunks_exact_mut(20) {
                let at = (x / 2.0) as usize;
                row[at - 1..=at + 1].fill(value);
            }
        }
        maps
    }

    fn decode(config: &Config, animals: &[(f32, f32)], columns: &[(usize, f32, f32)]) -> Poses {
        let classes = config.identity.as_ref().unwrap().classes.len();
        let (confmaps, class_maps) = (confmaps(animals), class_maps(columns, classes));
        let mut decoder = Decoder::new(config).unwrap();
        let mut poses = decoder.new_poses();
        let (confmaps, class_maps) = (Maps::new(&confmaps, 3, HEIGHT, WIDTH), Maps::new(&class_maps, classes, 15, 20));
        decoder.decode(confmaps.unwrap(), class_maps, ImageMap::new(1.0), &mut poses).unwrap();
        poses
    }

    fn shown(poses: &Poses) -> Vec<(usize, i32, usize)> {
        let one = |i: crate::Instance<'_>| {
            let x = i.keypoints.iter().find(|k| k.is_visible()).map_or(-1.0, |k| k.position.x_px);
            (i.identity.unwrap().class, (x / 4.0) as i32, i.keypoints.iter().filter(|k| k.is_visible()).count())
        };
        poses.iter().map(one).collect()
    }

    #[test]
    fn animals_are_put_together_by_class_and_come_in_class_order() {
        let config = id_config(3, Limits::default());
        let poses = decode(&config, &[(10.0, 5.0), (30.0, 8.0)], &[(2, 10.0, 0.75), (0, 30.0, 0.5), (1, 30.0, 0.25)]);
        assert_eq!(shown(&poses), [(0, 30, 3), (2, 10, 3)]);
        let scores: Vec<_> = poses.iter().map(|i| (i.score, i.identity.unwrap().score, i.identity.unwrap().name)).collect();
        assert_eq!(scores, [(1.0, 0.5, "c0"), (1.0, 0.75, "c2")]);
    }

    #[test]
    fn a_peak_is_not_given_to_a_class_that_is_not_its_surest() {
        // Both animals look like class 0; the weaker one must not become class 1 only because that is free.
        let config = id_config(2, Limits::default());
        let columns = [(0, 10.0, 0.9), (0, 30.0, 0.8), (1, 10.0, 0.1), (1, 30.0, 0.2)];
        assert_eq!(shown(&decode(&config, &[(10.0, 5.0), (30.0, 8.0)], &columns)), [(0, 10, 3)]);
    }

    #[test]
    fn peaks_without_any_class_are_left_out() {
        let config = id_config(2, Limits::default());
        assert!(decode(&config, &[(10.0, 5.0)], &[]).is_empty());
        assert!(decode(&config, &[], &[(0, 10.0, 1.0)]).is_empty());
        assert!(decode(&config, &[(10.0, 5.0)], &[(0, 10.0, f32::NAN)]).is_empty());
    }

    #[test]
    fn the_strongest_animals_fit() {
        let config = id_config(3, Limits { max_instances: 2, max_peaks: 8 });
        let columns = [(0, 5.0, 0.9), (1, 20.0, 0.9), (2, 33.0, 0.9)];
        // Off the grid the largest cell is below 1: that animal is the weakest.
        let poses = decode(&config, &[(5.0, 5.0), (20.4, 8.4), (33.0, 5.0)], &columns);
        assert_eq!(shown(&poses), [(0, 5, 3), (2, 33, 3)]);
        assert_eq!(poses.overflow(), Overflow { peaks: 0, instances: 1 });
    }

    #[test]
    fn too_few_parts_make_no_animal() {
        let mut config = id_config(1, Limits::default());
        config.grouping.min_instance_peaks = crate::config::MinInstancePeaks::Count(3);
        // The third node lies outside the map.
        assert!(decode(&config, &[(10.0, 22.0)], &[(0, 10.0, 1.0)]).is_empty());
        config.grouping.min_instance_peaks = crate::config::MinInstancePeaks::Count(2);
        assert_eq!(shown(&decode(&config, &[(10.0, 22.0)], &[(0, 10.0, 1.0)])), [(0, 10, 2)]);
    }

    #[test]
    fn class_cells_are_the_nearest_ones_inside_the_map() {
        let maps = Maps::new(&[0.0; 6], 1, 2, 3).unwrap();
        let at = |x, y, cells| cell(&maps, &Peak { x, y, value: 1.0 }, cells);
        assert_eq!((at(0.0, 0.0, 0.5), at(3.0, 1.0, 0.5)), (Some(0), Some(2)));
        // Halves to even: 0.5 is 0 and 1.5 is 2.
        assert_eq!((at(1.0, 0.0, 0.5), at(-2.0, 9.0, 0.5)), (Some(0), Some(3)));
        assert_eq!(at(50.0, 50.0, 2.0), Some(5));
        assert_eq!(cell(&Maps::new(&[], 1, 0, 0).unwrap(), &Peak::default(), 1.0), None);
    }
}
