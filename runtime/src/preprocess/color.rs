//! Colour coercion of one row.

use crate::config::InputColor;
use crate::frame::PixelFormat;

/// Luma weights of R, G and B in 1/65536 (0.2989, 0.5870, 0.1140: ITU-R BT.601 as TensorFlow and torchvision round them).
const LUMA: [u32; 3] = [19_589, 38_470, 7_471];

/// One input channel of a row of pixels as bytes: the luma rounded to the nearest level for a gray input, else red (0),
/// green (1) or blue (2). Gray frames give their gray value for each.
pub(super) fn levels_from_row(format: PixelFormat, color: InputColor, channel: usize, row: &[u8], out: &mut [u8]) {
    // One loop per layout: with sizes and offsets known the compiler unrolls and drops the bounds checks.
    match (color, format) {
        (_, PixelFormat::Gray8) => out.copy_from_slice(row),
        (InputColor::Gray, PixelFormat::Rgb8) => map_pixels(row, out, |&[r, g, b]: &[u8; 3]| luma(r, g, b)),
        (InputColor::Gray, PixelFormat::Bgr8) => map_pixels(row, out, |&[b, g, r]: &[u8; 3]| luma(r, g, b)),
        (InputColor::Gray, PixelFormat::Rgba8) => map_pixels(row, out, |&[r, g, b, _]: &[u8; 4]| luma(r, g, b)),
        (InputColor::Gray, PixelFormat::Bgra8) => map_pixels(row, out, |&[b, g, r, _]: &[u8; 4]| luma(r, g, b)),
        (InputColor::Rgb, _) => match (format.bytes_per_pixel(), format.rgb_offsets()[channel]) {
            (3, 0) => map_pixels(row, out, |p: &[u8; 3]| p[0]),
            (3, 1) => map_pixels(row, out, |p: &[u8; 3]| p[1]),
            (3, _) => map_pixels(row, out, |p: &[u8; 3]| p[2]),
            (_, 0) => map_pixels(row, out, |p: &[u8; 4]| p[0]),
            (_, 1) => map_pixels(row, out, |p: &[u8; 4]| p[1]),
            (_, _) => map_pixels(row, out, |p: &[u8; 4]| p[2]),
        },
    }
}

fn luma(r: u8, g: u8, b: u8) -> u8 {
    let sum = LUMA[0] * u32::from(r) + LUMA[1] * u32::from(g) + LUMA[2] * u32::from(b);
    ((sum + 32_768) >> 16) as u8
}

fn map_pixels<const SIZE: usize>(row: &[u8], out: &mut [u8], level: impl Fn(&[u8; SIZE]) -> u8) {
    let (pixels, _) = row.as_chunks::<SIZE>();
    out.iter_mut().zip(pixels).for_each(|(out, pixel)| *out = level(pixel));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_is_that_of_the_named_weights() {
        for pixel in [[255_u8, 0, 0], [0, 255, 0], [0, 0, 255], [10, 200, 37], [255, 255, 255]] {
            let exact = 0.2989 * f64::from(pixel[0]) + 0.5870 * f64::from(pixel[1]) + 0.1140 * f64::from(pixel[2]);
            let mut gray = [0];
            levels_from_row(PixelFormat::Rgb8, InputColor::Gray, 0, &pixel, &mut gray);
            assert!((f64::from(gray[0]) - exact).abs() <= 0.501, "{pixel:?}: {gray:?} for {exact}");
        }
    }

    #[test]
    fn order_and_alpha_are_respected() {
        let mut out = [0; 2];
        levels_from_row(PixelFormat::Bgra8, InputColor::Rgb, 0, &[1, 2, 3, 9, 4, 5, 6, 9], &mut out);
        assert_eq!(out, [3, 6]);
        levels_from_row(PixelFormat::Rgb8, InputColor::Rgb, 2, &[1, 2, 3, 4, 5, 6], &mut out);
        assert_eq!(out, [3, 6]);
        levels_from_row(PixelFormat::Gray8, InputColor::Rgb, 1, &[7, 8], &mut out);
        assert_eq!(out, [7, 8]);
    }
}
