//! Bytes of a network that several owners share.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::{Deref, Range};

/// Bytes in flash or in a shared piece of memory: copies of this value do not copy them.
///
/// Networks read their weights from here whenever they are prepared for another size, so that a model is in memory once.
#[derive(Clone)]
pub struct NetworkBytes(Store);

#[derive(Clone)]
enum Store {
    Static(&'static [u8]),
    Shared(Arc<Vec<u8>>, Range<usize>),
}

impl NetworkBytes {
    /// Bytes that are there as long as the program, as from `include_bytes!`.
    pub fn from_static(bytes: &'static [u8]) -> Self {
        Self(Store::Static(bytes))
    }

    /// A part of shared bytes; `None` if they are shorter.
    pub fn part_of(bytes: &Arc<Vec<u8>>, part: Range<usize>) -> Option<Self> {
        bytes.get(part.clone())?;
        Some(Self(Store::Shared(Arc::clone(bytes), part)))
    }
}

impl Deref for NetworkBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Store::Static(bytes) => bytes,
            Store::Shared(bytes, part) => bytes.get(part.clone()).unwrap_or(&[]),
        }
    }
}

impl From<Vec<u8>> for NetworkBytes {
    fn from(bytes: Vec<u8>) -> Self {
        let all = 0..bytes.len();
        Self(Store::Shared(Arc::new(bytes), all))
    }
}

/// Copies the bytes.
impl From<&[u8]> for NetworkBytes {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

/// Copies the bytes.
impl From<&Vec<u8>> for NetworkBytes {
    fn from(bytes: &Vec<u8>) -> Self {
        bytes.clone().into()
    }
}

impl fmt::Debug for NetworkBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkBytes({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_not_copied() {
        let bytes = Arc::new(alloc::vec![1u8, 2, 3, 4]);
        let part = NetworkBytes::part_of(&bytes, 1..3).unwrap();
        assert_eq!((&part[..], part.as_ptr()), (&[2u8, 3][..], bytes[1..].as_ptr()));
        assert!(NetworkBytes::part_of(&bytes, 1..5).is_none());
    }
}
