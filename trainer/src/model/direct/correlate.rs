//! The inner loops of convolutions, over vectors as wide as the processor has them.
//!
//! A convolution of padded maps (see [`Padded`]) is `out[o][p] = sum over i, t of weight[o][i][t] * x[i][p + taps[t]]`. Four
//! output channels and two vectors of places are summed at once: eight sums hide the latency of a multiply-add, and compilers keep
//! them in the sixteen registers of AVX2 (with three vectors some were seen to spill).

use super::padded::Padded;
use pulp::{Arch, Simd, WithSimd};
use std::ops::Range;

/// Output channels of one block.
pub const BLOCK: usize = 4;
/// Vectors of places of one tile.
const VECTORS: usize = 2;
/// Taps whose weight gradients are summed at once.
const TAPS: usize = 3;
/// Places over which weight gradients are summed in registers; five channels of them fit the first-level cache.
const PLACES: usize = 1024;

/// Weights `[out][in][tap]` as `[block of out][in][tap][BLOCK]`, zeros where channels are missing.
pub fn pack(weight: &[f32], channels_out: usize, channels_in: usize, taps: usize) -> Vec<f32> {
    let per_block = channels_in * taps * BLOCK;
    let mut packed = vec![0.0; channels_out.div_ceil(BLOCK) * per_block];
    for (o, of_channel) in weight.chunks_exact((channels_in * taps).max(1)).enumerate() {
        for (place, w) in of_channel.iter().enumerate() {
            packed[o / BLOCK * per_block + place * BLOCK + o % BLOCK] = *w;
        }
    }
    packed
}

/// Sums of a tile of rows: `[out channels, rounded up to BLOCK][rows * row_len]`; cells of zero columns hold no meaning.
pub fn correlate(x: &Padded, taps: &[usize], packed: &[f32], rows: Range<usize>) -> Vec<f32> {
    Arch::new().dispatch(Correlate { x, taps, packed, rows })
}

struct Correlate<'a> {
    x: &'a Padded,
    taps: &'a [usize],
    packed: &'a [f32],
    rows: Range<usize>,
}

impl WithSimd for Correlate<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let (start, cells) = (self.rows.start * self.x.row_len, self.rows.len() * self.x.row_len);
        let per_block = self.x.channels * self.taps.len() * BLOCK;
        let tile = VECTORS * S::F32_LANES;
        let mut out = super::buffers::take(self.packed.len() / per_block.max(1) * BLOCK * cells);
        for at in (0..cells).step_by(tile) {
            let len = tile.min(cells - at);
            for (block, weights) in self.packed.chunks_exact(per_block).enumerate() {
                let sums = tile_sums(simd, self.x, self.taps, weights, start + at);
                for (o, sums) in sums.iter().enumerate() {
                    let out = &mut out[(block * BLOCK + o) * cells + at..][..len];
                    if len == tile {
                        S::as_mut_simd_f32s(out).0.copy_from_slice(sums);
                    } else {
                        for (v, sum) in sums.iter().enumerate() {
                            let from = (v * S::F32_LANES).min(len);
                            let to = (from + S::F32_LANES).min(len);
                            simd.partial_store_f32s(&mut out[from..to], *sum);
                        }
                    }
                }
            }
        }
        out
    }
}

#[inline(always)]
fn tile_sums<S: Simd>(simd: S, x: &Padded, taps: &[usize], weights: &[f32], at: usize) -> [[S::f32s; VECTORS]; BLOCK] {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; BLOCK];
    let tile = VECTORS * S::F32_LANES;
    let per_channel = taps.len() * BLOCK;
    for (channel, weights) in weights.chunks_exact(per_channel).enumerate() {
        let plane = &x.data[channel * x.channel_len + at..(channel + 1) * x.channel_len];
        for (&tap, weights) in taps.iter().zip(weights.chunks_exact(BLOCK)) {
            let (values, _) = S::as_simd_f32s(&plane[tap..tap + tile]);
            let values = [values[0], values[1]];
            for (sums, &w) in sums.iter_mut().zip(weights) {
                let w = simd.splat_f32s(w);
                for (sum, &value) in sums.iter_mut().zip(&values) {
                    *sum = simd.mul_add_e_f32s(w, value, *sum);
                }
            }
        }
    }
    sums
}

/// Weight gradients of up to [`BLOCK`] output channels, from `first_out` on, and input channels `inputs`:
/// `[out][in][tap]` sums over all places of `gradient[o][p] * x[i][p + taps[t]]`.
///
/// The gradient's zero columns and rows make the places between rows and images count nothing.
pub fn weight_sums(x: &Padded, gradient: &Padded, taps: &[usize], first_out: usize, inputs: Range<usize>) -> Vec<f32> {
    Arch::new().dispatch(WeightSums { x, gradient, taps, first_out, inputs })
}

struct WeightSums<'a> {
    x: &'a Padded,
    gradient: &'a Padded,
    taps: &'a [usize],
    first_out: usize,
    inputs: Range<usize>,
}

impl WithSimd for WeightSums<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let Self { x, gradient, taps, first_out, inputs } = self;
        let block = BLOCK.min(gradient.channels - first_out);
        let per_out = inputs.len() * taps.len();
        let mut out = vec![0.0f32; block * per_out];
        let cells = gradient.rows * gradient.row_len;
        for at in (0..cells).step_by(PLACES) {
            // Whole vectors: what lies behind the last cell is zero in the gradient.
            let len = PLACES.min(cells - at).next_multiple_of(S::F32_LANES);
            let row = |o: usize| {
                let channel = first_out + o.min(block - 1);
                &gradient.data[channel * gradient.channel_len + gradient.lead + at..][..len]
            };
            let rows = [row(0), row(1), row(2), row(3)];
            // Taps of one channel and then of the next, so that 1x1 kernels fill the registers as well.
            for first in (0..per_out).step_by(TAPS) {
                let shifted = |t: usize| {
                    let column = (first + t).min(per_out - 1);
                    let channel = inputs.start + column / taps.len();
                    let plane = &x.data[channel * x.channel_len + at..(channel + 1) * x.channel_len];
                    &plane[taps[column % taps.len()]..][..len]
                };
                let sums = products(simd, rows, [shifted(0), shifted(1), shifted(2)]);
                for (o, sums) in sums.iter().enumerate().take(block) {
                    for (t, sum) in sums.iter().enumerate().take(per_out - first) {
                        out[o * per_out + first + t] += simd.reduce_sum_f32s(*sum);
                    }
                }
            }
        }
        out
    }
}

#[inline(always)]
fn products<S: Simd>(simd: S, rows: [&[f32]; BLOCK], shifted: [&[f32]; TAPS]) -> [[S::f32s; TAPS]; BLOCK] {
    let mut sums = [[simd.splat_f32s(0.0); TAPS]; BLOCK];
    let [a, b, c, d] = rows.map(|row| S::as_simd_f32s(row).0);
    let [x, y, z] = shifted.map(|row| S::as_simd_f32s(row).0);
    let places = a.iter().zip(b).zip(c.iter().zip(d)).zip(x.iter().zip(y).zip(z));
    for (((&a, &b), (&c, &d)), ((&x, &y), &z)) in places {
        for (sums, g) in sums.iter_mut().zip([a, b, c, d]) {
            for (sum, v) in sums.iter_mut().zip([x, y, z]) {
                *sum = simd.mul_add_e_f32s(g, v, *sum);
            }
        }
    }
    sums
}
