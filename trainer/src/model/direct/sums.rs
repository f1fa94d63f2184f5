//! Sums of maps, joined maps and their gradients.

use super::map::Map;
use rayon::prelude::*;

/// Numbers that one task copies or adds.
const COPIED: usize = 1 << 14;

/// The channels of both, one behind the other.
pub fn concat(first: &Map, second: &Map) -> Map {
    let mut both = Map::scratch(first.channels + second.channels, first.batch, first.height, first.width);
    let (a, b) = both.data.split_at_mut(first.data.len());
    copy(a, &first.data);
    copy(b, &second.data);
    both
}

/// The gradient of [`concat`].
pub fn split(both: Map, first_channels: usize) -> (Map, Map) {
    let (a, b) = both.data.split_at(first_channels * both.channel_len());
    let part = |channels, data: &[f32]| {
        let mut part = Map::scratch(channels, both.batch, both.height, both.width);
        copy(&mut part.data, data);
        part
    };
    let parts = (part(first_channels, a), part(both.channels - first_channels, b));
    both.recycle();
    parts
}

fn copy(to: &mut [f32], from: &[f32]) {
    to.par_chunks_mut(COPIED).zip(from.par_chunks(COPIED)).for_each(|(to, from)| to.copy_from_slice(from));
}

/// Adds a gradient to what has been gathered so far.
pub fn add(slot: &mut Option<Map>, gradient: Map) {
    match slot {
        None => *slot = Some(gradient),
        Some(sum) => {
            plus(&mut sum.data, &gradient.data);
            gradient.recycle();
        }
    }
}

fn plus(sums: &mut [f32], numbers: &[f32]) {
    sums.par_chunks_mut(COPIED).zip(numbers.par_chunks(COPIED)).for_each(|(sums, numbers)| {
        for (s, n) in sums.iter_mut().zip(numbers) {
            *s += n;
        }
    });
}

/// A copy in memory that is used again.
pub fn copied(x: &Map) -> Map {
    let mut y = Map::scratch(x.channels, x.batch, x.height, x.width);
    copy(&mut y.data, &x.data);
    y
}

/// The sum of two maps of the same shape.
pub fn sum(first: &Map, second: &Map) -> Map {
    let mut both = copied(first);
    plus(&mut both.data, &second.data);
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_maps_come_apart_again() {
        let numbers = |n: usize, from: f32| (0..n).map(|i| from + i as f32).collect::<Vec<f32>>();
        let a = Map::from_batch_first(&numbers(2 * 3 * 4, 0.0), [2, 1, 3, 4]);
        let b = Map::from_batch_first(&numbers(2 * 2 * 3 * 4, 100.0), [2, 2, 3, 4]);
        let both = concat(&a, &b);
        assert_eq!((both.channels, both.data.len()), (3, a.data.len() + b.data.len()));
        assert_eq!(split(both, 1), (a.clone(), b));
        let twice = sum(&a, &a);
        assert!(twice.data.iter().zip(&a.data).all(|(t, a)| *t == 2.0 * a));
        let mut slot = None;
        add(&mut slot, copied(&a));
        add(&mut slot, copied(&a));
        assert_eq!(slot, Some(twice));
    }
}
