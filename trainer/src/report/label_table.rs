//! The statistics as text for people, with what is worth a second look at the end.

use super::labels::LabelStatistics;
use super::number_of::number_of;
use std::fmt;

/// Frames named one by one in a warning.
const NAMED: usize = 5;
/// A node usable in fewer animals than this share learns slowly.
const RARE_SHARE: f64 = 0.1;
/// A class with this many times fewer animals than the largest one is unbalanced.
const UNBALANCED: usize = 3;

impl fmt::Display for LabelStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "frames           {}: {} with animals, {} without any instance, {} with predictions only",
            self.frames, self.labelled_frames, self.empty_frames, self.predicted_only_frames
        )?;
        let counted = if self.counts_predicted { "both kinds count" } else { "not counted" };
        writeln!(
            f,
            "instances        {} placed by a person, {} predicted ({counted}), {} without a usable part",
            self.user_instances, self.predicted_instances, self.blank_instances
        )?;
        let by: Vec<String> = self.frames_by_animals.iter().map(|(animals, frames)| format!("{animals} in {frames}")).collect();
        writeln!(f, "animals          {} (per frame: {})", self.animals, by.join(", "))?;
        if let Some(s) = &self.sizes {
            writeln!(
                f,
                "animal size      box diagonal median {:.1} px, p95 {:.1} px, largest {:.1} px; longest side {:.1} px",
                s.diagonal_median_px, s.diagonal_p95_px, s.diagonal_max_px, s.longest_side_px
            )?;
        }
        for (index, size) in self.frame_sizes.iter().enumerate() {
            match size {
                Some(s) => writeln!(f, "video {index:<10} {} x {} px", s.width_px, s.height_px)?,
                None => writeln!(f, "video {index:<10} size not known (the video cannot be opened)")?,
            }
        }
        let (nodes, edges) = (number_of(self.nodes.len(), "node"), number_of(self.edges, "edge"));
        writeln!(f, "skeleton         {nodes}, {edges}, {} symmetries", self.symmetries)?;
        for track in &self.tracks {
            writeln!(f, "track            {}: {}", track.name, number_of(track.animals, "animal"))?;
        }
        writeln!(f, "without a track  {}", self.untracked)?;
        self.node_table(f)?;
        let warnings = self.warnings();
        if !warnings.is_empty() {
            writeln!(f, "\nworth a look")?;
        }
        warnings.iter().try_for_each(|w| writeln!(f, "  - {w}"))
    }
}

impl LabelStatistics {
    fn node_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.nodes.iter().map(|n| n.name.chars().count()).fold(4, usize::max);
        writeln!(f, "\n{:width$}  usable   share  hidden  missing  outside", "node")?;
        for n in &self.nodes {
            let share = 100.0 * n.usable_share();
            writeln!(
                f,
                "{:width$}  {:>6}  {share:>5.1}%  {:>6}  {:>7}  {:>7}",
                n.name, n.usable, n.hidden, n.missing, n.outside
            )?;
        }
        Ok(())
    }

    /// Sentences on what can harm a training.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.animals == 0 {
            warnings.push("no animal is labelled: there is nothing to train on".to_owned());
            return warnings;
        }
        if self.user_instances == 0 {
            warnings.push(
                "no animal was placed by a person, and training learns from no others: there is nothing to train on".to_owned(),
            );
        }
        let frame = |(video, index): &(usize, u64)| format!("{index} of video {video}");
        let list = |frames: Vec<(usize, u64)>| {
            let named = frames.iter().take(NAMED).map(frame).collect::<Vec<_>>().join(", ");
            if frames.len() > NAMED { format!("{named} and {} more", frames.len() - NAMED) } else { named }
        };
        if !self.repeats.frames.is_empty() {
            let frames = self.repeats.frames.iter().map(|r| (r.video, r.frame_index)).collect();
            warnings.push(format!("labelled more than once, so that validation may see training frames: frame {}", list(frames)));
        }
        if !self.repeats.animals.is_empty() {
            warnings.push(format!("an animal lies on another one part by part: frame {}", list(self.repeats.animals.clone())));
        }
        if !self.unfinished.half_corrected.is_empty() {
            let frames = list(self.unfinished.half_corrected.clone());
            warnings
                .push(format!("predicted animals beside those that a person placed are learned as background: frame {frames}"));
        }
        if let (Some(usual), false) = (self.unfinished.usual_animals, self.unfinished.fewer_animals.is_empty()) {
            let frames = list(self.unfinished.fewer_animals.clone());
            warnings.push(format!(
                "fewer than the usual {usual} animals; one that was left out is learned as background: frame {frames}"
            ));
        }
        if self.points_outside > 0 {
            warnings.push(format!("{} usable parts lie outside their frame", self.points_outside));
        }
        if self.points_absurd > 0 {
            warnings.push(format!("{} parts lie more than a million pixels away and are not used", self.points_absurd));
        }
        if self.blank_instances > 0 {
            warnings.push(format!("{} instances have no usable part and are ignored", self.blank_instances));
        }
        for node in self.nodes.iter().filter(|n| n.usable_share() < RARE_SHARE) {
            warnings.push(format!("node {:?} is usable in {} of {} animals only", node.name, node.usable, self.animals));
        }
        self.class_warnings(&mut warnings);
        warnings
    }

    /// Identity models learn classes from tracks, so every animal needs one and none may be rare.
    fn class_warnings(&self, warnings: &mut Vec<String>) {
        let tracked: usize = self.tracks.iter().map(|t| t.animals).sum();
        if tracked > 0 && self.untracked > 0 {
            warnings.push(format!("{} animals are on no track: an identity model cannot learn from them", self.untracked));
        }
        let most = self.tracks.iter().map(|t| t.animals).max().unwrap_or(0);
        let rare: Vec<&str> = self.tracks.iter().filter(|t| t.animals * UNBALANCED < most).map(|t| t.name.as_str()).collect();
        if !rare.is_empty() {
            let named = rare.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
            let more = if rare.len() > NAMED { format!(" and {} more", rare.len() - NAMED) } else { String::new() };
            warnings.push(format!("tracks with less than a third of the animals of the largest one: {named}{more}"));
        }
    }
}
