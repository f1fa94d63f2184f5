//! Numbers of a constant.

use alloc::vec::Vec;
use core::fmt;

/// Numbers that are part of the network: where they stand in the file, at whatever alignment, or computed.
#[derive(Clone)]
pub struct Floats<'a>(Store<'a>);

#[derive(Clone)]
enum Store<'a> {
    /// Little-endian, as in the file.
    File(&'a [[u8; 4]]),
    Own(Vec<f32>),
}

impl<'a> Floats<'a> {
    /// None.
    pub const EMPTY: Self = Self(Store::File(&[]));

    /// Numbers in a file, little-endian; `None` if the bytes are no whole numbers.
    pub fn in_file(bytes: &'a [u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks();
        rest.is_empty().then_some(Self(Store::File(numbers)))
    }

    /// How many.
    pub fn len(&self) -> usize {
        match &self.0 {
            Store::File(numbers) => numbers.len(),
            Store::Own(numbers) => numbers.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Numbers that are held in memory beside the file.
    pub fn held(&self) -> usize {
        if let Store::Own(numbers) = &self.0 { numbers.len() } else { 0 }
    }

    /// One of them.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn at(&self, index: usize) -> f32 {
        match &self.0 {
            Store::File(numbers) => f32::from_le_bytes(numbers[index]),
            Store::Own(numbers) => numbers[index],
        }
    }

    /// All in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = f32> + Clone + '_ {
        (0..self.len()).map(|index| self.at(index))
    }

    /// Place of the first number that is infinite or not a number.
    pub fn first_not_finite(&self) -> Option<usize> {
        match &self.0 {
            Store::File(numbers) => first_not_finite(numbers, |bytes| f32::from_le_bytes(*bytes)),
            Store::Own(numbers) => first_not_finite(numbers, |number| *number),
        }
    }

    /// A copy.
    pub fn to_vec(&self) -> Vec<f32> {
        self.iter().collect()
    }

    /// The same numbers without the file.
    pub fn into_owned(self) -> Floats<'static> {
        match self.0 {
            Store::File(_) => self.to_vec().into(),
            Store::Own(numbers) => numbers.into(),
        }
    }
}

/// Numbers are looked at in runs, without a branch for each: networks have millions.
fn first_not_finite<T>(numbers: &[T], read: impl Fn(&T) -> f32) -> Option<usize> {
    const RUN: usize = 256;
    let finite = |run: &[T]| run.iter().fold(true, |all, number| all & read(number).is_finite());
    let (index, run) = numbers.chunks(RUN).enumerate().find(|(_, run)| !finite(run))?;
    run.iter().position(|number| !read(number).is_finite()).map(|place| index * RUN + place)
}

impl From<Vec<f32>> for Floats<'_> {
    fn from(numbers: Vec<f32>) -> Self {
        Self(Store::Own(numbers))
    }
}

impl FromIterator<f32> for Floats<'_> {
    fn from_iter<I: IntoIterator<Item = f32>>(numbers: I) -> Self {
        numbers.into_iter().collect::<Vec<_>>().into()
    }
}

impl PartialEq for Floats<'_> {
    fn eq(&self, other: &Floats<'_>) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Floats<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_file_need_no_alignment_and_no_copy() {
        let bytes = [0, 0, 0, 128, 63, 0, 0, 0, 192];
        let floats = Floats::in_file(&bytes[1..]).unwrap();
        assert_eq!((floats.len(), floats.held(), floats.at(1)), (2, 0, -2.0));
        assert_eq!(floats, Floats::from(alloc::vec![1.0, -2.0]));
        assert_eq!(floats.first_not_finite(), None);
        assert_eq!((floats.clone().into_owned().held(), Floats::in_file(&bytes).is_none()), (2, true));
    }

    #[test]
    fn the_first_number_that_is_none_is_found() {
        let mut numbers = alloc::vec![1.0f32; 1000];
        assert_eq!(Floats::from(numbers.clone()).first_not_finite(), None);
        for (place, bad) in [(999, f32::NAN), (700, f32::NEG_INFINITY), (256, f32::INFINITY), (0, f32::NAN)] {
            numbers[place] = bad;
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            assert_eq!(Floats::in_file(&bytes).unwrap().first_not_finite(), Some(place));
            assert_eq!(Floats::from(numbers.clone()).first_not_finite(), Some(place));
        }
    }
}
