//! A stored frame and the poses it must give, so that a deployed model proves itself on the device.

use super::layout::{SELFTEST, SELFTEST_CLASSES};
use crate::error::Error;
use crate::frame::{Frame, PixelFormat};
use crate::geometry::ImagePoint;
use crate::instances::Poses;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// One animal of the expected poses; one entry per node, `None` where the part is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpectedInstance {
    /// Positions in the frame.
    pub keypoints: Vec<Option<ImagePoint>>,
    /// Index of the class that it must be given, for models that know individuals; stored in a section of its own,
    /// `selftest/classes`.
    #[serde(skip)]
    pub class: Option<u16>,
}

/// The self-test section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// Format of `pixels`.
    pub format: PixelFormat,
    /// Frame width.
    pub width_px: u32,
    /// Frame height.
    pub height_px: u32,
    /// Tightly packed pixels.
    pub pixels: Vec<u8>,
    /// The animals that must be found, in any order.
    pub instances: Vec<ExpectedInstance>,
    /// Largest accepted distance of a keypoint, in frame pixels.
    pub tolerance_px: f32,
}

impl SelfTest {
    pub(super) fn encode(&self) -> Result<Vec<u8>, Error> {
        postcard::to_allocvec(self).map_err(|_| Error::Decode { section: SELFTEST, what: "cannot be encoded" })
    }

    pub(super) fn decode(bytes: &[u8], nodes: usize) -> Result<Self, Error> {
        let fault = |what| Error::Decode { section: SELFTEST, what };
        let (test, rest): (Self, _) =
            postcard::take_from_bytes(bytes).map_err(|_| fault("not a postcard self-test of this version"))?;
        if !rest.is_empty() {
            return Err(fault("bytes are left after the self-test"));
        }
        if test.instances.iter().any(|i| i.keypoints.len() != nodes) {
            return Err(fault("an expected animal has another number of parts than the skeleton"));
        }
        // A place that is not a number has no distance to anything and would pass for a hit.
        if test.instances.iter().flat_map(|i| &i.keypoints).flatten().any(|p| !p.is_finite()) {
            return Err(fault("an expected keypoint is not finite"));
        }
        if !(test.tolerance_px > 0.0 && test.tolerance_px.is_finite()) {
            return Err(fault("the tolerance must be positive and finite"));
        }
        test.frame()?;
        Ok(test)
    }

    /// The classes of all animals, if any has one.
    pub(super) fn encode_classes(&self) -> Result<Option<Vec<u8>>, Error> {
        let classes: Vec<Option<u16>> = self.instances.iter().map(|i| i.class).collect();
        if classes.iter().all(Option::is_none) {
            return Ok(None);
        }
        let bytes = postcard::to_allocvec(&classes);
        bytes.map(Some).map_err(|_| Error::Decode { section: SELFTEST_CLASSES, what: "cannot be encoded" })
    }

    /// Adds the classes from their own section; a model knows `classes` of them.
    pub(super) fn decode_classes(&mut self, bytes: &[u8], classes: usize) -> Result<(), Error> {
        let fault = |what| Error::Decode { section: SELFTEST_CLASSES, what };
        let (stored, rest): (Vec<Option<u16>>, _) =
            postcard::take_from_bytes(bytes).map_err(|_| fault("not a postcard list of classes"))?;
        if !rest.is_empty() || stored.len() != self.instances.len() {
            return Err(fault("another number of animals than the self-test has"));
        }
        if stored.iter().flatten().any(|&class| usize::from(class) >= classes) {
            return Err(fault("names a class that the model does not know"));
        }
        self.instances.iter_mut().zip(stored).for_each(|(instance, class)| instance.class = class);
        Ok(())
    }

    /// The stored frame.
    ///
    /// # Errors
    /// As [`Frame::new`].
    pub fn frame(&self) -> Result<Frame<'_>, Error> {
        Frame::packed(self.format, &self.pixels, self.width_px, self.height_px)
    }

    /// Compares poses with the expected ones, animal by animal in the best order.
    ///
    /// # Errors
    /// [`Error::SelfTest`] saying what differs and by how much.
    pub fn check(&self, poses: &Poses) -> Result<(), Error> {
        let fail = |what, worst_px| Err(Error::SelfTest { what, worst_px, tolerance_px: self.tolerance_px });
        if poses.len() != self.instances.len() {
            return fail("another number of animals was found", f32::NAN);
        }
        let mut taken = alloc::vec![false; poses.len()];
        let mut worst_px: f32 = 0.0;
        let mut same_classes = true;
        for expected in &self.instances {
            let candidates = poses.iter().enumerate().filter(|(i, _)| !taken[*i]);
            let best =
                candidates.map(|(i, found)| (i, expected.worst_distance_px(found.keypoints))).min_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((index, distance_px)) = best {
                taken[index] = true;
                let class = poses.get(index).and_then(|i| i.identity).map(|id| id.class);
                same_classes &= class == expected.class.map(usize::from);
                worst_px = worst_px.max(distance_px);
            }
        }
        if worst_px > self.tolerance_px {
            return fail("keypoints moved, appeared or vanished", worst_px);
        }
        if same_classes { Ok(()) } else { fail("an animal was taken for another one", worst_px) }
    }
}

impl ExpectedInstance {
    /// Largest keypoint distance; infinite if a part is there on one side only.
    fn worst_distance_px(&self, found: &[crate::instances::Keypoint]) -> f32 {
        let pairs = self.keypoints.iter().zip(found);
        let distances = pairs.map(|(expected, found)| match (expected, found.is_visible()) {
            (Some(p), true) => p.distance_px(found.position),
            (None, false) => 0.0,
            _ => f32::INFINITY,
        });
        distances.fold(0.0, f32::max)
    }
}
