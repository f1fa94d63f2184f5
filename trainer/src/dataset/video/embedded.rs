//! Images inside an HDF5 file as a video.

use super::decode::{decode_picture, first_channel, swap_red_and_blue};
use super::open::{ChannelOrder, FrameSource};
use crate::dataset::image::Image;
use crate::dataset::slp::embedded::{StoredImage, StoredImages};
use crate::dataset::slp::file::guarded;
use crate::error::Result;
use std::collections::HashMap;
use std::path::Path;

/// The images of one video of a package.
pub(super) struct EmbeddedImages {
    images: StoredImages,
    row_of_frame: Option<HashMap<u64, u64>>,
    order: Option<ChannelOrder>,
    gray: bool,
    width_px: usize,
    height_px: usize,
}

impl EmbeddedImages {
    /// Opens the dataset `place` of `path`.
    pub(super) fn open(path: &Path, place: &str, channels_first: bool, gray: bool, order: Option<ChannelOrder>) -> Result<Self> {
        let images = guarded(path, || StoredImages::open(path, place, channels_first))?;
        let rows = images.frame_numbers.as_ref().map(|numbers| numbers.iter().copied().zip(0..).collect());
        let stated = images.stated_size.map(|(height, width)| (height as usize, width as usize));
        let mut source = Self { images, row_of_frame: rows, order, gray, width_px: 0, height_px: 0 };
        // The attributes may be missing or wrong; an image knows its size.
        let (height_px, width_px) = match source.images.len() {
            0 => stated.unwrap_or_default(),
            _ => source.row(0).map(|image| (image.height_px(), image.width_px()))?,
        };
        source.width_px = width_px;
        source.height_px = height_px;
        Ok(source)
    }

    fn row(&self, row: u64) -> Result<Image> {
        let stored = guarded(self.images.path(), || self.images.image(row))?;
        let bad = |what: String| self.images.bad_row(row, what);
        // Raw pixels are stored as they are; encoders of old SLEAP versions took red for blue.
        let (mut image, assumed) = match stored {
            StoredImage::Encoded(bytes) => (decode_picture(&bytes).map_err(bad)?, true),
            StoredImage::Raw([height, width, channels], pixels) => {
                let image = Image::new(width, height, channels, pixels);
                (image.ok_or_else(|| bad(format!("{width} x {height} pixels of {channels} channels are not supported")))?, false)
            }
        };
        let stored_bgr = self.images.stored_bgr.unwrap_or(assumed);
        if self.order.map_or(stored_bgr, |order| order == ChannelOrder::Bgr) {
            swap_red_and_blue(&mut image);
        }
        Ok(if self.gray { first_channel(image) } else { image })
    }
}

impl FrameSource for EmbeddedImages {
    fn len(&self) -> Option<u64> {
        Some(self.images.len())
    }

    fn width_px(&self) -> usize {
        self.width_px
    }

    fn height_px(&self) -> usize {
        self.height_px
    }

    fn frame(&mut self, index: u64) -> Result<Image> {
        let row = match &self.row_of_frame {
            Some(rows) => rows
                .get(&index)
                .copied()
                .ok_or_else(|| self.images.bad(format!("frame {index} is labelled, but its image is not embedded")))?,
            None => index,
        };
        self.row(row)
    }

    fn frame_numbers(&self) -> Option<&[u64]> {
        self.images.frame_numbers.as_deref()
    }
}

#[cfg(test)]
#[path = "embedded_tests.rs"]
mod tests;
