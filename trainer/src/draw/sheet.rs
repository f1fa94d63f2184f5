//! Many pictures on one sheet.

use super::canvas::Rgb;
use crate::dataset::image::Image;
use crate::error::{Error, Result};

/// Pixels between pictures and around them.
const GAP_PX: usize = 6;

/// Arranges pictures in rows of `columns`, in cells of the largest width and height.
///
/// # Errors
/// [`Error::Data`] when there is no picture, or the sheet would have a side of more than 16384 pixels.
pub fn contact_sheet(images: &[Image], columns: usize) -> Result<Image> {
    let columns = columns.clamp(1, images.len().max(1));
    let cell_w = images.iter().map(Image::width_px).max().unwrap_or(0);
    let cell_h = images.iter().map(Image::height_px).max().unwrap_or(0);
    if images.is_empty() {
        return Err(Error::Data("a contact sheet needs at least one picture".to_owned()));
    }
    let rows = images.len().div_ceil(columns);
    let mut sheet = Rgb::new(columns * (cell_w + GAP_PX) + GAP_PX, rows * (cell_h + GAP_PX) + GAP_PX)?;
    for (i, image) in images.iter().enumerate() {
        let corner = (GAP_PX + i % columns * (cell_w + GAP_PX), GAP_PX + i / columns * (cell_h + GAP_PX));
        sheet.put(image, 1, corner);
    }
    sheet.into_image()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_has_its_cell() {
        let images = [
            Image::new(4, 3, 1, vec![200; 12]).unwrap(),
            Image::new(2, 5, 3, vec![9; 30]).unwrap(),
            Image::new(1, 1, 1, vec![255]).unwrap(),
        ];
        let sheet = contact_sheet(&images, 2).unwrap();
        assert_eq!((sheet.width_px(), sheet.height_px(), sheet.channels()), (26, 28, 3));
        let at = |x: usize, y: usize| sheet.pixels()[(y * 26 + x) * 3];
        assert_eq!([at(6, 6), at(9, 8), at(16, 6), at(17, 10), at(6, 17)], [200, 200, 9, 9, 255]);
        assert!(contact_sheet(&[], 2).is_err());
    }
}
