//! From an encoded picture to an [`Image`].

use crate::dataset::image::Image;
use dormouse::Frame;
use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// No picture needs more memory than this while it is decoded (16384 x 16384 in colour is 768 MiB).
const MAX_DECODER_BYTES: u64 = 1 << 30;

/// Decodes a PNG, JPEG, BMP or TIFF file (told by its content) to gray or red-green-blue; transparency is dropped.
pub(super) fn decode_picture(encoded: &[u8]) -> Result<Image, String> {
    // Packages fill their rows up with zeros: an image that is not there has nothing else.
    if encoded.iter().all(|&byte| byte == 0) {
        return Err("there is no image: it has no bytes, or zeros only".into());
    }
    let mut reader = ImageReader::new(Cursor::new(encoded)).with_guessed_format().map_err(|e| e.to_string())?;
    // The decoder fills what is missing of a photo with gray and says nothing.
    if reader.format() == Some(ImageFormat::Jpeg) && !is_whole_jpeg(encoded) {
        return Err("the image cannot be decoded: the file is cut off".into());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(Frame::MAX_SIDE_PX);
    limits.max_image_height = Some(Frame::MAX_SIDE_PX);
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);
    let picture = reader.decode().map_err(|e| format!("the image cannot be decoded: {e}"))?;
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let gray = matches!(
        picture,
        DynamicImage::ImageLuma8(_) | DynamicImage::ImageLumaA8(_) | DynamicImage::ImageLuma16(_) | DynamicImage::ImageLumaA16(_)
    );
    let image = if gray {
        Image::new(width, height, 1, picture.into_luma8().into_raw())
    } else {
        Image::new(width, height, 3, picture.into_rgb8().into_raw())
    };
    image.ok_or_else(|| format!("images of {width} x {height} pixels are not supported"))
}

/// Whether the data that the last scan of a JPEG file begins (marker FF DA) also has an end (FF D9). Neither occurs inside of the data,
/// where a zero follows every FF.
fn is_whole_jpeg(encoded: &[u8]) -> bool {
    let last = |marker: u8| encoded.windows(2).rposition(|pair| pair == [0xFF, marker]);
    matches!((last(0xDA), last(0xD9)), (Some(scan), Some(end)) if end > scan)
}

/// Only the first channel, which is what SLEAP keeps of videos marked as grayscale.
pub(super) fn first_channel(image: Image) -> Image {
    if image.channels() == 1 {
        return image;
    }
    let pixels: Vec<u8> = image.pixels().iter().step_by(image.channels()).copied().collect();
    Image::new(image.width_px(), image.height_px(), 1, pixels).unwrap_or(image)
}

/// Exchanges red and blue; gray stays as it is.
pub(super) fn swap_red_and_blue(image: &mut Image) {
    if image.channels() == 3 {
        for pixel in image.pixels_mut().chunks_exact_mut(3) {
            pixel.swap(0, 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels() {
        let mut image = Image::new(2, 1, 3, vec![1, 2, 3, 4, 5, 6]).unwrap();
        swap_red_and_blue(&mut image);
        assert_eq!(image.pixels(), [3, 2, 1, 6, 5, 4]);
        assert_eq!(first_channel(image).pixels(), [3, 6]);
    }

    #[test]
    fn decodes_png_with_padding_and_refuses_rubbish() {
        let mut png = Cursor::new(Vec::new());
        let picture = image::GrayImage::from_raw(3, 2, vec![0, 50, 100, 150, 200, 250]).unwrap();
        picture.write_to(&mut png, ImageFormat::Png).unwrap();
        let mut bytes = png.into_inner();
        bytes.extend([0; 100]);
        let image = decode_picture(&bytes).unwrap();
        assert_eq!((image.width_px(), image.height_px(), image.channels()), (3, 2, 1));
        assert_eq!(image.pixels(), [0, 50, 100, 150, 200, 250]);
        let mut photo = Cursor::new(Vec::new());
        image::GrayImage::from_pixel(40, 40, image::Luma([90])).write_to(&mut photo, ImageFormat::Jpeg).unwrap();
        let mut photo = photo.into_inner();
        assert!((0..photo.len()).all(|cut| decode_picture(&photo[..cut]).is_err()), "a photo that is cut off");
        photo.extend([7; 50]);
        assert_eq!(decode_picture(&photo).unwrap().width_px(), 40, "what follows the end does no harm");
        for cut in 0..bytes.len() - 100 {
            let _ = decode_picture(&bytes[..cut]);
        }
        assert!(decode_picture(&[]).is_err());
        assert!(decode_picture(&[0; 64]).is_err());
    }
}
