//! Sigmoid, softmax and the maximum over a whole map, with their gradients.

use super::map::Map;

/// `1 / (1 + exp(-x))`.
pub fn sigmoid(x: &Map) -> Map {
    let mut y = x.clone();
    y.data.iter_mut().for_each(|v| *v = 1.0 / (1.0 + (-*v).exp()));
    y
}

/// Turns the gradient of a sigmoid's result `y` into that of its input.
pub fn sigmoid_gradient(y: &Map, gradient: &mut Map) {
    gradient.data.iter_mut().zip(&y.data).for_each(|(g, y)| *g *= y * (1.0 - y));
}

/// Softmax over the channels of every cell.
pub fn softmax(x: &Map) -> Map {
    let mut y = x.clone();
    let cells = x.channel_len();
    for cell in 0..cells {
        let most = x.data[cell..].iter().step_by(cells).copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for v in y.data[cell..].iter_mut().step_by(cells) {
            *v = (*v - most).exp();
            sum += *v;
        }
        y.data[cell..].iter_mut().step_by(cells).for_each(|v| *v /= sum);
    }
    y
}

/// Turns the gradient of a softmax's result `y` into that of its input: `y (g - sum over channels of g y)`.
pub fn softmax_gradient(y: &Map, gradient: &mut Map) {
    let cells = y.channel_len();
    for cell in 0..cells {
        let pairs = gradient.data[cell..].iter().step_by(cells).zip(y.data[cell..].iter().step_by(cells));
        let dot: f32 = pairs.map(|(g, y)| g * y).sum();
        let pairs = gradient.data[cell..].iter_mut().step_by(cells).zip(y.data[cell..].iter().step_by(cells));
        pairs.for_each(|(g, y)| *g = y * (*g - dot));
    }
}

/// The largest number of every channel and image, as a map of one cell.
pub fn global_max(x: &Map) -> Map {
    let mut y = Map::zeros(x.channels, x.batch, 1, 1);
    for (y, plane) in y.data.iter_mut().zip(x.data.chunks_exact((x.height * x.width).max(1))) {
        *y = plane.get(largest(plane)).copied().unwrap_or(f32::NAN);
    }
    y
}

/// Hands the gradient of a maximum to the cell it came from.
pub fn global_max_gradient(x: &Map, gradient: &Map) -> Map {
    let mut gx = Map::zeros(x.channels, x.batch, x.height, x.width);
    let area = (x.height * x.width).max(1);
    for ((gx, plane), g) in gx.data.chunks_exact_mut(area).zip(x.data.chunks_exact(area)).zip(&gradient.data) {
        gx[largest(plane)] = *g;
    }
    gx
}

/// Index of the largest number, the first of equals; a NaN wins, so that it stays visible.
fn largest(plane: &[f32]) -> usize {
    let mut best = 0;
    for (i, &v) in plane.iter().enumerate() {
        if v > plane[best] || (v.is_nan() && !plane[best].is_nan()) {
            best = i;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(channels: usize, data: &[f32]) -> Map {
        let width = data.len() / channels;
        Map { channels, batch: 1, height: 1, width, data: data.to_vec() }
    }

    #[test]
    fn softmax_sums_to_one_whatever_the_size() {
        let y = softmax(&map(3, &[0.0, 1000.0, 0.0, 1000.0, 2.0_f32.ln(), -1000.0]));
        let expected = [0.25, 0.5, 0.25, 0.5, 0.5, 0.0];
        assert!(y.data.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{y:?}");
    }

    #[test]
    fn the_maximum_remembers_its_cell() {
        let x = map(2, &[1.0, 3.0, 3.0, -2.0, -1.0, -5.0]);
        assert_eq!(global_max(&x).data, [3.0, -1.0]);
        assert_eq!(global_max_gradient(&x, &map(2, &[10.0, 20.0])).data, [0.0, 10.0, 0.0, 0.0, 20.0, 0.0]);
        assert!(global_max(&map(1, &[1.0, f32::NAN, 2.0])).data[0].is_nan());
    }
}
