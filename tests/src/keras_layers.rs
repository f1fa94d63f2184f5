//! Keras' layers by their definitions in TensorFlow, number by number in f64: the oracle of imported networks.

use crate::keras::Nhwc;

/// A window: kernel, steps, dilation, and whether the padding is "same".
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Rows and columns.
    pub kernel: [usize; 2],
    /// Steps.
    pub stride: [usize; 2],
    /// Distance of taps.
    pub dilation: [usize; 2],
    /// TensorFlow's "same", otherwise "valid".
    pub same: bool,
}

impl Window {
    /// Results and padding before the first row (0) or column (1) of a map of `side`: `ceil(side / stride)` results, of the padding
    /// that takes the smaller half before.
    fn results(&self, axis: usize, side: usize) -> (usize, usize) {
        let reach = (self.kernel[axis] - 1) * self.dilation[axis] + 1;
        if !self.same {
            return ((side + 1 - reach).div_ceil(self.stride[axis]), 0);
        }
        let results = side.div_ceil(self.stride[axis]);
        let total = ((results - 1) * self.stride[axis] + reach).saturating_sub(side);
        (results, total / 2)
    }

    /// Input row or column of a tap, `None` in the padding.
    fn source(&self, axis: usize, result: usize, tap: usize, before: usize, side: usize) -> Option<usize> {
        (result * self.stride[axis] + tap * self.dilation[axis]).checked_sub(before).filter(|at| *at < side)
    }
}

/// Fills a tensor by its places.
fn filled(dims: [usize; 4], number: impl Fn([usize; 4]) -> f64) -> Nhwc {
    let mut data = Vec::with_capacity(dims.iter().product());
    for n in 0..dims[0] {
        for y in 0..dims[1] {
            for x in 0..dims[2] {
                data.extend((0..dims[3]).map(|c| number([n, y, x, c]) as f32));
            }
        }
    }
    Nhwc { dims, data }
}

/// `Conv2D` with a kernel `[rows, columns, in, out]`.
pub fn conv(x: &Nhwc, kernel: &[f32], bias: &[f32], window: Window) -> Nhwc {
    let [batch, height, width, inputs] = x.dims;
    let outputs = bias.len();
    let ((rows, top), (columns, left)) = (window.results(0, height), window.results(1, width));
    filled([batch, rows, columns, outputs], |[n, y, x_out, o]| {
        let mut sum = f64::from(bias[o]);
        for ky in 0..window.kernel[0] {
            for kx in 0..window.kernel[1] {
                let place = window.source(0, y, ky, top, height).zip(window.source(1, x_out, kx, left, width));
                let Some((yi, xi)) = place else { continue };
                for i in 0..inputs {
                    let weight = kernel[((ky * window.kernel[1] + kx) * inputs + i) * outputs + o];
                    sum += f64::from(x.at([n, yi, xi, i])) * f64::from(weight);
                }
            }
        }
        sum
    })
}

/// `DepthwiseConv2D` with a kernel `[rows, columns, channels, multiplier]`: result `c * multiplier + m` sees channel `c`.
pub fn depthwise(x: &Nhwc, kernel: &[f32], bias: &[f32], window: Window) -> Nhwc {
    let [batch, height, width, channels] = x.dims;
    let multiplier = bias.len() / channels;
    let ((rows, top), (columns, left)) = (window.results(0, height), window.results(1, width));
    filled([batch, rows, columns, bias.len()], |[n, y, x_out, o]| {
        let mut sum = f64::from(bias[o]);
        for ky in 0..window.kernel[0] {
            for kx in 0..window.kernel[1] {
                let place = window.source(0, y, ky, top, height).zip(window.source(1, x_out, kx, left, width));
                let Some((yi, xi)) = place else { continue };
                let weight = kernel[(ky * window.kernel[1] + kx) * bias.len() + o];
                sum += f64::from(x.at([n, yi, xi, o / multiplier])) * f64::from(weight);
            }
        }
        sum
    })
}

/// `Conv2DTranspose` with a kernel `[rows, columns, out, in]`: what a `Conv2D` of the result would read of a place, the place gives
/// to the result. Sides of the result as Keras works them out.
pub fn conv_transpose(x: &Nhwc, kernel: &[f32], bias: &[f32], window: Window) -> Nhwc {
    let [batch, height, width, inputs] = x.dims;
    let outputs = bias.len();
    let side = |axis: usize, side: usize| {
        let extra = if window.same { 0 } else { window.kernel[axis].saturating_sub(window.stride[axis]) };
        side * window.stride[axis] + extra
    };
    let (rows, columns) = (side(0, height), side(1, width));
    let (top, left) = (window.results(0, rows).1, window.results(1, columns).1);
    let mut sums = vec![0.0f64; batch * rows * columns * outputs];
    for n in 0..batch {
        for (y, x_in) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            for (ky, kx) in (0..window.kernel[0]).flat_map(|ky| (0..window.kernel[1]).map(move |kx| (ky, kx))) {
                let place = window.source(0, y, ky, top, rows).zip(window.source(1, x_in, kx, left, columns));
                let Some((yo, xo)) = place else { continue };
                for (o, i) in (0..outputs).flat_map(|o| (0..inputs).map(move |i| (o, i))) {
                    let weight = kernel[((ky * window.kernel[1] + kx) * outputs + o) * inputs + i];
                    sums[((n * rows + yo) * columns + xo) * outputs + o] += f64::from(x.at([n, y, x_in, i])) * f64::from(weight);
                }
            }
        }
    }
    filled([batch, rows, columns, outputs], |[n, y, x, o]| {
        sums[((n * rows + y) * columns + x) * outputs + o] + f64::from(bias[o])
    })
}

/// `MaxPooling2D` or `AveragePooling2D`; padding never counts.
pub fn pool(x: &Nhwc, window: Window, largest: bool) -> Nhwc {
    let [batch, height, width, channels] = x.dims;
    let ((rows, top), (columns, left)) = (window.results(0, height), window.results(1, width));
    filled([batch, rows, columns, channels], |[n, y, x_out, c]| {
        let mut seen = Vec::new();
        for ky in 0..window.kernel[0] {
            for kx in 0..window.kernel[1] {
                let place = window.source(0, y, ky, top, height).zip(window.source(1, x_out, kx, left, width));
                seen.extend(place.map(|(yi, xi)| f64::from(x.at([n, yi, xi, c]))));
            }
        }
        if largest {
            seen.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        } else {
            seen.iter().sum::<f64>() / seen.len() as f64
        }
    })
}

/// `UpSampling2D`: cell `i` of the result lies at `(i + 0.5) / factor - 0.5` of the input, whose edge goes on (bilinear), or is cell
/// `i / factor` (nearest).
pub fn upsample(x: &Nhwc, factors: [usize; 2], bilinear: bool) -> Nhwc {
    let [batch, height, width, channels] = x.dims;
    filled([batch, height * factors[0], width * factors[1], channels], |[n, y, x_out, c]| {
        if !bilinear {
            return f64::from(x.at([n, y / factors[0], x_out / factors[1], c]));
        }
        let around = |at: usize, factor: usize, side: usize| {
            let place = (at as f64 + 0.5) / factor as f64 - 0.5;
            let inside = |cell: f64| cell.clamp(0.0, side as f64 - 1.0) as usize;
            (inside(place.floor()), inside(place.floor() + 1.0), place - place.floor())
        };
        let ((y0, y1, down), (x0, x1, right)) = (around(y, factors[0], height), around(x_out, factors[1], width));
        let row = |y: usize| f64::from(x.at([n, y, x0, c])) * (1.0 - right) + f64::from(x.at([n, y, x1, c])) * right;
        row(y0) * (1.0 - down) + row(y1) * down
    })
}

/// A function of each number, given its channel.
pub fn each(x: &Nhwc, function: impl Fn(usize, f64) -> f64) -> Nhwc {
    filled(x.dims, |place| function(place[3], f64::from(x.at(place))))
}

/// Zeros around: top, left, bottom, right.
pub fn zero_pad(x: &Nhwc, [top, left, bottom, right]: [usize; 4]) -> Nhwc {
    let [batch, height, width, channels] = x.dims;
    filled([batch, height + top + bottom, width + left + right, channels], |[n, y, x_out, c]| {
        let place = y.checked_sub(top).filter(|y| *y < height).zip(x_out.checked_sub(left).filter(|x| *x < width));
        place.map_or(0.0, |(y, x_in)| f64::from(x.at([n, y, x_in, c])))
    })
}

/// Two maps, one behind the other by channels.
pub fn concat(a: &Nhwc, b: &Nhwc) -> Nhwc {
    let [batch, height, width, first] = a.dims;
    filled([batch, height, width, first + b.dims[3]], |[n, y, x, c]| {
        f64::from(if c < first { a.at([n, y, x, c]) } else { b.at([n, y, x, c - first]) })
    })
}

/// The largest number of each channel, as one cell.
pub fn global_max(x: &Nhwc) -> Nhwc {
    let [batch, height, width, channels] = x.dims;
    filled([batch, 1, 1, channels], |[n, _, _, c]| {
        let all = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
        all.map(|(y, x_in)| f64::from(x.at([n, y, x_in, c]))).fold(f64::NEG_INFINITY, f64::max)
    })
}
