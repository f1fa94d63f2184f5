//! The second stage of top-down models: one animal from the maps of each crop.

use crate::config::{Config, HeadKind, ModelType};
use crate::decode::Assigner;
use crate::decode::global_peaks::GlobalPeaks;
use crate::decode::output::Output;
use crate::engine::FoundCrops;
use crate::error::Error;
use crate::geometry::{CropMap, CropPoint};
use crate::instances::Poses;
use crate::tensor::Maps;
use alloc::string::String;
use alloc::vec::Vec;

/// Decoder of the crops of one frame, with its working memory.
///
/// [`begin`](Self::begin), then [`add`](Self::add) for each crop, then [`finish`](Self::finish).
#[derive(Debug, Clone)]
pub struct CropDecoder {
    nodes: usize,
    max_instances: usize,
    confmaps: Output,
    parts: GlobalPeaks,
    classes: Option<Classes>,
}

/// Who is who, for models with class vectors.
#[derive(Debug, Clone)]
struct Classes {
    output: Output,
    names: Vec<String>,
    /// `animals * classes` probabilities of the frame at work.
    probabilities: Vec<f32>,
    assigner: Assigner,
}

impl CropDecoder {
    /// Plans for a validated configuration whose second network is the instance network.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] if that network lacks a head.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let network = config.networks.get(1);
        let confmaps = Output::of(config, network, HeadKind::ConfidenceMaps)?;
        let (nodes, max_instances) = (config.skeleton.nodes.len(), config.limits.max_instances as usize);
        let classes = match (config.model_type, &config.identity) {
            (ModelType::TopDownId, Some(identity)) => {
                let (output, count) = (Output::of(config, network, HeadKind::ClassVectors)?, identity.classes.len());
                let probabilities = Vec::with_capacity(max_instances * count);
                let assigner = Assigner::new(max_instances.max(count));
                Some(Classes { output, names: identity.classes.clone(), probabilities, assigner })
            }
            _ => None,
        };
        let parts = GlobalPeaks::new(nodes, confmaps.stride_px, config.peaks);
        Ok(Self { nodes, max_instances, confmaps, parts, classes })
    }

    /// A buffer that holds the animals of any frame without growing.
    pub fn new_poses(&self) -> Poses {
        let names = self.classes.as_ref().map_or(&[][..], |c| &c.names);
        Poses::with_classes(self.nodes, self.max_instances, names)
    }

    /// Starts a frame: empties `poses`, which comes from [`new_poses`](Self::new_poses).
    pub fn begin(&mut self, poses: &mut Poses) {
        poses.clear();
        if let Some(classes) = &mut self.classes {
            classes.probabilities.clear();
        }
    }

    /// Appends the animal in one crop: the global peak of each map, and the score of its centroid. A crop without any part
    /// gives no animal, and takes no class from others.
    ///
    /// `confmaps` is `[nodes, height, width]`; `vectors` is `[classes, 1, 1]` and is needed by models with class vectors
    /// only. `map` says where the crop lies. More crops than `max_instances` are ignored.
    ///
    /// # Errors
    /// [`Error::OutputShape`] if an output is missing or has another number of channels than the configuration says.
    pub fn add(
        &mut self,
        confmaps: &Maps<'_>,
        vectors: Option<Maps<'_>>,
        map: CropMap,
        score: f32,
        poses: &mut Poses,
    ) -> Result<(), Error> {
        self.confmaps.check(confmaps)?;
        let vectors = match &self.classes {
            Some(classes) => Some(classes.output.needed(vectors, confmaps)?),
            None => None,
        };
        if self.parts.find(confmaps) {
            let probability = |class: usize| vectors.and_then(|v| v.channel(class).first().copied());
            self.push(probability, map, score, poses);
        }
        Ok(())
    }

    /// Appends the animals of all crops as [`add`](Self::add) does, from what an engine found in them. `places` says for each crop where
    /// it lies and the score of its centroid.
    pub fn add_found(&mut self, found: &FoundCrops<'_>, places: impl Iterator<Item = (CropMap, f32)>, poses: &mut Poses) {
        let mut lists = found.parts.lists();
        let classes = self.classes.as_ref().map_or(0, |c| c.names.len());
        for (crop, (map, score)) in places.enumerate() {
            if self.parts.take(lists.by_ref().take(self.nodes)) {
                self.push(|class| found.classes.get(crop * classes + class).copied(), map, score, poses);
            }
        }
    }

    /// Appends the animal whose parts were found last.
    fn push(&mut self, probability: impl Fn(usize) -> Option<f32>, map: CropMap, score: f32, poses: &mut Poses) {
        if poses.len() == self.max_instances {
            return;
        }
        self.parts.place(|x_px, y_px| map.to_image(CropPoint { x_px, y_px }), poses.push(score));
        if let Some(classes) = &mut self.classes {
            classes.probabilities.extend((0..classes.names.len()).map(|class| probability(class).unwrap_or(f32::NAN)));
        }
    }

    /// Ends a frame: gives out the classes so that the sum of the probabilities is the largest, each class to one animal
    /// and each animal one class. Animals beyond the number of classes have none.
    ///
    /// The network's own softmax is the probability (it is not taken again), and animals of other frames have no say.
    pub fn finish(&mut self, poses: &mut Poses) {
        let Some(Classes { names, probabilities, assigner, .. }) = &mut self.classes else { return };
        let (animals, classes) = (poses.len(), names.len());
        for (animal, class) in assigner.solve(probabilities, animals, classes) {
            let score = probabilities[animal * classes + class];
            // A probability that is not a number cannot be matched, but the pair may have been all that was left.
            if score.is_finite() {
                poses.set_class(animal, class, score);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{HeadConfig, IdentityConfig, Limits, TopDownConfig};
    use crate::decode::testing::{config, gaussian_map};
    use crate::geometry::ImageMap;
    use alloc::vec;
    use proptest::prelude::*;

    fn top_down(classes: usize, max_instances: u32) -> Config {
        let mut config = config(Limits { max_instances, max_peaks: 8 });
        let mut centroid = config.networks[0].clone();
        centroid.name = "centroid".into();
        centroid.heads.truncate(1);
        centroid.heads[0].kind = HeadKind::Centroids;
        let mut instance = config.networks[0].clone();
        instance.name = "instance".into();
        instance.heads.truncate(1);
        if classes > 0 {
            instance.heads.push(HeadConfig { kind: HeadKind::ClassVectors, output: "classes".into(), stride_px: 16 });
            config.identity = Some(IdentityConfig { classes: (0..classes).map(|c| alloc::format!("c{c}")).collect() });
        }
        config.model_type = if classes > 0 { ModelType::TopDownId } else { ModelType::TopDown };
        config.networks = vec![centroid, instance];
        let (centroid_threshold, min_centroid_distance_px) = (0.2, 0.0);
        config.top_down =
            Some(TopDownConfig { anchor_part: None, crop_size_px: 64, centroid_threshold, min_centroid_distance_px });
        config.validate().unwrap();
        config
    }

    fn map_at(left_px: i32, top_px: i32) -> CropMap {
        CropMap::new(left_px, top_px, ImageMap::new(0.5))
    }

    fn animal() -> Vec<f32> {
        let mut maps = gaussian_map(16, 16, 1.0, &[(5.0, 4.0)]);
        maps.extend([0.1; 256]);
        maps.extend(gaussian_map(16, 16, 1.0, &[(7.0, 9.0)]));
        maps
    }

    /// Classes given to animals with these rows of probabilities; all crops show the same animal.
    fn classes_of(rows: &[&[f32]]) -> Vec<Option<(usize, f32)>> {
        let mut decoder = CropDecoder::new(&top_down(rows[0].len(), 8)).unwrap();
        let mut poses = decoder.new_poses();
        decoder.begin(&mut poses);
        let maps = animal();
        for row in rows {
            let vectors = Maps::new(row, row.len(), 1, 1);
            decoder.add(&Maps::new(&maps, 3, 16, 16).unwrap(), vectors, map_at(0, 0), 1.0, &mut poses).unwrap();
        }
        decoder.finish(&mut poses);
        poses.iter().map(|i| i.identity.map(|id| (id.class, id.score))).collect()
    }

    #[test]
    fn parts_come_back_in_the_frame_with_the_score_of_the_centroid() {
        let mut decoder = CropDecoder::new(&top_down(0, 2)).unwrap();
        let mut poses = decoder.new_poses();
        let maps = animal();
        let confmaps = Maps::new(&maps, 3, 16, 16).unwrap();
        let empty = Maps::new(&[0.1; 768], 3, 16, 16).unwrap();
        for _ in 0..2 {
            decoder.begin(&mut poses);
            decoder.add(&empty, None, map_at(0, 0), 0.9, &mut poses).unwrap();
            decoder.add(&confmaps, None, map_at(-10, 30), 0.75, &mut poses).unwrap();
            decoder.finish(&mut poses);
        }
        let found = poses.get(0).unwrap();
        assert_eq!((poses.len(), found.score, found.identity), (1, 0.75, None));
        // 4 input pixels a cell, then the origin, then the scale: (5 * 4 - 10) / 0.5 and (4 * 4 + 30) / 0.5.
        let p = found.keypoints[0].position;
        assert!((p.x_px - 20.0).abs() < 1e-3 && (p.y_px - 92.0).abs() < 1e-3, "{p:?}");
        assert!(!found.keypoints[1].is_visible());
        let p = found.keypoints[2].position;
        assert!((p.x_px - 36.0).abs() < 1e-3 && (p.y_px - 132.0).abs() < 1e-3, "{p:?}");
    }

    #[test]
    fn classes_are_given_out_for_the_best_sum() {
        // Both prefer class 0; the second loses less by giving way.
        assert_eq!(classes_of(&[&[0.9, 0.1], &[0.6, 0.4]]), [Some((0, 0.9)), Some((1, 0.4))]);
        assert_eq!(classes_of(&[&[0.6, 0.4], &[0.9, 0.1]]), [Some((1, 0.4)), Some((0, 0.9))]);
    }

    #[test]
    fn animals_beyond_the_classes_have_none() {
        assert_eq!(classes_of(&[&[0.2], &[0.9], &[0.5]]), [None, Some((0, 0.9)), None]);
        assert_eq!(classes_of(&[&[0.1, 0.2, 0.7]]), [Some((2, 0.7))]);
    }

    #[test]
    fn probabilities_that_are_no_numbers_match_nothing() {
        assert_eq!(classes_of(&[&[f32::NAN, f32::NAN], &[f32::NAN, 0.3]]), [None, Some((1, 0.3))]);
        assert_eq!(classes_of(&[&[f32::INFINITY, 0.2]]), [Some((1, 0.2))]);
    }

    #[test]
    fn an_empty_crop_takes_no_class_from_others() {
        let mut decoder = CropDecoder::new(&top_down(1, 8)).unwrap();
        let mut poses = decoder.new_poses();
        decoder.begin(&mut poses);
        let maps = animal();
        let empty = Maps::new(&[0.0; 768], 3, 16, 16).unwrap();
        decoder.add(&empty, Maps::new(&[1.0], 1, 1, 1), map_at(0, 0), 1.0, &mut poses).unwrap();
        let confmaps = Maps::new(&maps, 3, 16, 16).unwrap();
        decoder.add(&confmaps, Maps::new(&[0.5], 1, 1, 1), map_at(0, 0), 1.0, &mut poses).unwrap();
        decoder.finish(&mut poses);
        assert_eq!(poses.get(0).unwrap().identity.map(|id| (id.name, id.score)), Some(("c0", 0.5)));
    }

    #[test]
    fn wrong_outputs_are_refused() {
        let mut decoder = CropDecoder::new(&top_down(2, 8)).unwrap();
        let mut poses = decoder.new_poses();
        let maps = animal();
        let confmaps = Maps::new(&maps, 3, 16, 16).unwrap();
        let mut add = |c: &Maps<'_>, v| decoder.add(c, v, map_at(0, 0), 1.0, &mut poses);
        assert!(matches!(add(&confmaps, None), Err(Error::OutputShape { got: [0, 0, 0, 0], .. })));
        let three = Maps::new(&[0.0; 3], 3, 1, 1);
        assert!(matches!(add(&confmaps, three), Err(Error::OutputShape { expected: [1, 2, 1, 1], .. })));
        let two = Maps::new(&[0.0; 2], 2, 1, 1);
        assert!(matches!(add(&two.unwrap(), two), Err(Error::OutputShape { expected: [1, 3, 1, 1], .. })));
    }

    proptest! {
        #[test]
        fn no_assignment_has_a_larger_sum(rows in prop::collection::vec(prop::array::uniform3(0.0_f32..1.0), 1..5)) {
            let rows: Vec<&[f32]> = rows.iter().map(|r| &r[..]).collect();
            let sum: f32 = classes_of(&rows).iter().flatten().map(|c| c.1).sum();
            // All ways to give classes to animals, one after the other.
            fn best(rows: &[&[f32]], taken: u8) -> f32 {
                let Some((row, rest)) = rows.split_first() else { return 0.0 };
                let with = (0..3).filter(|c| taken >> c & 1 == 0).map(|c| row[c] + best(rest, taken | 1 << c));
                with.fold(best(rest, taken), f32::max)
            }
            prop_assert!((sum - best(&rows, 0)).abs() < 1e-5);
        }
    }
}
