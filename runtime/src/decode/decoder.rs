//! The decode stage of models that see whole frames: checks the outputs and passes them to the decoder of the model type.

use crate::config::{Config, HeadKind, ModelType};
use crate::decode::output::Output;
use crate::decode::{BottomUp, BottomUpId, CentroidFinder, Single};
use crate::engine::Found;
use crate::error::Error;
use crate::geometry::ImageMap;
use crate::instances::{Keypoint, Poses};
use crate::tensor::Maps;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Turns network outputs into [`Poses`]. All working memory is planned by [`Decoder::new`] from `config.limits`.
///
/// Top-down models are decoded in two steps instead: [`CentroidFinder`], then [`CropDecoder`](crate::decode::CropDecoder).
#[derive(Debug, Clone)]
pub struct Decoder {
    nodes: usize,
    max_instances: usize,
    class_names: Vec<String>,
    peaks: Output,
    second: Option<Output>,
    stage: Stage,
}

#[derive(Debug, Clone)]
enum Stage {
    Single(Single),
    BottomUp(Box<BottomUp>),
    BottomUpId(Box<BottomUpId>),
    Centroid(Box<CentroidFinder>),
}

impl Decoder {
    /// Checks the configuration and plans all memory.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the first field at fault, and for top-down models.
    pub fn new(config: &Config) -> Result<Self, Error> {
        config.validate()?;
        let output = |kind| Output::of(config, config.networks.first(), kind);
        let nodes = config.skeleton.nodes.len();
        let [first, second] = Self::heads(config.model_type);
        let peaks = output(first.unwrap_or(HeadKind::ConfidenceMaps))?;
        let second = second.map(output).transpose()?;
        let stage = match config.model_type {
            ModelType::SingleInstance => Stage::Single(Single::new(nodes, peaks.stride_px, config.peaks)),
            ModelType::BottomUp => Stage::BottomUp(Box::new(BottomUp::new(config)?)),
            ModelType::BottomUpId => Stage::BottomUpId(Box::new(BottomUpId::new(config)?)),
            ModelType::Centroid => Stage::Centroid(Box::new(CentroidFinder::new(config)?)),
            ModelType::TopDown | ModelType::TopDownId => {
                return Err(Error::InvalidConfig { field: "model_type", what: "top-down models are decoded in two steps" });
            }
        };
        let max_instances = config.limits.max_instances as usize;
        let (max_instances, class_names) = match (config.model_type, &config.identity) {
            (ModelType::SingleInstance, _) => (1, Vec::new()),
            (_, Some(identity)) => (max_instances.min(identity.classes.len()), identity.classes.clone()),
            _ => (max_instances, Vec::new()),
        };
        Ok(Self { nodes, max_instances, class_names, peaks, second, stage })
    }

    /// The outputs of the first network that [`decode`](Self::decode) takes for a model type: that with the peaks, and the
    /// second one if there is one. Top-down models have none here.
    pub const fn heads(model_type: ModelType) -> [Option<HeadKind>; 2] {
        match model_type {
            ModelType::SingleInstance => [Some(HeadKind::ConfidenceMaps), None],
            ModelType::BottomUp => [Some(HeadKind::ConfidenceMaps), Some(HeadKind::PartAffinityFields)],
            ModelType::BottomUpId => [Some(HeadKind::ConfidenceMaps), Some(HeadKind::ClassMaps)],
            ModelType::Centroid => [Some(HeadKind::Centroids), None],
            ModelType::TopDown | ModelType::TopDownId => [None, None],
        }
    }

    /// A buffer that holds the animals of any frame without growing.
    pub fn new_poses(&self) -> Poses {
        Poses::with_classes(self.nodes, self.max_instances, &self.class_names)
    }

    /// Replaces the contents of `poses` by the animals in the network outputs, which are those of [`heads`](Self::heads).
    ///
    /// `peaks` is `[nodes, height, width]`; `second` is `[2 * edges, height, width]` for bottom-up models,
    /// `[classes, height, width]` for those with class maps, and not looked at for others. `map` leads from network input to
    /// the caller's frame. Allocates nothing if `poses` comes from [`new_poses`](Self::new_poses); a buffer made for another
    /// skeleton or other classes is replaced by one of these. Values of any kind are survived: all scores are finite, and
    /// so are the positions of all visible keypoints.
    ///
    /// # Errors
    /// [`Error::OutputShape`] if an output is missing or has another number of channels than the configuration says; `poses`
    /// is then empty.
    pub fn decode(&mut self, peaks: Maps<'_>, second: Option<Maps<'_>>, map: ImageMap, poses: &mut Poses) -> Result<(), Error> {
        self.make_room(poses);
        self.peaks.check(&peaks)?;
        let second = match &self.second {
            Some(output) => Some(output.needed(second, &peaks)?),
            None => None,
        };
        match (&mut self.stage, second) {
            (Stage::Single(stage), _) => stage.decode(&peaks, map, poses),
            (Stage::BottomUp(stage), Some(pafs)) => stage.decode(&peaks, &pafs, map, poses),
            (Stage::BottomUpId(stage), Some(class_maps)) => stage.decode(&peaks, &class_maps, map, poses),
            (Stage::Centroid(stage), _) => {
                for &centroid in stage.find(&peaks, map)? {
                    poses.push(centroid.score)[0] = Keypoint { position: centroid.position, score: centroid.score };
                }
                poses.set_overflow(stage.overflow());
            }
            // `new` gives each of these stages its second output.
            (Stage::BottomUp(_) | Stage::BottomUpId(_), None) => {}
        }
        Ok(())
    }

    /// As [`decode`](Self::decode), from what an engine found by the [`plan`](super::decode_plan) of this model.
    pub fn decode_found(&mut self, found: &Found<'_>, map: ImageMap, poses: &mut Poses) {
        self.make_room(poses);
        match &mut self.stage {
            Stage::Single(stage) => stage.decode_found(found, map, poses),
            Stage::BottomUp(stage) => stage.decode_found(found, map, poses),
            Stage::BottomUpId(stage) => stage.decode_found(found, map, poses),
            Stage::Centroid(stage) => {
                for &centroid in stage.find_found(found, map) {
                    poses.push(centroid.score)[0] = Keypoint { position: centroid.position, score: centroid.score };
                }
                poses.set_overflow(stage.overflow());
            }
        }
    }

    /// Empties `poses`, or replaces a buffer made for another skeleton or other classes.
    fn make_room(&self, poses: &mut Poses) {
        if poses.nodes() == self.nodes && poses.class_names() == self.class_names {
            poses.clear();
        } else {
            *poses = self.new_poses();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;
    use crate::decode::testing::{Scene, config};
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn decode(config: &Config, scene: &Scene) -> Poses {
        let mut decoder = Decoder::new(config).unwrap();
        let mut poses = decoder.new_poses();
        decoder.decode(scene.confmaps(), Some(scene.pafs()), ImageMap::new(1.0), &mut poses).unwrap();
        poses
    }

    /// Every planted animal comes back complete, as exactly one animal, within `tolerance_px`.
    fn assert_planted(poses: &Poses, animals: &[[(f32, f32); 3]], tolerance_px: f32) {
        assert_eq!(poses.len(), animals.len());
        for animal in animals {
            let same = poses.iter().filter(|found| {
                found.keypoints.iter().zip(animal).all(|(k, &(x, y))| {
                    (k.position.x_px - 4.0 * x).abs() <= tolerance_px && (k.position.y_px - 4.0 * y).abs() <= tolerance_px
                })
            });
            assert_eq!(same.count(), 1, "{animal:?} in {poses:?}");
        }
    }

    #[test]
    fn planted_animals_come_back_in_raster_order_of_their_roots() {
        let animals = [[(40.0, 8.0), (40.0, 14.0), (46.0, 14.0)], [(8.0, 9.0), (14.0, 9.0), (14.0, 15.0)]];
        let poses = decode(&config(Limits::default()), &Scene::new(64, 24, &animals));
        assert_planted(&poses, &animals, 0.2);
        assert_eq!(poses.get(0).unwrap().keypoints[0].position.x_px, 160.0);
        // Two edges, each along its field and short enough: 2 points of score.
        assert!(poses.iter().all(|animal| (animal.score - 2.0).abs() < 0.05), "{poses:?}");
        assert_eq!(poses.overflow(), crate::Overflow::default());
    }

    #[test]
    fn frames_without_peaks_are_empty_frames() {
        assert!(decode(&config(Limits::default()), &Scene::new(64, 24, &[])).is_empty());
        assert!(decode(&config(Limits::default()), &Scene::new(0, 0, &[])).is_empty());
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let animals: Vec<_> = (0..4)
            .map(|i| [(8.0 + 14.0 * i as f32, 6.0), (8.0 + 14.0 * i as f32, 12.0), (8.0 + 14.0 * i as f32, 18.0)])
            .collect();
        let scene = Scene::new(64, 24, &animals);
        let poses = decode(&config(Limits { max_instances: 3, max_peaks: 128 }), &scene);
        assert_eq!((poses.len(), poses.overflow()), (3, crate::Overflow { peaks: 0, instances: 1 }));
        let poses = decode(&config(Limits { max_instances: 8, max_peaks: 2 }), &scene);
        assert_eq!((poses.len(), poses.overflow()), (2, crate::Overflow { peaks: 6, instances: 0 }));
    }

    #[test]
    fn wrong_channels_are_refused() {
        let scene = Scene::new(16, 12, &[]);
        let mut decoder = Decoder::new(&config(Limits::default())).unwrap();
        let mut poses = Poses::default();
        let map = ImageMap::new(1.0);
        let good = decoder.decode(scene.confmaps(), Some(scene.pafs()), map, &mut poses);
        assert_eq!((good, poses.nodes()), (Ok(()), 3));
        assert!(matches!(
            decoder.decode(scene.pafs(), Some(scene.pafs()), map, &mut poses),
            Err(Error::OutputShape { expected: [1, 3, 12, 16], got: [1, 4, 12, 16], .. })
        ));
        let wrong = decoder.decode(scene.confmaps(), Some(scene.confmaps()), map, &mut poses);
        assert!(matches!(wrong, Err(Error::OutputShape { expected: [1, 4, 12, 16], .. })));
        let none = decoder.decode(scene.confmaps(), None, map, &mut poses);
        assert!(matches!(none, Err(Error::OutputShape { got: [0, 0, 0, 0], .. })));
    }

    #[test]
    fn single_instance_needs_no_affinity() {
        let animals = [[(40.0, 8.0), (40.0, 14.0), (46.0, 14.0)]];
        let scene = Scene::new(64, 24, &animals);
        let config = Config { model_type: ModelType::SingleInstance, ..config(Limits::default()) };
        let mut poses = Poses::default();
        Decoder::new(&config).unwrap().decode(scene.confmaps(), None, ImageMap::new(1.0), &mut poses).unwrap();
        assert_planted(&poses, &animals, 0.2);
    }

    #[test]
    fn cyclic_and_many_rooted_skeletons_decode() {
        let animals = [[(8.0, 9.0), (14.0, 9.0), (14.0, 15.0)]];
        for edges in [[(0, 1), (1, 0)], [(0, 2), (1, 2)], [(2, 1), (1, 2)]] {
            let mut config = config(Limits::default());
            config.skeleton.edges = edges.to_vec();
            assert!(decode(&config, &Scene::new(64, 24, &animals)).len() <= 1);
        }
    }

    #[test]
    fn a_skeleton_without_edges_is_refused_for_bottom_up() {
        let mut config = config(Limits::default());
        config.skeleton.edges.clear();
        assert!(Decoder::new(&config).is_err());
    }

    /// Animals that touch neither each other nor the border: one per 14x20 field of the map, moved and bent inside it.
    fn animals() -> impl Strategy<Value = Vec<[(f32, f32); 3]>> {
        let one = prop::array::uniform6(-1.0_f32..1.0);
        prop::collection::vec(prop::option::of(one), 8).prop_map(|slots| {
            let place = |(i, o): (usize, Option<[f32; 6]>)| {
                let (x, y) = ((i % 4) as f32 * 16.0 + 8.0, (i / 4) as f32 * 22.0 + 4.0);
                o.map(|o| [(x + o[0], y + o[1]), (x + o[2], y + 6.0 + o[3]), (x + o[4], y + 12.0 + o[5])])
            };
            slots.into_iter().enumerate().filter_map(place).collect()
        })
    }

    proptest! {
        #[test]
        fn planted_animals_come_back_and_their_order_changes_nothing(animals in animals(), turn in 0_usize..8) {
            let config = config(Limits::default());
            let poses = decode(&config, &Scene::new(66, 44, &animals));
            // 0.1 cells, the bound of the 5x5 patch for sigma 1 (see `refine`), and 4 px per cell.
            assert_planted(&poses, &animals, 0.4);
            let mut turned = animals.clone();
            turned.rotate_left(turn.min(animals.len()));
            turned.reverse();
            prop_assert_eq!(decode(&config, &Scene::new(66, 44, &turned)), poses);
        }

        #[test]
        fn garbage_is_survived_with_finite_results(
            values in prop::collection::vec(prop_oneof![6 => -1.0_f32..1.5, 1 => prop::num::f32::ANY], 7 * 9 * 11),
            max_peaks in 1_u32..20,
            max_instances in 1_u32..5,
            single in any::<bool>(),
        ) {
            let mut config = config(Limits { max_instances, max_peaks });
            if single {
                config.model_type = ModelType::SingleInstance;
            }
            config.grouping.min_line_score = -2.0;
            let scene = Scene::from_values(11, 9, values);
            let poses = decode(&config, &scene);
            prop_assert!(poses.len() <= max_instances as usize);
            for animal in poses.iter() {
                prop_assert!(animal.score.is_finite());
                prop_assert!(animal.keypoints.iter().any(|k| k.is_visible()));
                prop_assert!(animal.keypoints.iter().all(|k| k.score.is_finite()));
            }
        }
    }

    #[test]
    fn a_decoder_keeps_nothing_from_frame_to_frame() {
        let animals = [[(40.0, 8.0), (40.0, 14.0), (46.0, 14.0)], [(8.0, 9.0), (14.0, 9.0), (14.0, 15.0)]];
        let scenes = [Scene::new(64, 24, &animals), Scene::new(64, 24, &[]), Scene::new(64, 24, &animals[..1])];
        let config = config(Limits::default());
        let mut decoder = Decoder::new(&config).unwrap();
        let mut poses = decoder.new_poses();
        for scene in scenes.iter().chain(scenes.iter().rev()) {
            decoder.decode(scene.confmaps(), Some(scene.pafs()), ImageMap::new(1.0), &mut poses).unwrap();
            assert_eq!(poses, decode(&config, scene));
        }
        let noise = vec![f32::NAN; 7 * 64 * 24];
        let garbage = Scene::from_values(64, 24, noise);
        decoder.decode(garbage.confmaps(), Some(garbage.pafs()), ImageMap::new(1.0), &mut poses).unwrap();
        assert!(poses.is_empty());
    }
}
