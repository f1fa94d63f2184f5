//! From where the camera looks, judged by the directions in which animals lie.

use crate::dataset::{LabelInstance, Labels};
use serde::Serialize;

/// Animals needed for a judgement.
const ENOUGH: usize = 20;
/// Directions whose mean vector is shorter than this have no preference.
const SPREAD: f64 = 0.5;

/// Camera position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// From above (or below): any direction is as likely as any other.
    Top,
    /// From the side: up stays up.
    Side,
}

/// Looks at the direction of the edge that most animals show. Seen from above it is spread over the circle. Seen from the
/// side, animals face left or right, so that the doubled angles agree. `None` with too few animals to tell.
pub fn guess_view<'a>(labels: &Labels, animals: impl Iterator<Item = &'a LabelInstance> + Clone) -> Option<View> {
    let angles = |&(a, b): &(u16, u16)| -> Vec<f64> { animals.clone().filter_map(|i| direction_rad(i, a, b)).collect() };
    let best = labels.skeleton.edges.iter().map(angles).max_by_key(Vec::len).filter(|angles| angles.len() >= ENOUGH)?;
    let agrees = [1.0, 2.0].into_iter().any(|factor| mean_length(&best, factor) >= SPREAD);
    Some(if agrees { View::Side } else { View::Top })
}

fn direction_rad(animal: &LabelInstance, from: u16, to: u16) -> Option<f64> {
    let point = |node: u16| animal.points.get(usize::from(node)).filter(|p| p.is_usable());
    let (a, b) = (point(from)?, point(to)?);
    Some((b.y_px - a.y_px).atan2(b.x_px - a.x_px))
}

/// Length, 0 to 1, of the mean of the unit vectors at the multiplied angles.
fn mean_length(angles_rad: &[f64], factor: f64) -> f64 {
    let (sin, cos) = angles_rad.iter().fold((0.0, 0.0), |(s, c), a| (s + (factor * a).sin(), c + (factor * a).cos()));
    sin.hypot(cos) / angles_rad.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{InstanceKind, LabelPoint};
    use dormouse::Skeleton;
    use std::f64::consts::TAU;

    fn animal(angle_rad: f64) -> LabelInstance {
        let point = |length: f64| LabelPoint {
            x_px: 50.0 + length * angle_rad.cos(),
            y_px: 50.0 + length * angle_rad.sin(),
            visible: true,
            complete: false,
            score: f64::NAN,
        };
        LabelInstance {
            kind: InstanceKind::User,
            points: vec![point(0.0), point(10.0)],
            track: None,
            score: f32::NAN,
            tracking_score: 0.0,
            from_predicted: None,
        }
    }

    #[test]
    fn spread_directions_mean_top_and_left_right_means_side() {
        let skeleton = Skeleton { nodes: vec!["a".into(), "b".into()], edges: vec![(0, 1)], ..Skeleton::default() };
        let labels = Labels { skeleton, ..Labels::default() };
        let view = |animals: Vec<LabelInstance>| guess_view(&labels, animals.iter());
        let spread = (0..40).map(|i| animal(TAU * f64::from(i) / 40.0)).collect();
        assert_eq!(view(spread), Some(View::Top));
        let sideways = (0..40).map(|i| animal(f64::from(i % 2) * TAU / 2.0 + 0.2 * f64::from(i % 5 - 2))).collect();
        assert_eq!(view(sideways), Some(View::Side));
        assert_eq!(view((0..5).map(|i| animal(f64::from(i))).collect()), None);
    }
}
