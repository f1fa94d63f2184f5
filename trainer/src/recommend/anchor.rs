//! Which part makes a good centre for crops.

use crate::dataset::{LabelInstance, Labels};

/// An anchor should be usable in at least this share of the animals.
const OFTEN: f64 = 0.95;

/// The node that lies nearest to the middle of the usable parts, on average, among those that nearly all animals show: a stable
/// central part makes top-down models more accurate (reference sleap-training.md, section 2.2). `None` without such a node.
pub fn guess_anchor<'a>(labels: &Labels, animals: impl Iterator<Item = &'a LabelInstance>) -> Option<String> {
    let nodes = labels.skeleton.nodes.len();
    let (mut distance_px, mut seen, mut count) = (vec![0.0; nodes], vec![0_usize; nodes], 0_usize);
    for animal in animals {
        let usable: Vec<(usize, [f64; 2])> =
            animal.points.iter().enumerate().filter(|(_, p)| p.is_usable()).map(|(i, p)| (i, [p.x_px, p.y_px])).collect();
        if usable.is_empty() {
            continue;
        }
        count += 1;
        let middle = [0, 1].map(|axis| usable.iter().map(|(_, p)| p[axis]).sum::<f64>() / usable.len() as f64);
        for (node, p) in usable.into_iter().filter(|(node, _)| *node < nodes) {
            distance_px[node] += (p[0] - middle[0]).hypot(p[1] - middle[1]);
            seen[node] += 1;
        }
    }
    let often = (0..nodes).filter(|&node| seen[node] > 0 && seen[node] as f64 >= OFTEN * count as f64);
    let mean = |node: usize| distance_px[node] / seen[node] as f64;
    let nearest = often.min_by(|&a, &b| mean(a).total_cmp(&mean(b)))?;
    labels.skeleton.nodes.get(nearest).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{InstanceKind, LabelPoint};
    use dormouse::Skeleton;

    #[test]
    fn the_most_central_part_that_is_nearly_always_there() {
        let animal = |xs: [f64; 4]| LabelInstance {
            kind: InstanceKind::User,
            points: xs.map(|x_px| LabelPoint { x_px, y_px: 0.0, visible: true, complete: false, score: f64::NAN }).to_vec(),
            track: None,
            score: f32::NAN,
            tracking_score: 0.0,
            from_predicted: None,
        };
        let nodes = ["head", "neck", "belly", "tail"].map(String::from).to_vec();
        let labels = Labels { skeleton: Skeleton { nodes, ..Skeleton::default() }, ..Labels::default() };
        // Means 25 and 22: the belly is nearest, but one of two animals lacks it; the neck is next.
        let animals = [animal([0.0, 20.0, 26.0, 54.0]), animal([0.0, 20.0, f64::NAN, 46.0])];
        assert_eq!(guess_anchor(&labels, animals.iter().take(1)), Some("belly".into()));
        assert_eq!(guess_anchor(&labels, animals.iter()), Some("neck".into()));
        assert_eq!(guess_anchor(&labels, [].iter()), None);
    }
}
