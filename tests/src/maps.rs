//! How far maps are from expected ones.

#![allow(clippy::missing_panics_doc, reason = "a test may fail by panicking")]

use dormouse::tensor::Maps;

/// The largest difference of a number, which is NaN if one is, and the largest expected number. Panics if there are not as many.
pub fn farthest(case: &str, maps: &Maps<'_>, expected: &[f32]) -> [f32; 2] {
    let got = (0..maps.channels()).flat_map(|c| maps.channel(c).iter().copied());
    assert_eq!(got.clone().count(), expected.len(), "{case}");
    let largest = expected.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    // Written so that NaN counts as worst.
    let worse = |w: f32, d: f32| if d <= w { w } else { d };
    [got.zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0f32, worse), largest]
}
