//! Images that are not 8-bit gray or colour, and images that are none, from the labels file to the sample.

use super::test_support::PlainFile;
use super::{VideoSearch, read_labels};
use crate::dataset::{Image, LabeledSamples, SampleOptions, SampleSource};
use crate::error::Result;
use image::{DynamicImage, ImageFormat};
use std::io::Cursor;
use std::path::Path;

const EMBEDDED: &str = r#"{"backend": {"type": "HDF5Video", "filename": ".", "dataset": "video0/video"}}"#;

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.into().write_to(&mut out, format).unwrap();
    out.into_inner()
}

fn external(path: &Path) -> String {
    format!(r#"{{"backend": {{"type": "ImageVideo", "filename": {:?}}}}}"#, path.to_str().unwrap())
}

/// The images of the labelled frames (video, frame number), which have one animal each.
fn images(folder: &Path, images: Vec<Vec<u8>>, videos: Vec<String>, frames: &[(u32, u32)]) -> Result<Vec<Image>> {
    let path = folder.join("odd.slp");
    let mut file = PlainFile { images, videos, frames: vec![], instances: vec![], points: vec![], ..PlainFile::default() };
    for (row, &(video, number)) in frames.iter().enumerate() {
        let row = row as f64;
        file.frames.extend([row, f64::from(video), f64::from(number), row, row + 1.0]);
        file.instances.extend([row, 0.0, row, 0.0, -1.0, -1.0, 0.0, 2.0 * row, 2.0 * row + 2.0]);
        file.points.extend([1.0, 0.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0]);
    }
    file.write(&path);
    let samples = LabeledSamples::open(read_labels(&path, &VideoSearch::default())?, &SampleOptions::default(), &mut |_, _| {})?;
    assert_eq!(samples.len(), frames.len());
    (0..samples.len()).map(|index| Ok(samples.sample(index)?.image)).collect()
}

#[test]
fn depths_and_channels_become_8_bit_gray_or_colour() {
    let deep = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(4, 1, vec![0, 257, 0x8080, 0xFFFF]).unwrap();
    let deep_colour = image::ImageBuffer::<image::Rgb<u16>, _>::from_raw(1, 1, vec![257, 514, 0xFFFF]).unwrap();
    let gray_alpha = image::ImageBuffer::<image::LumaA<u8>, _>::from_raw(2, 1, vec![9, 0, 8, 255]).unwrap();
    let colour = image::RgbImage::from_raw(1, 2, vec![1, 2, 3, 4, 5, 6]).unwrap();
    let colour_alpha = image::RgbaImage::from_raw(2, 1, vec![10, 20, 30, 0, 40, 50, 60, 255]).unwrap();
    let stored: Vec<Vec<u8>> =
        [DynamicImage::from(deep), deep_colour.into(), gray_alpha.into(), colour.into(), colour_alpha.into()]
            .into_iter()
            .map(|picture| encoded(picture, ImageFormat::Png))
            .collect();
    let expected: [(usize, usize, &[u8]); 5] = [
        (4, 1, &[0, 1, 128, 255]),
        (1, 3, &[1, 2, 255]),
        (2, 1, &[9, 8]),
        (1, 3, &[1, 2, 3, 4, 5, 6]),
        (2, 3, &[10, 20, 30, 40, 50, 60]),
    ];
    let temp = tempfile::tempdir().unwrap();
    // Each kind inside the labels file, and as a file beside it: the same file has both.
    let mut videos = vec![EMBEDDED.to_owned()];
    let mut frames: Vec<(u32, u32)> = (10..15).map(|number| (0, number)).collect();
    for (index, bytes) in (0..).zip(&stored) {
        let path = temp.path().join(format!("{index}.png"));
        std::fs::write(&path, bytes).unwrap();
        videos.push(external(&path));
        frames.push((index + 1, 0));
    }
    let found = images(temp.path(), stored, videos, &frames).unwrap();
    for (index, image) in found.iter().enumerate() {
        let (width, channels, pixels) = expected[index % 5];
        assert_eq!((image.width_px(), image.channels(), image.pixels()), (width, channels, pixels), "image {index}");
    }
}

#[test]
fn images_that_are_none_are_named_with_their_frame() {
    let noise = image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([(x * 37 + y * 91) as u8, (x * y) as u8, (y * 13) as u8]));
    let whole = encoded(noise.clone(), ImageFormat::Png);
    let photo = encoded(noise, ImageFormat::Jpeg);
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let mut no_width = whole.clone();
    // Width in the first chunk, IHDR.
    no_width[16..20].fill(0);
    let broken = [vec![], vec![0; 9], half(&whole), half(&photo), no_width, b"no image at all".to_vec()];
    let temp = tempfile::tempdir().unwrap();
    for bytes in broken {
        let inside = images(temp.path(), vec![whole.clone(), bytes.clone()], vec![EMBEDDED.to_owned()], &[(0, 10), (0, 11)]);
        let message = inside.unwrap_err().to_string();
        assert!(message.contains("odd.slp: video0/video row 1 (frame 11): "), "{message}");
        let path = temp.path().join("alone.png");
        std::fs::write(&path, &bytes).unwrap();
        let message = images(temp.path(), vec![], vec![external(&path)], &[(0, 0)]).unwrap_err().to_string();
        assert!(message.contains("alone.png: ") && message.contains("image"), "{message}");
    }
    // A frame that is labelled, but whose image was not put into the package.
    let message = images(temp.path(), vec![whole], vec![EMBEDDED.to_owned()], &[(0, 12)]).unwrap_err().to_string();
    assert!(message.contains("frame 12 is labelled, but its image is not embedded"), "{message}");
}
