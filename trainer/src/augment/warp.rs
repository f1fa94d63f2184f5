//! One similarity transform of an image and of the points in it.

use crate::dataset::image::Image;
use crate::dataset::sample::Point;

/// Mirror, rotation and scale about the image centre, then a shift: `p' = M (p - c) + c + t`, pixel centres on integers, so
/// the centre c is `((width - 1) / 2, (height - 1) / 2)`. The same numbers move the pixels and the points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Warp {
    /// Rows of M; from old to new.
    matrix: [[f64; 2]; 2],
    /// Rows of the inverse of M.
    inverse: [[f64; 2]; 2],
    center: [f64; 2],
    shift: [f64; 2],
}

impl Warp {
    /// `rotation_rad` turns clockwise on the screen, `scale` above 1 enlarges (it must be positive), `shift_px` moves right and
    /// down, `mirror` is applied before the rotation: `[left-right, top-bottom]`.
    pub fn new(size_px: [usize; 2], rotation_rad: f64, scale: f64, shift_px: [f64; 2], mirror: [bool; 2]) -> Self {
        let (sin, cos) = rotation_rad.sin_cos();
        let sign = mirror.map(|m| if m { -1.0 } else { 1.0 });
        let matrix = [[scale * cos * sign[0], -scale * sin * sign[1]], [scale * sin * sign[0], scale * cos * sign[1]]];
        // (S R F)^-1 = F R^T / s, because mirrors are their own inverse.
        let inverse = [[cos * sign[0] / scale, sin * sign[0] / scale], [-sin * sign[1] / scale, cos * sign[1] / scale]];
        let center = size_px.map(|side| (side as f64 - 1.0) / 2.0);
        Self { matrix, inverse, center, shift: shift_px }
    }

    /// Where a point goes; NaN stays NaN.
    pub fn point(&self, point: Point) -> Point {
        let from = [f64::from(point[0]) - self.center[0], f64::from(point[1]) - self.center[1]];
        [0, 1].map(|i| (dot(self.matrix[i], from) + self.center[i] + self.shift[i]) as f32)
    }

    /// Where a pixel of the new image comes from.
    fn source(&self, x: f64, y: f64) -> [f64; 2] {
        let to = [x - self.center[0] - self.shift[0], y - self.center[1] - self.shift[1]];
        [0, 1].map(|i| dot(self.inverse[i], to) + self.center[i])
    }

    /// Whether nothing moves.
    pub fn is_identity(&self) -> bool {
        self.matrix == [[1.0, 0.0], [0.0, 1.0]] && self.shift == [0.0, 0.0]
    }

    /// The warped image, of the same size: every new pixel is sampled once, bilinearly, with black outside.
    pub fn image(&self, image: &Image) -> Image {
        let mut warped = image.clone();
        if !self.is_identity() {
            match image.channels() {
                1 => self.fill::<1>(image, &mut warped),
                _ => self.fill::<3>(image, &mut warped),
            }
        }
        warped
    }

    fn fill<const CHANNELS: usize>(&self, image: &Image, warped: &mut Image) {
        let width = image.width_px();
        let view = View { width, height: image.height_px(), pixels: image.pixels().as_chunks::<CHANNELS>().0 };
        let step = [self.inverse[0][0], self.inverse[1][0]].map(fixed);
        let rows = warped.pixels_mut().as_chunks_mut::<CHANNELS>().0.chunks_exact_mut(width);
        for (y, row) in rows.enumerate() {
            let [mut column, mut line] = self.source(0.0, y as f64).map(fixed);
            for pixel in row {
                *pixel = view.sample(column, line);
                column += step[0];
                line += step[1];
            }
        }
    }
}

/// 32 bits after the point: over the longest row, rounding the step adds up to 2e-6 pixels.
fn fixed(value: f64) -> i64 {
    (value * (1_i64 << 32) as f64) as i64
}

fn dot(a: [f64; 2], b: [f64; 2]) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

struct View<'a, const CHANNELS: usize> {
    width: usize,
    height: usize,
    pixels: &'a [[u8; CHANNELS]],
}

impl<const CHANNELS: usize> View<'_, CHANNELS> {
    /// Bilinear between the four pixels around a place given in fixed point; those outside count as black.
    fn sample(&self, column: i64, line: i64) -> [u8; CHANNELS] {
        let fraction = |v: i64| ((v >> 8) & 0xFF_FFFF) as f32 / (1 << 24) as f32;
        let (left, top) = ((column >> 32) as isize, (line >> 32) as isize);
        let (s, t) = (fraction(column), fraction(line));
        // Negative numbers become huge, so one comparison checks both ends.
        let corners = if (left as usize) < self.width - 1 && (top as usize) < self.height - 1 {
            let start = top as usize * self.width + left as usize;
            let (upper, lower) = (&self.pixels[start..start + 2], &self.pixels[start + self.width..start + self.width + 2]);
            [upper[0], upper[1], lower[0], lower[1]]
        } else if left < -1 || top < -1 || left >= self.width as isize || top >= self.height as isize {
            return [0; CHANNELS];
        } else {
            [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(i, j)| self.or_black(left + i, top + j))
        };
        std::array::from_fn(|c| {
            let [a, b, d, e] = corners.map(|pixel| f32::from(pixel[c]));
            let (upper, lower) = (a + s * (b - a), d + s * (e - d));
            (upper + t * (lower - upper) + 0.5) as u8
        })
    }

    fn or_black(&self, x: isize, y: isize) -> [u8; CHANNELS] {
        let inside = x >= 0 && y >= 0 && x < self.width as isize && y < self.height as isize;
        if inside { self.pixels[y as usize * self.width + x as usize] } else { [0; CHANNELS] }
    }
}
