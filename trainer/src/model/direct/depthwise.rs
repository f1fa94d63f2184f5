//! Convolution of every channel on its own, with stride 1, and its gradients.
//!
//! There is little to compute for each number that is read, so that a channel goes through all steps while it is in the
//! first-level cache: it is padded, summed and written by one task, alone.

use super::buffers;
use super::conv::Backward;
use super::map::Map;
use super::padded::Padded;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Vectors of places that are summed at once; what they read beyond the last cell is [`super::padded::SLACK`].
const VECTORS: usize = 4;
/// Places over which the gradient of weights is summed in registers.
const PLACES: usize = 1024;

/// `y = conv(x) + bias`, then a ReLU if asked. `weight` is `[channel][ky][kx]`.
pub fn forward(x: &Map, kernel: usize, weight: &[f32], bias: &[f32], relu: bool) -> Map {
    let mut y = Map::scratch(x.channels, x.batch, x.height, x.width);
    let len = x.channel_len().max(1);
    let kernels = weight.par_chunks(kernel * kernel).zip(bias);
    y.data.par_chunks_mut(len).zip(kernels).enumerate().for_each(|(channel, (y, (weight, &bias)))| {
        let padded = Padded::of(x, channel..channel + 1, kernel / 2, None);
        correlate(&padded, weight, kernel, y);
        padded.recycle();
        let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
        for v in y.iter_mut() {
            let sum = *v + bias;
            // Not `max`: a NaN must stay visible.
            *v = if sum < floor { floor } else { sum };
        }
    });
    y
}

/// Gradients of weights, bias and input. Where `relu` (the convolution's result) is given, the gradient is cut where it is not
/// positive.
pub fn backward(x: &Map, gradient: &Map, relu: Option<&Map>, kernel: usize, weight: &[f32]) -> Backward {
    let mut input = Map::scratch(x.channels, x.batch, x.height, x.width);
    let len = x.channel_len().max(1);
    let channels = input.data.par_chunks_mut(len).zip(weight.par_chunks(kernel * kernel)).enumerate();
    let parts: Vec<(Vec<f32>, f32)> = channels
        .map(|(channel, (input, weight))| {
            let gradient = Padded::of(gradient, channel..channel + 1, kernel / 2, relu);
            // A convolution with the kernel turned by 180 degrees.
            let turned: Vec<f32> = weight.iter().rev().copied().collect();
            correlate(&gradient, &turned, kernel, input);
            let padded = Padded::of(x, channel..channel + 1, kernel / 2, None);
            let sums = weight_sums(&padded, &gradient, kernel);
            let bias = gradient.data.chunks(256).map(|c| f64::from(c.iter().sum::<f32>())).sum::<f64>() as f32;
            padded.recycle();
            gradient.recycle();
            (sums, bias)
        })
        .collect();
    let (weight, bias): (Vec<Vec<f32>>, Vec<f32>) = parts.into_iter().unzip();
    Backward { weight: weight.concat(), bias, input: Some(input) }
}

/// Sums of the one channel of `x`, written without the zeros between rows.
fn correlate(x: &Padded, weight: &[f32], kernel: usize, out: &mut [f32]) {
    let mut sums = buffers::take(x.rows * x.row_len);
    Arch::new().dispatch(Correlate { x: &x.data, taps: &x.taps(kernel), weight, sums: &mut sums });
    let width = x.width();
    for (row, sums) in sums.chunks_exact(x.row_len.max(1)).enumerate() {
        if let Some(row) = x.map_row(row) {
            out[row * width..(row + 1) * width].copy_from_slice(&sums[..width]);
        }
    }
    buffers::give(sums);
}

struct Correlate<'a> {
    x: &'a [f32],
    taps: &'a [usize],
    weight: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, taps, weight, sums } = self;
        let tile = VECTORS * S::F32_LANES;
        for (index, out) in sums.chunks_mut(tile).enumerate() {
            let from = &x[index * tile..];
            let mut four = [simd.splat_f32s(0.0); VECTORS];
            for (&tap, &w) in taps.iter().zip(weight) {
                let w = simd.splat_f32s(w);
                let (values, _) = S::as_simd_f32s(&from[tap..tap + tile]);
                for (sum, &value) in four.iter_mut().zip(values) {
                    *sum = simd.mul_add_e_f32s(w, value, *sum);
                }
            }
            for (out, sum) in out.chunks_mut(S::F32_LANES).zip(four) {
                simd.partial_store_f32s(out, sum);
            }
        }
    }
}

/// `[ky][kx]` sums over all places of `gradient[p] * x[p + tap]`. The gradient's zeros make the places between rows and images count
/// nothing.
fn weight_sums(x: &Padded, gradient: &Padded, kernel: usize) -> Vec<f32> {
    let gradient = &gradient.data[gradient.lead..];
    Arch::new().dispatch(WeightSums { x: &x.data, gradient, cells: x.rows * x.row_len, taps: &x.taps(kernel), kernel })
}

struct WeightSums<'a> {
    x: &'a [f32],
    gradient: &'a [f32],
    cells: usize,
    taps: &'a [usize],
    kernel: usize,
}

impl WithSimd for WeightSums<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        match self.kernel {
            3 => self.sums::<S, 3>(simd),
            5 => self.sums::<S, 5>(simd),
            _ => self.sums::<S, 1>(simd),
        }
    }
}

impl WeightSums<'_> {
    /// With `N` taps at once; their number is a multiple of it.
    #[inline(always)]
    fn sums<S: Simd, const N: usize>(&self, simd: S) -> Vec<f32> {
        let mut out = vec![0.0f32; self.taps.len()];
        for at in (0..self.cells).step_by(PLACES) {
            // Whole vectors: what lies behind the last cell is zero in the gradient.
            let len = PLACES.min(self.cells - at).next_multiple_of(S::F32_LANES);
            let gradient = S::as_simd_f32s(&self.gradient[at..at + len]).0;
            for (out, taps) in out.as_chunks_mut::<N>().0.iter_mut().zip(self.taps.as_chunks::<N>().0) {
                let shifted = taps.map(|tap| &S::as_simd_f32s(&self.x[at + tap..at + tap + len]).0[..gradient.len()]);
                let mut sums = [simd.splat_f32s(0.0); N];
                for (place, &g) in gradient.iter().enumerate() {
                    for (sum, x) in sums.iter_mut().zip(shifted) {
                        *sum = simd.mul_add_e_f32s(g, x[place], *sum);
                    }
                }
                for (out, sum) in out.iter_mut().zip(sums) {
                    *out += simd.reduce_sum_f32s(sum);
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 7919 + seed * 104_729) % 201) as f32 / 100.0 - 1.0).collect()
    }

    fn map(channels: usize, [batch, height, width]: [usize; 3], seed: usize) -> Map {
        Map { channels, batch, height, width, data: numbers(channels * batch * height * width, seed) }
    }

    /// Calls `visit(output cell, input cell, weight)` with indices into maps and weights for every product, straight from the
    /// definition.
    fn visit_products(x: &Map, kernel: usize, mut visit: impl FnMut(usize, usize, usize)) {
        let half = kernel / 2;
        for plane in 0..x.channels * x.batch {
            for (row, column) in (0..x.height).flat_map(|r| (0..x.width).map(move |c| (r, c))) {
                for (ky, kx) in (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx))) {
                    let (Some(y), Some(z)) = ((row + ky).checked_sub(half), (column + kx).checked_sub(half)) else { continue };
                    if y < x.height && z < x.width {
                        let cell = |row: usize, column: usize| (plane * x.height + row) * x.width + column;
                        visit(cell(row, column), cell(y, z), (plane / x.batch * kernel + ky) * kernel + kx);
                    }
                }
            }
        }
    }

    fn close(got: &[f32], expected: &[f64], what: &str) {
        let largest = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
        let worst = got.iter().zip(expected).map(|(g, e)| (f64::from(*g) - e).abs()).fold(0.0, f64::max);
        assert_eq!(got.len(), expected.len(), "{what}");
        assert!(worst <= 1e-5 * largest, "{what}: {worst} of {largest}");
    }

    #[test]
    fn equals_the_definition() {
        let sizes = [[1, 1, 1], [2, 3, 4], [1, 2, 7], [3, 10, 10], [1, 5, 67], [2, 40, 33]];
        for ((kernel, relu), size) in
            [(3, true), (5, false), (5, true), (7, true)].into_iter().flat_map(|k| sizes.map(|s| (k, s)))
        {
            let channels = 3;
            let x = map(channels, size, 1);
            let (weight, bias) = (numbers(channels * kernel * kernel, 2), numbers(channels, 3));
            let what = format!("{kernel}x{kernel}, {size:?}");
            let per_channel = x.channel_len();
            let mut y: Vec<f64> = (0..x.data.len()).map(|i| f64::from(bias[i / per_channel])).collect();
            visit_products(&x, kernel, |to, from, w| y[to] += f64::from(x.data[from]) * f64::from(weight[w]));
            if relu {
                y.iter_mut().for_each(|v| *v = v.max(0.0));
            }
            let result = forward(&x, kernel, &weight, &bias, relu);
            close(&result.data, &y, &format!("forward {what}"));

            let gradient = map(channels, size, 4);
            let cut = |i: usize| if !relu || result.data[i] > 0.0 { f64::from(gradient.data[i]) } else { 0.0 };
            let (mut gx, mut gw) = (vec![0.0f64; x.data.len()], vec![0.0f64; weight.len()]);
            visit_products(&x, kernel, |to, from, w| {
                gx[from] += cut(to) * f64::from(weight[w]);
                gw[w] += cut(to) * f64::from(x.data[from]);
            });
            let back = backward(&x, &gradient, relu.then_some(&result), kernel, &weight);
            close(&back.input.unwrap().data, &gx, &format!("input {what}"));
            close(&back.weight, &gw, &format!("weights {what}"));
            let sums = (0..channels).map(|c| (0..per_channel).map(|i| cut(c * per_channel + i)).sum());
            close(&back.bias, &sums.collect::<Vec<f64>>(), &format!("bias {what}"));
        }
    }
}
