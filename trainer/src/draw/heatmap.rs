//! Confidence maps over a frame.

use super::canvas::Rgb;
use super::palette::heat;
use super::poses::enlargement;
use crate::dataset::image::Image;
use crate::error::{Error, Result};

/// Shows the largest value over all channels of `maps` (shape `[channels, map_height, map_width]`, values 0 to 1) as a colour over
/// the gray frame, enlarged like [`super::draw_poses`]. Cell `(i, j)` lies at frame pixel `(i, j) * stride_px`; `stride_px` is the
/// map's stride divided by the input scale.
///
/// # Errors
/// [`Error::Data`] when the maps do not have whole channels or the stride is not positive.
pub fn draw_heatmap(image: &Image, maps: &[f32], map_size: [usize; 2], stride_px: f32, least_width_px: usize) -> Result<Image> {
    let [map_w, map_h] = map_size;
    let cells = map_w.saturating_mul(map_h);
    if cells == 0 || maps.is_empty() || !maps.len().is_multiple_of(cells) || !(stride_px > 0.0 && stride_px.is_finite()) {
        return Err(Error::Data(format!("{} map values do not form channels of {map_w} x {map_h} cells", maps.len())));
    }
    let mut strongest = vec![0.0_f32; cells];
    for map in maps.chunks_exact(cells) {
        strongest.iter_mut().zip(map).for_each(|(most, &value)| *most = most.max(value));
    }
    let factor = enlargement(image, least_width_px);
    let mut picture = Rgb::new(image.width_px() * factor, image.height_px() * factor)?;
    picture.put(image, factor, (0, 0));
    let place = |target: usize, side: usize| {
        let cell = (((target as f32 + 0.5) / factor as f32 - 0.5) / stride_px).clamp(0.0, (side - 1) as f32);
        let first = cell as usize;
        (first, (first + 1).min(side - 1), cell - first as f32)
    };
    let columns: Vec<_> = (0..picture.width_px).map(|x| place(x, map_w)).collect();
    for (y, row) in picture.pixels.chunks_exact_mut(columns.len()).enumerate() {
        let (top, bottom, t) = place(y, map_h);
        for (pixel, &(left, right, s)) in row.iter_mut().zip(&columns) {
            let value = |i: usize, j: usize| strongest[j * map_w + i];
            let upper = value(left, top) + s * (value(right, top) - value(left, top));
            let lower = value(left, bottom) + s * (value(right, bottom) - value(left, bottom));
            let level = (upper + t * (lower - upper)).clamp(0.0, 1.0);
            let alpha = (level * 1.6).min(0.85);
            let color = heat(level);
            for (old, new) in pixel.iter_mut().zip(color) {
                *old = (f32::from(*old) * (1.0 - alpha) + f32::from(new) * alpha + 0.5) as u8;
            }
        }
    }
    picture.into_image()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_bright_where_the_cell_lies() {
        let image = Image::new(32, 16, 1, vec![40; 512]).unwrap();
        let mut maps = vec![0.0; 2 * 8 * 4];
        maps[32 + 8 + 5] = 1.0; // channel 1, row 1, column 5: frame pixel (20, 4)
        let drawn = draw_heatmap(&image, &maps, [8, 4], 4.0, 32).unwrap();
        let brightest =
            drawn.pixels().chunks_exact(3).enumerate().max_by_key(|(_, p)| p.iter().map(|&v| u32::from(v)).sum::<u32>());
        assert_eq!(brightest.unwrap().0, 4 * 32 + 20);
        assert!(draw_heatmap(&image, &maps[1..], [8, 4], 4.0, 32).is_err());
    }
}
