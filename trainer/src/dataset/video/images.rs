//! Image files as a video: one file per frame.

use super::decode::{decode_picture, first_channel};
use super::open::FrameSource;
use crate::dataset::image::Image;
use crate::error::{Error, Result};
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

/// Endings of file names that are taken for images.
const ENDINGS: &[&str] = &["png", "jpg", "jpeg", "bmp", "tif", "tiff"];
/// Larger files are not images of at most 16384 x 16384 pixels.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Whether the name ends like that of an image.
pub fn is_image_file(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// All images of a folder in natural order.
pub fn images_in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Error::io("list", folder, e))? {
        let path = entry.map_err(|e| Error::io("list", folder, e))?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if is_image_file(&path) && !hidden && path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() {
        let what = format!("the folder holds no images ({})", ENDINGS.join(", "));
        return Err(Error::Video { path: folder.to_path_buf(), what });
    }
    files.sort_by(|a, b| natural_order(&a.to_string_lossy(), &b.to_string_lossy()).then_with(|| a.cmp(b)));
    Ok(files)
}

/// Compares runs of digits by their value, everything else by character.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) {
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (number_a, rest_a) = split_number(a);
            let (number_b, rest_b) = split_number(b);
            (a, b) = (rest_a, rest_b);
            // Without leading zeros the longer number is the larger one; no value is too long for this.
            number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b))
        } else {
            (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]);
            x.cmp(&y)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// The digits at the start, without leading zeros, and the rest.
fn split_number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].trim_start_matches('0'), &text[end..])
}

/// One image file per frame.
pub(super) struct ImageFiles {
    files: Vec<PathBuf>,
    gray: bool,
    width_px: usize,
    height_px: usize,
}

impl ImageFiles {
    /// Opens the list; the first image gives the size.
    pub(super) fn open(files: Vec<PathBuf>, gray: bool) -> Result<Self> {
        let Some(first) = files.first() else {
            return Err(Error::Video { path: PathBuf::new(), what: "the list of images is empty".into() });
        };
        let image = read_image(first, gray)?;
        Ok(Self { gray, width_px: image.width_px(), height_px: image.height_px(), files })
    }
}

fn read_image(path: &Path, gray: bool) -> Result<Image> {
    let fail = |what: String| Error::Video { path: path.to_path_buf(), what };
    let len = std::fs::metadata(path).map_err(|e| Error::io("read", path, e))?.len();
    if len > MAX_FILE_BYTES {
        return Err(fail(format!("an image of {len} bytes is too large")));
    }
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    let image = decode_picture(&bytes).map_err(fail)?;
    Ok(if gray { first_channel(image) } else { image })
}

impl FrameSource for ImageFiles {
    fn len(&self) -> Option<u64> {
        Some(self.files.len() as u64)
    }

    fn width_px(&self) -> usize {
        self.width_px
    }

    fn height_px(&self) -> usize {
        self.height_px
    }

    fn frame(&mut self, index: u64) -> Result<Image> {
        let file = usize::try_from(index).ok().and_then(|index| self.files.get(index));
        let file = file.ok_or_else(|| Error::Video {
            path: self.files[0].clone(),
            what: format!("there is no frame {index}: the video consists of {} images", self.files.len()),
        })?;
        read_image(file, self.gray)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_by_value() {
        let mut names = ["f10.png", "f2.png", "f02b.png", "f1.png", "g", "f", "f99999999999999999999999.png"];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(names, ["f", "f1.png", "f2.png", "f02b.png", "f10.png", "f99999999999999999999999.png", "g"]);
    }

    #[test]
    fn a_folder_is_a_video() {
        let temp = tempfile::tempdir().unwrap();
        for (name, shade) in [("im 10.png", 10u8), ("im 9.png", 9), ("im 100.PNG", 100)] {
            let picture = image::RgbImage::from_pixel(4, 3, image::Rgb([shade, 0, 7]));
            picture.save_with_format(temp.path().join(name), image::ImageFormat::Png).unwrap();
        }
        std::fs::write(temp.path().join("notes.txt"), "x").unwrap();
        std::fs::write(temp.path().join(".hidden.png"), "x").unwrap();
        let mut video = ImageFiles::open(images_in_folder(temp.path()).unwrap(), false).unwrap();
        assert_eq!((video.len(), video.width_px(), video.height_px()), (Some(3), 4, 3));
        let first: Vec<u8> = (0..3).map(|i| video.frame(i).unwrap().pixels()[0]).collect();
        assert_eq!(first, [9, 10, 100]);
        assert!(video.frame(3).is_err());
        assert_eq!(ImageFiles::open(video.files.clone(), true).unwrap().frame(2).unwrap().pixels()[..2], [100, 100]);
        assert!(images_in_folder(&temp.path().join("no")).is_err());
    }
}
