//! Mirrored animals: what was a left part is now a right part.

use crate::dataset::sample::Point;

/// Exchanges the parts of an animal: `mirrored[node]` is the node whose point `node` gets. Nodes beyond the table stay.
pub(super) fn swap_sides(points: &mut [Point], mirrored: &[usize]) {
    let before = points.to_vec();
    for (point, &partner) in points.iter_mut().zip(mirrored) {
        if let Some(&other) = before.get(partner) {
            *point = other;
        }
    }
}
