//! Images inside a package (`.pkg.slp`): which frames there are and their encoded bytes.

use super::file::{Hdf5File, MAX_DATASET_BYTES};
use super::vlen::{HeapReference, parse_references, read_heap_bytes};
use crate::error::Result;
use hdf5_pure::{AttrValue, Dataset, Datatype};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// The original video's entry, stored next to the images.
pub(super) fn source_entry(file: &Hdf5File, group: &str) -> Option<Value> {
    let attributes = file.group_attributes(&format!("{group}/source_video")).ok()?;
    serde_json::from_str(attributes.get("json")?.as_str()?).ok()
}

/// How the images are stored.
enum Rows {
    /// Rows of varying length on the global heap.
    Heap(Vec<HeapReference>),
    /// Encoded images, padded to the longest with zeros.
    Padded,
    /// Uncompressed: height, width, channels.
    Raw([usize; 3]),
}

/// One image as stored.
pub(crate) enum StoredImage {
    /// A PNG, JPEG, ... file.
    Encoded(Vec<u8>),
    /// Height, width, channels and interleaved bytes.
    Raw([usize; 3], Vec<u8>),
}

/// The images of one video of a package, or a plain 4-D array of pixels.
pub(crate) struct StoredImages {
    file: Hdf5File,
    dataset: Dataset,
    place: String,
    rows: Rows,
    channels_first: bool,
    len: u64,
    /// Original frame number of every row, where stored.
    pub(crate) frame_numbers: Option<Vec<u64>>,
    /// Whether the attribute `channel_order` says `BGR` (`true`) or `RGB` (`false`).
    pub(crate) stored_bgr: Option<bool>,
    /// Height and width as stated in the attributes.
    pub(crate) stated_size: Option<(u64, u64)>,
}

impl StoredImages {
    /// Opens the dataset `place`, for example `video0/video`.
    pub(crate) fn open(path: &Path, place: &str, channels_first: bool) -> Result<Self> {
        let file = Hdf5File::open(path)?;
        let dataset = file.dataset(place)?.ok_or_else(|| file.bad(place, "the file holds no such images"))?;
        let (shape, datatype) = file.describe(place, &dataset)?;
        let attributes = dataset.attrs().map_err(|e| file.bad(place, e))?;
        let rows = match (&datatype, shape.as_slice()) {
            (Datatype::VariableLength { is_string: false, base_type, .. }, [_]) if base_type.type_size() == 1 => {
                let raw = file.raw(place, &dataset)?;
                Rows::Heap(parse_references(&file, place, &raw)?)
            }
            (Datatype::FixedPoint { size: 1, .. }, [_, _]) => Rows::Padded,
            (Datatype::FixedPoint { size: 1, .. }, [_, a, b, c]) => {
                // SLEAP's channels_first is frames, channels, width, height.
                let sides = if channels_first { [*c, *b, *a] } else { [*a, *b, *c] };
                Rows::Raw(sides.map(|side| usize::try_from(side).unwrap_or(usize::MAX)))
            }
            // A package without frames has an empty dataset of any type.
            _ if shape.contains(&0) => Rows::Padded,
            _ => return Err(file.bad(place, format!("images of shape {shape:?} and this type are not supported (bytes are)"))),
        };
        let row_bytes = shape.iter().skip(1).try_fold(1u64, |all, &side| all.checked_mul(side));
        if row_bytes.is_none_or(|bytes| bytes > MAX_DATASET_BYTES) {
            return Err(file.bad(place, "a single image is too large"));
        }
        let len = if shape.contains(&0) { 0 } else { shape[0] };
        let frame_numbers = read_frame_numbers(&file, place, len)?;
        let order = attributes.get("channel_order").and_then(AttrValue::as_str).map(str::to_ascii_uppercase);
        let stored_bgr =
            order.and_then(|order| [("BGR", true), ("RGB", false)].into_iter().find(|(name, _)| *name == order).map(|o| o.1));
        let stated_size = side(&attributes, "height").zip(side(&attributes, "width"));
        Ok(Self { dataset, place: place.to_owned(), rows, channels_first, len, frame_numbers, stored_bgr, stated_size, file })
    }

    /// Number of images.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Path of the file.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// An error about the images as a whole.
    pub(crate) fn bad(&self, what: impl std::fmt::Display) -> crate::error::Error {
        self.file.bad(self.place.clone(), what)
    }

    /// The same about the image in a row.
    pub(crate) fn bad_row(&self, row: u64, what: impl std::fmt::Display) -> crate::error::Error {
        let number = self.frame_numbers.as_ref().zip(usize::try_from(row).ok()).and_then(|(numbers, row)| numbers.get(row));
        let frame = number.map_or_else(String::new, |number| format!(" (frame {number})"));
        self.file.bad(format!("{} row {row}{frame}", self.place), what)
    }

    /// The image in row `row`.
    pub(crate) fn image(&self, row: u64) -> Result<StoredImage> {
        if row >= self.len {
            return Err(self.bad_row(row, format!("there are only {} images", self.len)));
        }
        let read_row = || self.dataset.read_raw_rows(row, 1).map_err(|e| self.bad_row(row, e));
        match &self.rows {
            Rows::Heap(references) => {
                let reference = usize::try_from(row).ok().and_then(|row| references.get(row));
                let reference = *reference.ok_or_else(|| self.bad_row(row, "there is no such row"))?;
                Ok(StoredImage::Encoded(read_heap_bytes(&self.file, &format!("{} row {row}", self.place), reference)?))
            }
            Rows::Padded => Ok(StoredImage::Encoded(read_row()?)),
            Rows::Raw(sides) => {
                let raw = read_row()?;
                let pixels = if self.channels_first { transpose(&raw, *sides) } else { raw };
                Ok(StoredImage::Raw(*sides, pixels))
            }
        }
    }
}

/// From channels, width, height to height, width, channels.
fn transpose(raw: &[u8], [height, width, channels]: [usize; 3]) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(raw.len());
    for y in 0..height {
        for x in 0..width {
            pixels.extend((0..channels).filter_map(|channel| raw.get((channel * width + x) * height + y)));
        }
    }
    pixels
}

fn side(attributes: &HashMap<String, AttrValue>, name: &str) -> Option<u64> {
    let value = attributes.get(name)?;
    value.as_u64().or_else(|| value.as_i64().and_then(|side| u64::try_from(side).ok()))
}

/// `frame_numbers` beside the images; empty lists are stored as floating-point numbers.
fn read_frame_numbers(file: &Hdf5File, place: &str, len: u64) -> Result<Option<Vec<u64>>> {
    let Some(group) = place.strip_suffix("/video") else { return Ok(None) };
    let name = format!("{group}/frame_numbers");
    let Some(dataset) = file.dataset(&name)? else { return Ok(None) };
    file.raw(&name, &dataset)?;
    let numbers = dataset.read_i64().map_err(|e| file.bad(&name, e))?;
    if numbers.len() as u64 != len {
        return Err(file.bad(&name, format!("{} frame numbers for {len} images", numbers.len())));
    }
    let checked: Option<Vec<u64>> = numbers.iter().map(|&number| u64::try_from(number).ok()).collect();
    checked.map(Some).ok_or_else(|| file.bad(&name, "a frame number is negative"))
}
