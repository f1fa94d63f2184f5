//! A line of text on a picture.

use super::canvas::Rgb;
use super::palette::Color;
use super::text::{Font, shortened, write_outlined};
use crate::dataset::image::Image;
use crate::error::Result;

/// The picture with a caption in its upper left corner, dark-rimmed so that it can be read on any ground; a long one is cut.
///
/// # Errors
/// [`crate::Error::Data`] when the image is too large to be drawn on.
pub fn captioned(image: &Image, caption: &str, color: Color) -> Result<Image> {
    let mut picture = Rgb::new(image.width_px(), image.height_px())?;
    picture.put(image, 1, (0, 0));
    let most = image.width_px() / Font::BodyBold.width_px("x").max(1);
    write_outlined(&mut picture, (6, 4), &shortened(caption, most.saturating_sub(1)), Font::BodyBold, color);
    picture.into_image()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caption_is_on_top_and_the_rest_is_untouched() {
        let image = Image::new(80, 60, 3, vec![77; 80 * 60 * 3]).unwrap();
        let drawn = captioned(&image, "Frame 7", [230, 159, 0]).unwrap();
        let row = |y: usize| &drawn.pixels()[y * 240..(y + 1) * 240];
        assert!((5..20).any(|y| row(y).iter().any(|&v| v > 200)));
        assert!((24..60).all(|y| row(y).iter().all(|&v| v == 77)));
        assert!(captioned(&Image::new(1, 1, 1, vec![0]).unwrap(), &"x".repeat(999), [1, 2, 3]).is_ok());
    }
}
