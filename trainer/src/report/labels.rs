//! Statistics of a labels file.

use super::animal_size::AnimalSizes;
use super::frame_sizes::FrameSize;
use super::nodes::{self, NodeCounts};
use super::repeats::Repeats;
use super::unfinished::Unfinished;
use crate::dataset::{InstanceKind, LabelInstance, Labels};
use crate::metric::TruthKind;
use serde::Serialize;
use std::collections::BTreeMap;

/// Animals of one track, which is the class of an identity model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrackCount {
    /// Name of the track.
    pub name: String,
    /// Counted animals on it.
    pub animals: usize,
}

/// What is in a labels file, as far as training cares. "Animals" are instances of the counted kind with a usable part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelStatistics {
    /// Frames in the file.
    pub frames: usize,
    /// Frames with at least one animal: these train a model.
    pub labelled_frames: usize,
    /// Frames with no instance at all: a person looked and found nothing, or deleted what was there.
    pub empty_frames: usize,
    /// Frames whose only instances were predicted.
    pub predicted_only_frames: usize,
    /// Instances placed by a person.
    pub user_instances: usize,
    /// Instances placed by a model.
    pub predicted_instances: usize,
    /// Whether predicted instances were counted as animals, too.
    pub counts_predicted: bool,
    /// Animals.
    pub animals: usize,
    /// Instances of the counted kind without any usable part: they are ignored.
    pub blank_instances: usize,
    /// How many frames have that many animals.
    pub frames_by_animals: BTreeMap<usize, usize>,
    /// Sizes of the animals.
    pub sizes: Option<AnimalSizes>,
    /// Parts, in skeleton order.
    pub nodes: Vec<NodeCounts>,
    /// Edges of the skeleton.
    pub edges: usize,
    /// Left-right pairs of the skeleton.
    pub symmetries: usize,
    /// Usable parts that lie outside their frame.
    pub points_outside: usize,
    /// Parts whose place can only be a mistake, so that they are not used.
    pub points_absurd: usize,
    /// What was labelled twice.
    pub repeats: Repeats,
    /// Where an animal may have been left out.
    pub unfinished: Unfinished,
    /// Tracks, in file order.
    pub tracks: Vec<TrackCount>,
    /// Animals on no track.
    pub untracked: usize,
    /// Frame sizes by video, where known.
    pub frame_sizes: Vec<Option<FrameSize>>,
}

impl LabelStatistics {
    /// Counts everything; `frame_sizes` by video, as [`super::frame_sizes`] gives them.
    pub fn of(labels: &Labels, kind: TruthKind, frame_sizes: Vec<Option<FrameSize>>) -> Self {
        let counts = |i: &LabelInstance| kind == TruthKind::Any || i.kind == InstanceKind::User;
        let is_animal = |i: &LabelInstance| counts(i) && i.points.iter().any(|p| p.is_usable());
        let instances = || labels.frames.iter().flat_map(|f| &f.instances);
        let user_instances = instances().filter(|i| i.kind == InstanceKind::User).count();
        let mut frames_by_animals = BTreeMap::new();
        let mut tracks: Vec<_> = labels.tracks.iter().map(|name| TrackCount { name: name.clone(), animals: 0 }).collect();
        let (mut nodes, mut untracked) = (NodeCounts::named(&labels.skeleton.nodes), 0);
        for frame in &labels.frames {
            let animals = frame.instances.iter().filter(|i| is_animal(i));
            *frames_by_animals.entry(animals.clone().count()).or_default() += 1;
            for animal in animals {
                nodes::count(&mut nodes, animal, frame_sizes.get(frame.video).copied().flatten());
                match animal.track.and_then(|t| tracks.get_mut(t)) {
                    Some(track) => track.animals += 1,
                    None => untracked += 1,
                }
            }
        }
        let only_predicted = |f: &&crate::dataset::LabeledFrame| {
            !f.instances.is_empty() && f.instances.iter().all(|i| i.kind == InstanceKind::Predicted)
        };
        let animals = instances().filter(|i| is_animal(i)).count();
        Self {
            frames: labels.frames.len(),
            labelled_frames: labels.frames.len() - frames_by_animals.get(&0).copied().unwrap_or(0),
            empty_frames: labels.frames.iter().filter(|f| f.instances.is_empty()).count(),
            predicted_only_frames: labels.frames.iter().filter(only_predicted).count(),
            user_instances,
            predicted_instances: instances().count() - user_instances,
            counts_predicted: kind == TruthKind::Any,
            animals,
            blank_instances: instances().filter(|i| counts(i)).count() - animals,
            frames_by_animals,
            sizes: AnimalSizes::of_instances(instances().filter(|i| is_animal(i))),
            points_absurd: instances().filter(|i| counts(i)).flat_map(|i| &i.points).filter(|p| p.is_absurd()).count(),
            points_outside: nodes.iter().map(|n| n.outside).sum(),
            nodes,
            edges: labels.skeleton.edges.len(),
            symmetries: labels.skeleton.symmetries.len(),
            repeats: Repeats::find(&labels.frames, is_animal),
            unfinished: Unfinished::find(&labels.frames, is_animal),
            tracks,
            untracked,
            frame_sizes,
        }
    }

    /// Most animals in one frame.
    pub fn most_animals(&self) -> usize {
        self.frames_by_animals.keys().next_back().copied().unwrap_or(0)
    }
}

#[cfg(test)]
#[path = "labels_tests.rs"]
mod tests;
