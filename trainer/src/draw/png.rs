//! PNG files.

use crate::dataset::image::Image;
use crate::error::{Error, Result};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Writes an image as PNG. The file appears complete or not at all: it is written beside its place and then renamed.
///
/// # Errors
/// [`Error::Io`] when the folder cannot be written to.
pub fn save_png(image: &Image, path: &Path) -> Result<()> {
    let color = if image.channels() == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(image.pixels(), image.width_px() as u32, image.height_px() as u32, color)
        .map_err(|fault| Error::Data(format!("the picture for {} cannot be encoded: {fault}", path.display())))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let written = File::create(&beside).and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()));
    let placed = written.and_then(|()| fs::rename(&beside, path));
    placed.map_err(|source| {
        // The first fault is the one to report; a leftover is only untidy.
        let _ = fs::remove_file(&beside);
        Error::io("write", path, source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_reads_back_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        for channels in [1, 3] {
            let image = Image::new(5, 4, channels, (0..20 * channels as u8).collect()).unwrap();
            save_png(&image, &path).unwrap();
            let back = image::open(&path).unwrap();
            assert_eq!(back.as_bytes(), image.pixels());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let image = Image::new(1, 1, 1, vec![0]).unwrap();
        assert!(save_png(&image, &folder.path().join("none").join("a.png")).is_err());
        assert!(save_png(&image, Path::new("/")).is_err());
    }
}
