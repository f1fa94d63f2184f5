//! Colour coercion of one row.

use crate::frame::PixelFormat;

/// Luma weights of R, G and B in 1/65536 (0.2989, 0.5870, 0.1140: ITU-R BT.601 as TensorFlow and torchvision round them).
const LUMA: [u32; 3] = [19_589, 38_470, 7_471];

/// Gray values of a row, rounded to the nearest level.
pub(super) fn gray_from_row(format: PixelFormat, row: &[u8], gray: &mut [u8]) {
    if format == PixelFormat::Gray8 {
        gray.copy_from_slice(row);
        return;
    }
    let [r, g, b] = format.rgb_offsets();
    for (out, pixel) in gray.iter_mut().zip(row.chunks_exact(format.bytes_per_pixel())) {
        let luma = LUMA[0] * u32::from(pixel[r]) + LUMA[1] * u32::from(pixel[g]) + LUMA[2] * u32::from(pixel[b]);
        *out = ((luma + 32_768) >> 16) as u8;
    }
}

/// One of red (0), green (1) and blue (2) of a row; gray frames give their gray value for each.
pub(super) fn channel_from_row(format: PixelFormat, row: &[u8], channel: usize, out: &mut [u8]) {
    let offset = format.rgb_offsets()[channel];
    for (out, pixel) in out.iter_mut().zip(row.chunks_exact(format.bytes_per_pixel())) {
        *out = pixel[offset];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_is_that_of_the_named_weights() {
        for pixel in [[255_u8, 0, 0], [0, 255, 0], [0, 0, 255], [10, 200, 37], [255, 255, 255]] {
            let exact = 0.2989 * f64::from(pixel[0]) + 0.5870 * f64::from(pixel[1]) + 0.1140 * f64::from(pixel[2]);
            let mut gray = [0];
            gray_from_row(PixelFormat::Rgb8, &pixel, &mut gray);
            assert!((f64::from(gray[0]) - exact).abs() <= 0.501, "{pixel:?}: {gray:?} for {exact}");
        }
    }

    #[test]
    fn order_and_alpha_are_respected() {
        let mut out = [0; 2];
        channel_from_row(PixelFormat::Bgra8, &[1, 2, 3, 9, 4, 5, 6, 9], 0, &mut out);
        assert_eq!(out, [3, 6]);
        channel_from_row(PixelFormat::Rgb8, &[1, 2, 3, 4, 5, 6], 2, &mut out);
        assert_eq!(out, [3, 6]);
        channel_from_row(PixelFormat::Gray8, &[7, 8], 1, &mut out);
        assert_eq!(out, [7, 8]);
    }
}
