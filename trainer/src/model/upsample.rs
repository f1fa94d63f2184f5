//! Doubling of maps, from operations whose gradient every burn backend has.
//!
//! Bilinear, with half-pixel centres: output cell 2i lies a quarter cell before input cell i and 2i + 1 a quarter behind it, so that
//! `out[2i] = 0.75 in[i] + 0.25 in[i - 1]` and `out[2i + 1] = 0.75 in[i] + 0.25 in[i + 1]`, with the border repeated.
//! burn's own bilinear interpolation has no gradient on its GPU backends (0.22).

use burn::tensor::Tensor;

/// Doubles height and width of `[batch, channels, height, width]`.
pub fn bilinear_x2(x: Tensor<4>) -> Tensor<4> {
    double_dim(double_dim(x, 3), 2)
}

/// Doubles height and width of `[batch, channels, height, width]`: every cell becomes four of the same value.
pub fn nearest_x2(x: Tensor<4>) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let columns = Tensor::cat(vec![x.clone().unsqueeze_dim::<5>(4), x.unsqueeze_dim::<5>(4)], 4);
    let wide = columns.reshape([batch, channels, height, 1, 2 * width]);
    Tensor::cat(vec![wide.clone(), wide], 3).reshape([batch, channels, 2 * height, 2 * width])
}

fn double_dim(x: Tensor<4>, dim: usize) -> Tensor<4> {
    let dims = x.dims();
    let n = dims[dim];
    if n == 1 {
        // Both neighbours are the cell itself.
        return Tensor::cat(vec![x.clone(), x], dim);
    }
    let before = Tensor::cat(vec![x.clone().narrow(dim, 0, 1), x.clone().narrow(dim, 0, n - 1)], dim);
    let after = Tensor::cat(vec![x.clone().narrow(dim, 1, n - 1), x.clone().narrow(dim, n - 1, 1)], dim);
    let near = x * 0.75;
    let even: Tensor<5> = (near.clone() + before * 0.25).unsqueeze_dim(dim + 1);
    let odd: Tensor<5> = (near + after * 0.25).unsqueeze_dim(dim + 1);
    let mut doubled = dims;
    doubled[dim] = 2 * n;
    Tensor::cat(vec![even, odd], dim + 1).reshape(doubled)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    /// Straight from the definition of half-pixel bilinear resizing.
    pub(crate) fn naive(x: &[f32], h: usize, w: usize) -> Vec<f32> {
        let axis = |o: usize, n: usize| {
            let at = ((o as f64 + 0.5) / 2.0 - 0.5).clamp(0.0, (n - 1) as f64);
            let low = at.floor() as usize;
            (low, (low + 1).min(n - 1), at - low as f64)
        };
        let mut out = Vec::new();
        for oy in 0..2 * h {
            for ox in 0..2 * w {
                let ((y0, y1, fy), (x0, x1, fx)) = (axis(oy, h), axis(ox, w));
                let at = |y: usize, xx: usize| f64::from(x[y * w + xx]);
                let top = at(y0, x0) * (1.0 - fx) + at(y0, x1) * fx;
                let bottom = at(y1, x0) * (1.0 - fx) + at(y1, x1) * fx;
                out.push((top * (1.0 - fy) + bottom * fy) as f32);
            }
        }
        out
    }

    #[test]
    fn equals_the_definition() {
        for (h, w) in [(1, 1), (1, 4), (3, 2), (5, 7)] {
            let x: Vec<f32> = (0..h * w).map(|i| ((i * 37) % 11) as f32 - 3.0).collect();
            let tensor = Tensor::<4>::from_data(TensorData::new(x.clone(), [1, 1, h, w]), &Device::default());
            let got = bilinear_x2(tensor).into_data();
            let got = got.as_slice::<f32>().unwrap();
            assert!(got.iter().zip(naive(&x, h, w)).all(|(a, b)| (a - b).abs() < 1e-5), "{h}x{w}");
        }
    }

    #[test]
    fn nearest_repeats_every_cell() {
        let x = Tensor::<4>::from_data(TensorData::new(vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], [1, 2, 1, 3]), &Device::default());
        let got = nearest_x2(x).into_data();
        let (first, second) = ([1.0, 1.0, 2.0, 2.0, 3.0, 3.0], [4.0, 4.0, 5.0, 5.0, 6.0, 6.0]);
        assert_eq!(got.as_slice::<f32>().unwrap(), [first, first, second, second].concat());
    }

    #[test]
    fn gradient_of_the_sum_is_four() {
        // Doubling both sides spreads every cell over a total weight of four.
        let device = Device::default().autodiff();
        for double in [bilinear_x2, nearest_x2] {
            let x = Tensor::<4>::ones([1, 2, 3, 4], &device).require_grad();
            let grads = double(x.clone()).sum().backward();
            let grad = x.grad(&grads).unwrap().into_data();
            assert!(grad.as_slice::<f32>().unwrap().iter().all(|g| (g - 4.0).abs() < 1e-5));
        }
    }
}
