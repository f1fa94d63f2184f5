//! Matched edges become animals.

use crate::decode::peak_buffer::{Peak, PeakBuffer};
use crate::geometry::ImagePoint;
use crate::instances::{Keypoint, Poses};
use alloc::vec;
use alloc::vec::Vec;

const NONE: u32 = u32::MAX;
/// Bits for [`crate::Skeleton::MAX_NODES`] nodes.
type NodeSet = [u64; 4];

/// One peak of a frame: its node and its place among that node's peaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeakId {
    /// Node of the skeleton.
    pub node: usize,
    /// Index in [`PeakBuffer::channel`].
    pub index: usize,
}

/// A matched edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Connection {
    /// Where the edge starts.
    pub source: PeakId,
    /// Where it ends.
    pub destination: PeakId,
    /// Line score, finite.
    pub score: f32,
}

/// Collects connections in edge order and groups their peaks (SLEAP: `assign_connections_to_instances` and
/// `make_predicted_instances`), in memory planned for all peaks.
#[derive(Debug, Clone)]
pub struct Grouper {
    nodes: usize,
    max_peaks: usize,
    min_instance_peaks: usize,
    max_instances: usize,
    /// Instance of every peak slot (`node * max_peaks + index`), or `NONE`.
    owner: Vec<u32>,
    /// Slots in the order in which they were first assigned.
    assigned: Vec<u32>,
    /// Source slot and score of every connection.
    links: Vec<(u32, f32)>,
    /// By instance id: peaks, score, and where its slots end in `members`.
    counts: Vec<u32>,
    scores: Vec<f32>,
    ends: Vec<u32>,
    /// Slots sorted by instance, otherwise in order of assignment.
    members: Vec<u32>,
    kept: Vec<u32>,
}

impl Grouper {
    /// Plans for `nodes` (at most 256) with up to `max_peaks` peaks each. Animals with fewer than `min_instance_peaks`
    /// peaks are dropped; of more than `max_instances` those with the highest scores stay.
    pub fn new(nodes: usize, max_peaks: usize, min_instance_peaks: usize, max_instances: usize) -> Self {
        let slots = nodes * max_peaks;
        // Every instance begins with two peaks that belonged to none.
        let ids = slots / 2;
        Self {
            nodes,
            max_peaks,
            min_instance_peaks,
            max_instances,
            owner: vec![NONE; slots],
            assigned: Vec::with_capacity(slots),
            links: Vec::with_capacity(slots),
            counts: Vec::with_capacity(ids),
            scores: Vec::with_capacity(ids),
            ends: Vec::with_capacity(ids),
            members: Vec::with_capacity(slots),
            kept: Vec::with_capacity(ids),
        }
    }

    /// Forgets the last frame.
    pub fn clear(&mut self) {
        for &slot in &self.assigned {
            self.owner[slot as usize] = NONE;
        }
        self.assigned.clear();
        self.links.clear();
        self.counts.clear();
    }

    /// Adds a connection. Edges must come in [`edge_order`](crate::decode::edge_order); connections that name unplanned
    /// peaks or whose score is not finite are ignored.
    pub fn connect(&mut self, connection: Connection) {
        let (Some(source), Some(destination)) = (self.slot(connection.source), self.slot(connection.destination)) else {
            return;
        };
        if !connection.score.is_finite() {
            return;
        }
        self.links.push((source, connection.score));
        match (self.owner[source as usize], self.owner[destination as usize]) {
            (NONE, NONE) => {
                let id = self.counts.len() as u32;
                self.counts.push(0);
                self.assign(source, id);
                self.assign(destination, id);
            }
            (id, NONE) => self.assign(destination, id),
            // SLEAP has no rule for a free source and a taken destination: nothing happens.
            (NONE, _) => {}
            (id, former) => self.move_or_merge(destination, id, former),
        }
    }

    fn slot(&self, peak: PeakId) -> Option<u32> {
        (peak.node < self.nodes && peak.index < self.max_peaks).then(|| (peak.node * self.max_peaks + peak.index) as u32)
    }

    fn assign(&mut self, slot: u32, id: u32) {
        self.owner[slot as usize] = id;
        self.counts[id as usize] += 1;
        self.assigned.push(slot);
    }

    /// The destination leaves `former` for `id`. If what remains of `former` has no node in common with `id`, it follows.
    fn move_or_merge(&mut self, destination: u32, id: u32, former: u32) {
        if id == former {
            return;
        }
        self.change_owner(destination, id);
        let (nodes, former_nodes) = (self.nodes_of(id), self.nodes_of(former));
        if nodes.iter().zip(&former_nodes).all(|(a, b)| a & b == 0) {
            for i in 0..self.assigned.len() {
                let slot = self.assigned[i];
                if self.owner[slot as usize] == former {
                    self.change_owner(slot, id);
                }
            }
        }
    }

    fn change_owner(&mut self, slot: u32, id: u32) {
        let former = core::mem::replace(&mut self.owner[slot as usize], id);
        self.counts[former as usize] -= 1;
        self.counts[id as usize] += 1;
    }

    fn nodes_of(&self, id: u32) -> NodeSet {
        let mut set = [0; 4];
        for &slot in self.assigned.iter().filter(|&&slot| self.owner[slot as usize] == id) {
            let node = slot as usize / self.max_peaks;
            if let Some(word) = set.get_mut(node / 64) {
                *word |= 1_u64 << (node % 64);
            }
        }
        set
    }

    /// Replaces the contents of `poses` by the animals of this frame, in the order in which they were begun; if there are
    /// more than planned, by descending score (equal scores in that order). Gives the number of animals dropped for that.
    ///
    /// The score of an animal is the sum of the scores of the connections whose source it holds. Of two peaks of one
    /// node the one assigned later shows. `position` maps a peak to the caller's frame.
    pub fn finish(&mut self, peaks: &PeakBuffer, position: impl Fn(&Peak) -> ImagePoint, poses: &mut Poses) -> u32 {
        poses.clear();
        self.sum_scores();
        self.sort_members();
        let dropped = self.select();
        for &id in &self.kept {
            let end = self.ends[id as usize] as usize;
            let keypoints = poses.push(self.scores[id as usize]);
            for &slot in &self.members[end - self.counts[id as usize] as usize..end] {
                let (node, index) = (slot as usize / self.max_peaks, slot as usize % self.max_peaks);
                if let (Some(keypoint), Some(peak)) = (keypoints.get_mut(node), peaks.channel(node).get(index)) {
                    *keypoint = Keypoint { position: position(peak), score: peak.value };
                }
            }
        }
        dropped
    }

    fn sum_scores(&mut self) {
        self.scores.clear();
        self.scores.resize(self.counts.len(), 0.0);
        for &(source, score) in &self.links {
            let id = self.owner[source as usize];
            if id != NONE {
                let sum = &mut self.scores[id as usize];
                // Clamped at every step: infinities of both signs would add up to NaN.
                *sum = (*sum + score).clamp(f32::MIN, f32::MAX);
            }
        }
    }

    /// Counting sort of the assigned slots by instance.
    fn sort_members(&mut self) {
        self.ends.clear();
        let mut begin = 0;
        for &count in &self.counts {
            self.ends.push(begin);
            begin += count;
        }
        self.members.clear();
        self.members.resize(self.assigned.len(), NONE);
        for &slot in &self.assigned {
            let end = &mut self.ends[self.owner[slot as usize] as usize];
            self.members[*end as usize] = slot;
            *end += 1;
        }
    }

    fn select(&mut self) -> u32 {
        let least = self.min_instance_peaks.max(1);
        let large = |&id: &u32| self.counts[id as usize] as usize >= least;
        self.kept.clear();
        self.kept.extend((0..self.counts.len() as u32).filter(large));
        let surplus = self.kept.len().saturating_sub(self.max_instances);
        if surplus > 0 {
            let score = |id: u32| self.scores[id as usize];
            self.kept.sort_unstable_by(|&a, &b| score(b).total_cmp(&score(a)).then(a.cmp(&b)));
            self.kept.truncate(self.max_instances);
        }
        surplus as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MinInstancePeaks;

    const PEAKS: usize = 8;

    /// Peaks whose x names the node and whose y the index.
    fn peaks(nodes: usize) -> PeakBuffer {
        let mut buffer = PeakBuffer::new(nodes, PEAKS);
        for node in 0..nodes {
            let mut writer = buffer.write(node).unwrap();
            (0..PEAKS).for_each(|i| writer.push(Peak { x: node as f32, y: i as f32, value: 0.5 }));
            writer.finish();
        }
        buffer
    }

    type Link = ((usize, usize), (usize, usize), f32);

    fn finish(grouper: &mut Grouper, nodes: usize, links: &[Link]) -> (Vec<(f32, Vec<Option<usize>>)>, u32) {
        grouper.clear();
        for &((sn, si), (dn, di), score) in links {
            let (source, destination) = (PeakId { node: sn, index: si }, PeakId { node: dn, index: di });
            grouper.connect(Connection { source, destination, score });
        }
        let mut poses = Poses::with_capacity(nodes, 64);
        let dropped = grouper.finish(&peaks(nodes), |p| ImagePoint { x_px: p.x, y_px: p.y }, &mut poses);
        let animals = poses.iter().map(|animal| {
            let index = |(node, k): (usize, &Keypoint)| {
                assert!(!k.is_visible() || k.position.x_px == node as f32);
                k.is_visible().then_some(k.position.y_px as usize)
            };
            (animal.score, animal.keypoints.iter().enumerate().map(index).collect())
        });
        (animals.collect(), dropped)
    }

    fn group(nodes: usize, links: &[Link]) -> Vec<(f32, Vec<Option<usize>>)> {
        finish(&mut Grouper::new(nodes, PEAKS, 0, 64), nodes, links).0
    }

    #[test]
    fn free_peaks_begin_an_animal_and_free_destinations_join_it() {
        let links = [((0, 1), (1, 0), 0.5), ((0, 0), (1, 1), 0.75), ((1, 1), (2, 5), 0.25)];
        let expected = [(0.5, vec![Some(1), Some(0), None]), (1.0, vec![Some(0), Some(1), Some(5)])];
        assert_eq!(group(3, &links), expected);
        assert_eq!(group(3, &[]), []);
    }

    #[test]
    fn case_3_merges_animals_without_common_nodes() {
        // {0, 1} and {2, 3}; then 1 -> 2 joins them, and the remaining node 3 follows.
        let links = [((0, 0), (1, 0), 0.5), ((2, 0), (3, 0), 0.25), ((1, 0), (2, 0), 0.125)];
        assert_eq!(group(4, &links), [(0.875, vec![Some(0); 4])]);
    }

    #[test]
    fn case_3_moves_only_the_destination_when_nodes_are_shared() {
        // {0, 1} and {1', 2}: after moving 2 the first holds 0, 1, 2 and the second 1': node 1 is common.
        let links = [((0, 0), (1, 0), 0.5), ((1, 1), (2, 0), 0.25), ((0, 0), (2, 0), 0.125)];
        let expected = [(0.625, vec![Some(0), Some(0), Some(0)]), (0.25, vec![None, Some(1), None])];
        assert_eq!(group(3, &links), expected);
    }

    #[test]
    fn of_two_peaks_of_a_node_the_later_shows() {
        // {0, 2'} and {1, 2}: 0 -> 2 moves 2 into the first; node 1 remains and follows. 2 was assigned after 2'.
        let links = [((0, 0), (2, 1), 0.5), ((1, 0), (2, 0), 0.25), ((0, 0), (2, 0), 0.125)];
        assert_eq!(group(3, &links), [(0.875, vec![Some(0), Some(0), Some(0)])]);
        let links = [((1, 0), (2, 0), 0.25), ((0, 0), (2, 1), 0.5), ((0, 0), (2, 0), 0.125)];
        assert_eq!(group(3, &links), [(0.875, vec![Some(0), Some(0), Some(1)])]);
    }

    #[test]
    fn case_3_within_one_animal_changes_nothing() {
        let links = [((0, 0), (1, 0), 0.5), ((1, 0), (0, 0), 0.25)];
        assert_eq!(group(2, &links), [(0.75, vec![Some(0), Some(0)])]);
    }

    #[test]
    fn case_4_does_nothing() {
        let links = [((1, 0), (2, 0), 0.5), ((0, 0), (1, 0), 0.25)];
        assert_eq!(group(3, &links), [(0.5, vec![None, Some(0), Some(0)])]);
    }

    #[test]
    fn an_emptied_animal_vanishes() {
        // 2 and 3 go one by one, each while a node is shared or nothing remains.
        let links = [((2, 0), (3, 0), 0.5), ((0, 0), (1, 0), 0.5), ((0, 0), (2, 0), 0.5), ((4, 0), (5, 0), 0.5)];
        let expected = [
            (1.5, vec![Some(0), Some(0), Some(0), Some(0), None, None]),
            (0.5, {
                let mut v = vec![None; 6];
                (v[4], v[5]) = (Some(0), Some(0));
                v
            }),
        ];
        assert_eq!(group(6, &links), expected);
    }

    #[test]
    fn min_instance_peaks_as_count_and_as_fraction() {
        let links = [((0, 0), (1, 0), 0.5), ((0, 1), (1, 1), 0.5), ((1, 1), (2, 1), 0.5)];
        let count = |min: MinInstancePeaks| finish(&mut Grouper::new(3, PEAKS, min.count(3), 64), 3, &links).0.len();
        assert_eq!(count(MinInstancePeaks::Count(0)), 2);
        assert_eq!(count(MinInstancePeaks::Count(2)), 2);
        assert_eq!(count(MinInstancePeaks::Count(3)), 1);
        assert_eq!(count(MinInstancePeaks::Count(4)), 0);
        assert_eq!(count(MinInstancePeaks::Fraction(0.9)), 2); // 2.7 is truncated to 2
        assert_eq!(count(MinInstancePeaks::Fraction(1.0)), 1);
    }

    #[test]
    fn max_instances_sorts_only_when_it_truncates() {
        let links: Vec<Link> = [0.25, 0.75, 0.5, 0.75].iter().enumerate().map(|(i, &s)| ((0, i), (1, i), s)).collect();
        let run = |max| {
            let (animals, dropped) = finish(&mut Grouper::new(2, PEAKS, 0, max), 2, &links);
            (animals.iter().map(|a| a.1[0].unwrap()).collect::<Vec<_>>(), dropped)
        };
        assert_eq!(run(4), (vec![0, 1, 2, 3], 0));
        assert_eq!(run(3), (vec![1, 3, 2], 1));
        assert_eq!(run(1), (vec![1], 3));
    }

    #[test]
    fn scores_stay_finite_and_odd_connections_are_ignored() {
        let links = [((0, 0), (1, 0), f32::MAX), ((0, 0), (2, 0), f32::MAX), ((0, 9), (1, 9), 1.0), ((0, 1), (7, 0), 1.0)];
        assert_eq!(group(3, &links), [(f32::MAX, vec![Some(0); 3])]);
        assert_eq!(group(3, &[((0, 0), (1, 0), f32::NAN), ((0, 0), (1, 0), f32::INFINITY)]), []);
    }

    #[test]
    fn nothing_is_left_of_the_last_frame() {
        let mut grouper = Grouper::new(2, PEAKS, 0, 64);
        assert_eq!(finish(&mut grouper, 2, &[((0, 0), (1, 0), 0.5)]).0.len(), 1);
        assert_eq!(finish(&mut grouper, 2, &[((0, 1), (1, 0), 0.5)]).0, [(0.5, vec![Some(1), Some(0)])]);
        assert_eq!(finish(&mut grouper, 2, &[]).0, []);
    }
}
