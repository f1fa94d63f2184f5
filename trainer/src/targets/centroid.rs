//! Where an animal is as a whole: the point that a centroid network finds and that crops are centred on.

use crate::dataset::sample::{Animal, Point};

/// The anchor part where it is there, else the mean of the parts that are (SLEAP-NN's rule; reference sleap-training.md, section
/// 3.2). `None` for an animal without parts.
///
/// Training and runtime must agree on it: a network trained with one rule and run with another gets displaced crops.
pub fn centroid(animal: &Animal, anchor: Option<usize>) -> Option<Point> {
    let is_there = |p: &Point| p[0].is_finite() && p[1].is_finite();
    if let Some(point) = anchor.and_then(|node| animal.points.get(node)).filter(|p| is_there(p)) {
        return Some(*point);
    }
    let (mut sum, mut count) = ([0.0_f64; 2], 0);
    for point in animal.points.iter().filter(|p| is_there(p)) {
        sum = [sum[0] + f64::from(point[0]), sum[1] + f64::from(point[1])];
        count += 1;
    }
    (count > 0).then(|| sum.map(|v| (v / f64::from(count)) as f32))
}

/// Animals reduced to their centroids, as animals with that one part; those without parts are left out.
pub fn centroids(animals: &[Animal], anchor: Option<usize>) -> Vec<Animal> {
    let reduced = |animal: &Animal| Some(Animal { points: vec![centroid(animal, anchor)?], identity: animal.identity });
    animals.iter().filter_map(reduced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::sample::MISSING;

    #[test]
    fn the_anchor_decides_where_it_is_there() {
        let animal = Animal::from(vec![[1.0, 2.0], [3.0, 4.0], [8.0, 3.0]]);
        assert_eq!(centroid(&animal, Some(1)), Some([3.0, 4.0]));
        assert_eq!(centroid(&animal, None), Some([4.0, 3.0]));
        let hidden = Animal::from(vec![[1.0, 2.0], [f32::NAN, 4.0], [8.0, 3.0]]);
        assert_eq!(centroid(&hidden, Some(1)), Some([4.5, 2.5]), "the mean of the others, not the middle of their box");
        assert_eq!(centroid(&hidden, Some(7)), Some([4.5, 2.5]));
        assert_eq!(centroid(&Animal::from(vec![MISSING; 3]), Some(1)), None);
    }

    #[test]
    fn identities_stay_and_empty_animals_go() {
        let known = Animal { points: vec![[1.0, 2.0], [3.0, 4.0]], identity: Some(2) };
        let reduced = centroids(&[Animal::from(vec![MISSING; 2]), known], Some(0));
        assert_eq!(reduced, [Animal { points: vec![[1.0, 2.0]], identity: Some(2) }]);
    }
}
