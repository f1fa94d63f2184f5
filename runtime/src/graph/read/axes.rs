//! Which side of a map in the file is which of ours.
//!
//! Networks from Keras hold maps as batch, height, width, channels and transpose them around every convolution. Here a map keeps
//! its place in memory and a transposition only changes how the file's nodes see it, so that none is left to compute.

/// Our sides, by position.
pub(super) const BATCH: u8 = 0;
pub(super) const CHANNELS: u8 = 1;
pub(super) const HEIGHT: u8 = 2;
pub(super) const WIDTH: u8 = 3;

/// For each side in the file, which of ours it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axes {
    /// Batch, channels: height and width are 1.
    Vector,
    /// Four sides in some order.
    Map([u8; 4]),
}

impl Axes {
    /// Batch, channels, height, width.
    pub const CHANNELS_FIRST: Self = Self::Map([BATCH, CHANNELS, HEIGHT, WIDTH]);
    /// Batch, height, width, channels.
    pub const CHANNELS_LAST: Self = Self::Map([BATCH, HEIGHT, WIDTH, CHANNELS]);

    /// Our sides in the file's order.
    pub fn order(&self) -> &[u8] {
        match self {
            Self::Vector => &[BATCH, CHANNELS],
            Self::Map(order) => order,
        }
    }

    /// Our side behind an axis of the file; negative axes count from the end.
    pub fn side(&self, axis: i64) -> Option<u8> {
        self.order().get(resolve(axis, self.order().len())?).copied()
    }

    /// The view after a transposition by `perm`, which must name every axis once.
    pub fn transposed(&self, perm: &[i64]) -> Option<Self> {
        let order = self.order();
        if perm.len() != order.len() {
            return None;
        }
        let mut out = [u8::MAX; 4];
        for (to, &from) in out.iter_mut().zip(perm) {
            let side = *order.get(usize::try_from(from).ok()?)?;
            *to = side;
        }
        let distinct = (0..perm.len()).all(|i| (0..i).all(|j| out[i] != out[j]));
        match self {
            _ if !distinct => None,
            Self::Vector => (out[0] == BATCH).then_some(Self::Vector),
            Self::Map(_) => Some(Self::Map(out)),
        }
    }
}

/// An axis as an index below `rank`.
pub(super) fn resolve(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis.checked_add(rank as i64)? } else { axis };
    usize::try_from(axis).ok().filter(|axis| *axis < rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transpositions_cancel() {
        let last = Axes::CHANNELS_FIRST.transposed(&[0, 2, 3, 1]).unwrap();
        assert_eq!(last, Axes::CHANNELS_LAST);
        assert_eq!(last.transposed(&[0, 3, 1, 2]).unwrap(), Axes::CHANNELS_FIRST);
        assert_eq!((last.side(-1), last.side(1), last.side(4), last.side(-5)), (Some(CHANNELS), Some(HEIGHT), None, None));
        for wrong in [&[0, 1, 2][..], &[0, 1, 2, 2], &[0, 1, 2, 4], &[0, 1, 2, -1]] {
            assert!(last.transposed(wrong).is_none(), "{wrong:?}");
        }
        assert_eq!(Axes::Vector.transposed(&[0, 1]), Some(Axes::Vector));
        assert_eq!(Axes::Vector.transposed(&[1, 0]), None);
    }
}
