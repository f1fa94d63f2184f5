//! Centres of animals from a centroid map.

use crate::config::{Config, HeadKind, Refinement};
use crate::decode::output::Output;
use crate::decode::{Peak, PeakBuffer, local_peaks, refine_peak};
use crate::engine::Found;
use crate::error::Error;
use crate::geometry::{ImageMap, ImagePoint, InputPoint};
use crate::instances::Overflow;
use crate::tensor::Maps;
use alloc::vec::Vec;

/// The centre of one animal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Centroid {
    /// Where it is.
    pub position: ImagePoint,
    /// Map value at the peak; finite.
    pub score: f32,
}

/// Finds the centroids of a frame, with its working memory.
///
/// Local peaks above the threshold, refined. Of two that are closer than the smallest distance the weaker one is dropped,
/// the strongest being looked at first, so that each kept one keeps others away and a dropped one does not. Of what is
/// left the `max_instances` strongest stay. They come in raster order of their peaks.
#[derive(Debug, Clone)]
pub struct CentroidFinder {
    output: Output,
    threshold: f32,
    refinement: Refinement,
    min_distance_px: f32,
    max_instances: usize,
    peaks: PeakBuffer,
    all: Vec<Centroid>,
    /// Indices into `all`, strongest first.
    order: Vec<usize>,
    /// Indices of those that stay.
    kept: Vec<usize>,
    found: Vec<Centroid>,
    overflow: Overflow,
}

impl CentroidFinder {
    /// Plans for a validated configuration whose first network is the centroid network.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] if the configuration has no centroid head or no [`Config::top_down`].
    pub fn new(config: &Config) -> Result<Self, Error> {
        let output = Output::of(config, config.networks.first(), HeadKind::Centroids)?;
        let missing = Error::InvalidConfig { field: "top_down", what: "model types with a centroid network need it" };
        let top_down = config.top_down.as_ref().ok_or(missing)?;
        let (max_peaks, max_instances) = (config.limits.max_peaks as usize, config.limits.max_instances as usize);
        Ok(Self {
            output,
            threshold: top_down.centroid_threshold,
            refinement: config.peaks.refinement,
            min_distance_px: top_down.min_centroid_distance_px,
            max_instances,
            peaks: PeakBuffer::new(1, max_peaks),
            all: Vec::with_capacity(max_peaks),
            order: Vec::with_capacity(max_peaks),
            kept: Vec::with_capacity(max_instances),
            found: Vec::with_capacity(max_instances),
            overflow: Overflow::default(),
        })
    }

    /// The centroids in `maps` `[1, height, width]`; `map` leads from network input to the caller's frame.
    ///
    /// # Errors
    /// [`Error::OutputShape`] if there is not exactly one channel.
    pub fn find(&mut self, maps: &Maps<'_>, map: ImageMap) -> Result<&[Centroid], Error> {
        self.found.clear();
        self.overflow = Overflow::default();
        self.output.check(maps)?;
        local_peaks(maps, self.threshold, &mut self.peaks);
        for peak in self.peaks.channel_mut(0) {
            *peak = refine_peak(maps, 0, self.refinement, *peak);
        }
        Ok(self.finish(map))
    }

    /// As [`find`](Self::find), from what an engine found.
    pub fn find_found(&mut self, found: &Found<'_>, map: ImageMap) -> &[Centroid] {
        self.peaks.take(found);
        self.finish(map)
    }

    fn finish(&mut self, map: ImageMap) -> &[Centroid] {
        self.all.clear();
        self.found.clear();
        self.overflow = Overflow::default();
        let stride_px = self.output.stride_px as f32;
        for &Peak { x, y, value } in self.peaks.channel(0) {
            let position = map.to_image(InputPoint { x_px: x * stride_px, y_px: y * stride_px });
            self.all.push(Centroid { position, score: value });
        }
        self.overflow.peaks = self.peaks.overflow();
        self.choose();
        &self.found
    }

    /// What did not fit in the latest frame. Those that were too close to others are not among it.
    pub fn overflow(&self) -> Overflow {
        self.overflow
    }

    fn choose(&mut self) {
        let all = &self.all;
        self.order.clear();
        self.order.extend(0..all.len());
        // Among equals the first in raster order counts as the stronger, which also makes the order unique.
        self.order.sort_unstable_by(|&a, &b| all[b].score.total_cmp(&all[a].score).then(a.cmp(&b)));
        self.kept.clear();
        for &index in &self.order {
            let close = |&other: &usize| all[other].position.distance_px(all[index].position) < self.min_distance_px;
            if self.kept.iter().any(close) {
                continue;
            }
            if self.kept.len() == self.max_instances {
                self.overflow.instances += 1;
            } else {
                self.kept.push(index);
            }
        }
        self.kept.sort_unstable();
        self.found.extend(self.kept.iter().map(|&index| all[index]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Limits, ModelType, TopDownConfig};
    use crate::decode::testing::{config, gaussian_map};
    use alloc::vec;
    use proptest::prelude::*;

    fn finder(min_centroid_distance_px: f32, limits: Limits) -> CentroidFinder {
        let mut config = Config { model_type: ModelType::Centroid, ..config(limits) };
        config.networks[0].heads.truncate(1);
        config.networks[0].heads[0].kind = HeadKind::Centroids;
        let centroid_threshold = 0.2;
        config.top_down =
            Some(TopDownConfig { anchor_part: None, crop_size_px: 0, centroid_threshold, min_centroid_distance_px });
        CentroidFinder::new(&config).unwrap()
    }

    fn map_of(spots: &[(usize, usize, f32)]) -> Vec<f32> {
        let mut map = vec![0.0; 40 * 30];
        spots.iter().for_each(|&(x, y, v)| map[y * 40 + x] = v);
        map
    }

    fn find(finder: &mut CentroidFinder, map: &[f32]) -> Vec<(f32, f32, f32)> {
        let maps = Maps::new(map, 1, 30, 40).unwrap();
        let found = finder.find(&maps, ImageMap::new(0.5)).unwrap();
        found.iter().map(|c| (c.position.x_px, c.position.y_px, c.score)).collect()
    }

    #[test]
    fn planted_centres_come_back_in_raster_order() {
        let map = gaussian_map(40, 30, 1.0, &[(20.25, 20.0), (9.75, 6.25)]);
        let found = find(&mut finder(0.0, Limits::default()), &map);
        assert_eq!(found.len(), 2);
        // 4 input pixels a cell, and the frame was halved; 0.1 cells is the bound of the 5x5 patch.
        for ((x, y, score), (cx, cy)) in found.into_iter().zip([(78.0, 50.0), (162.0, 160.0)]) {
            assert!((x - cx).abs() < 0.8 && (y - cy).abs() < 0.8 && score > 0.7, "({x}, {y}) {score}");
        }
    }

    #[test]
    fn the_strongest_of_close_ones_stays() {
        // 8 frame pixels a cell: neighbours are 16, 24 and 40 px apart.
        let map = map_of(&[(4, 5, 0.5), (6, 5, 0.9), (9, 5, 0.7), (14, 5, 0.8)]);
        let kept = |distance| {
            // On the grid, because the patches of such close peaks overlap.
            let mut finder = CentroidFinder { refinement: Refinement::None, ..finder(distance, Limits::default()) };
            find(&mut finder, &map).iter().map(|c| c.2).collect::<Vec<_>>()
        };
        assert_eq!(kept(0.0), [0.5, 0.9, 0.7, 0.8]);
        // Strictly closer: exactly 16 px apart stays.
        assert_eq!(kept(15.9), [0.5, 0.9, 0.7, 0.8]);
        assert_eq!(kept(16.5), [0.9, 0.7, 0.8]);
        assert_eq!(kept(25.0), [0.9, 0.8]);
        assert_eq!(kept(100.0), [0.9]);
    }

    #[test]
    fn the_strongest_fit() {
        let map = map_of(&[(4, 5, 0.5), (8, 5, 0.9), (12, 5, 0.7), (16, 5, 0.8)]);
        let mut finder = finder(0.0, Limits { max_instances: 2, max_peaks: 3 });
        assert_eq!(find(&mut finder, &map).iter().map(|c| c.2).collect::<Vec<_>>(), [0.9, 0.8]);
        assert_eq!(finder.overflow(), Overflow { peaks: 1, instances: 1 });
        assert!(find(&mut finder, &[0.0; 1200]).is_empty());
        assert_eq!(finder.overflow(), Overflow::default());
    }

    #[test]
    fn another_number_of_channels_is_refused() {
        let mut finder = finder(0.0, Limits::default());
        let maps = Maps::new(&[0.0; 8], 2, 2, 2).unwrap();
        assert!(matches!(finder.find(&maps, ImageMap::new(1.0)), Err(Error::OutputShape { expected: [1, 1, 2, 2], .. })));
    }

    proptest! {
        #[test]
        fn no_two_kept_ones_are_close_and_every_dropped_one_has_a_stronger_neighbour(
            spots in prop::collection::vec((0_usize..40, 0_usize..30, 0.21_f32..1.0), 0..40),
            distance in 0.0_f32..80.0,
        ) {
            let map = map_of(&spots);
            let all = find(&mut finder(0.0, Limits::default()), &map);
            let kept = find(&mut finder(distance, Limits::default()), &map);
            let apart = |a: &(f32, f32, f32), b: &(f32, f32, f32)| libm::hypotf(a.0 - b.0, a.1 - b.1);
            for (i, a) in kept.iter().enumerate() {
                prop_assert!(kept[..i].iter().all(|b| apart(a, b) >= distance));
            }
            for dropped in all.iter().filter(|a| !kept.contains(a)) {
                prop_assert!(kept.iter().any(|b| apart(dropped, b) < distance && b.2 >= dropped.2));
            }
        }
    }
}
