use super::*;
use hdf5_pure::{AttrValue, FileBuilder, make_i8_type};
use image::{ImageFormat, RgbImage};
use std::io::Cursor;

fn shared(path: &str) -> std::path::PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(path)
}

fn png(red: u8) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    RgbImage::from_pixel(3, 2, image::Rgb([red, 20, 30])).write_to(&mut out, ImageFormat::Png).unwrap();
    out.into_inner()
}

/// A package in the padded form, with frames 40 and 7.
fn package(path: &Path, order: Option<&str>) {
    let images = [png(10), png(11)];
    let width = images.iter().map(Vec::len).max().unwrap();
    let rows: Vec<u8> = images.iter().flat_map(|image| image.iter().copied().chain(std::iter::repeat(0)).take(width)).collect();
    let mut file = FileBuilder::new();
    let mut group = file.create_group("video0");
    let dataset = group.create_dataset("video");
    dataset.with_raw_data(make_i8_type(), rows, 2 * width as u64).with_shape(&[2, width as u64]);
    dataset.set_attr("format", AttrValue::String("png".into()));
    if let Some(order) = order {
        dataset.set_attr("channel_order", AttrValue::String(order.into()));
    }
    group.create_dataset("frame_numbers").with_i64_data(&[40, 7]);
    file.add_group(group.finish());
    file.write(path).unwrap();
}

#[test]
fn padded_images_by_original_number_and_colour_order() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("p.pkg.slp");
    let first = |stored: Option<&str>, order, gray| {
        package(&path, stored);
        let mut video = EmbeddedImages::open(&path, "video0/video", false, gray, order).unwrap();
        assert_eq!((video.len(), video.width_px(), video.height_px()), (Some(2), 3, 2));
        assert_eq!(video.frame_numbers(), Some(&[40, 7][..]));
        assert!(video.frame(0).unwrap_err().to_string().contains("not embedded"));
        video.frame(7).unwrap().pixels()[..3].to_vec()
    };
    assert_eq!(first(Some("RGB"), None, false), [11, 20, 30]);
    assert_eq!(first(Some("BGR"), None, false), [30, 20, 11]);
    assert_eq!(first(None, None, false), [30, 20, 11], "SLEAP itself writes no order and exchanges red and blue");
    assert_eq!(first(None, Some(ChannelOrder::Rgb), false), [11, 20, 30]);
    assert_eq!(first(Some("RGB"), Some(ChannelOrder::Bgr), false), [30, 20, 11]);
    assert_eq!(first(Some("RGB"), None, true), [11, 11, 11]);
}

#[test]
fn raw_pixels_of_both_orders_of_axes() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x.h5");
    // Pixel value = 100 channel + 10 y + x, two frames, height 2, width 3, 1 channel or 2 x 3 in 3 channels.
    let value = |channel: u8, y: u8, x: u8| 100 * channel + 10 * y + x;
    let last: Vec<u8> = (0..2).flat_map(|y| (0..3).flat_map(move |x| (0..3).map(move |c| value(c % 2, y, x) + c / 2))).collect();
    let first: Vec<u8> = (0..3).flat_map(|c| (0..3).flat_map(move |x| (0..2).map(move |y| value(c % 2, y, x) + c / 2))).collect();
    let mut file = FileBuilder::new();
    file.create_dataset("last").with_u8_data(&last).with_shape(&[1, 2, 3, 3]);
    file.create_dataset("first").with_u8_data(&first).with_shape(&[1, 3, 3, 2]);
    file.create_dataset("five").with_u8_data(&[0; 10]).with_shape(&[1, 1, 2, 5]);
    file.create_dataset("float").with_f64_data(&[0.0; 4]).with_shape(&[1, 2, 2, 1]);
    file.write(&path).unwrap();
    for (place, channels_first) in [("last", false), ("first", true)] {
        let mut video = EmbeddedImages::open(&path, place, channels_first, false, None).unwrap();
        let image = video.frame(0).unwrap();
        assert_eq!((image.width_px(), image.height_px(), image.channels()), (3, 2, 3));
        assert_eq!(image.pixels(), last, "{place}: raw pixels are red, green, blue");
        assert!(video.frame(1).is_err());
    }
    for place in ["five", "float", "absent"] {
        assert!(EmbeddedImages::open(&path, place, false, false, None).is_err(), "{place}");
    }
}

#[test]
fn damaged_packages_never_panic() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("p.pkg.slp");
    package(&path, None);
    let whole = std::fs::read(&path).unwrap();
    for step in 0..whole.len() / 7 {
        let mut damaged = whole.clone();
        damaged[step * 7] ^= 0xFF;
        std::fs::write(&path, &damaged).unwrap();
        if let Ok(mut video) = EmbeddedImages::open(&path, "video0/video", false, false, None) {
            let _ = video.frame(7);
        }
    }
}

/// The image of `minimal_instance.pkg.slp` is a variable-length row of 19,460 bytes (reference T, section 1.4), a PNG of 384 x 384.
#[test]
#[ignore = "needs ../shared/data"]
fn a_heap_row_of_real_data() {
    let path = shared("flies/minimal_instance.pkg.slp");
    let stored = StoredImages::open(&path, "video0/video", false).unwrap();
    let StoredImage::Encoded(bytes) = stored.image(0).unwrap() else { panic!("encoded") };
    assert_eq!((bytes.len(), &bytes[..8]), (19_460, &b"\x89PNG\r\n\x1a\n"[..]));
    let mut video = EmbeddedImages::open(&path, "video0/video", false, true, None).unwrap();
    let image = video.frame(0).unwrap();
    assert_eq!((image.width_px(), image.height_px(), image.channels()), (384, 384, 1));
    let whole = std::fs::read(&path).unwrap();
    let temp = tempfile::tempdir().unwrap();
    let damaged_path = temp.path().join("d.slp");
    for step in 0..300 {
        let mut damaged = whole.clone();
        damaged[step * 37 % 20_000] ^= 0x55;
        std::fs::write(&damaged_path, &damaged).unwrap();
        if let Ok(mut video) = EmbeddedImages::open(&damaged_path, "video0/video", false, true, None) {
            let _ = video.frame(0);
        }
    }
}

/// The package was made from `centered_pair.mp4` without loss, so its images are that video's frames.
#[test]
#[ignore = "needs ffmpeg and ../shared/data"]
fn package_images_are_the_videos_frames() {
    let mut package = EmbeddedImages::open(&shared("flies/flies.val.pkg.slp"), "video0/video", false, true, None).unwrap();
    let numbers = package.frame_numbers().unwrap().to_vec();
    assert_eq!((numbers.len(), numbers[0], numbers[1]), (20, 32, 81));
    let mut video = super::super::ffmpeg::MediaFile::open(&shared("flies/centered_pair.mp4"), true).unwrap();
    for number in numbers {
        assert_eq!(package.frame(number).unwrap(), video.frame(number).unwrap(), "frame {number}");
    }
}
