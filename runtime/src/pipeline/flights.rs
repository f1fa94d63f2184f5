//! Frames that were submitted and are not finished yet.

use crate::engine::MOST_IN_FLIGHT;
use crate::error::Error;
use crate::frame::{Frame, PixelFormat};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// The number of a frame that was submitted: 0 for the first one of an estimator, then one more for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

impl Ticket {
    /// The number.
    pub fn number(self) -> u64 {
        self.0
    }
}

/// Frames on their way, the oldest first, with copies of their pixels.
#[derive(Debug, Default)]
pub(super) struct Flights {
    kept: VecDeque<Kept>,
    /// Buffers for the next ones.
    spare: Vec<Kept>,
    /// How many were submitted so far.
    submitted: u64,
}

/// A frame's pixels, rows without gaps.
#[derive(Debug)]
pub(super) struct Kept {
    ticket: Ticket,
    format: PixelFormat,
    width_px: u32,
    height_px: u32,
    pixels: Vec<u8>,
}

impl Flights {
    /// Frames on their way.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// # Errors
    /// [`Error::InFlight`] if any frame is on its way.
    pub fn none(&self) -> Result<(), Error> {
        if self.kept.is_empty() { Ok(()) } else { Err(Error::InFlight("finish them first")) }
    }

    /// # Errors
    /// [`Error::InFlight`] if there is no room for one more.
    pub fn room(&self) -> Result<(), Error> {
        let full = Error::InFlight("no more have room: finish one before the next is submitted");
        if self.kept.len() < MOST_IN_FLIGHT { Ok(()) } else { Err(full) }
    }

    /// Copies a frame, to the memory of earlier ones where there is some.
    pub fn keep(&mut self, frame: &Frame<'_>) -> Ticket {
        let ticket = Ticket(self.submitted);
        self.submitted += 1;
        let mut pixels = self.spare.pop().map_or_else(Vec::new, |kept| kept.pixels);
        pixels.clear();
        (0..frame.height_px()).for_each(|y| pixels.extend_from_slice(frame.row(y)));
        let (format, width_px, height_px) = (frame.format(), frame.width_px(), frame.height_px());
        self.kept.push_back(Kept { ticket, format, width_px, height_px, pixels });
        ticket
    }

    /// Takes the oldest frame out; give it [back](Self::give_back).
    ///
    /// # Errors
    /// [`Error::InFlight`] if there is none.
    pub fn oldest(&mut self) -> Result<Kept, Error> {
        self.kept.pop_front().ok_or(Error::InFlight("none was submitted"))
    }

    /// Keeps the memory of a frame that is done with.
    pub fn give_back(&mut self, kept: Kept) {
        self.spare.push(kept);
    }
}

impl Kept {
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// # Errors
    /// None in fact: it was a frame before.
    pub fn frame(&self) -> Result<Frame<'_>, Error> {
        Frame::packed(self.format, &self.pixels, self.width_px, self.height_px)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_in_order_and_without_the_gaps_of_their_rows() {
        let mut flights = Flights::default();
        assert_eq!(flights.oldest().map(|_| ()), Err(Error::InFlight("none was submitted")));
        let bytes = [1, 2, 0, 3, 4, 0, 5, 6];
        let frame = Frame::new(PixelFormat::Gray8, &bytes, 2, 3, 3).unwrap();
        let other = Frame::gray8(&[9], 1, 1).unwrap();
        let tickets = [flights.keep(&frame), flights.keep(&other)];
        assert_eq!(tickets.map(Ticket::number), [0, 1]);
        assert!(flights.room().is_err() && flights.none().is_err());
        let kept = flights.oldest().unwrap();
        assert_eq!((kept.ticket(), &kept.pixels[..]), (tickets[0], &[1, 2, 3, 4, 5, 6][..]));
        assert_eq!(kept.frame().unwrap().row(1), [3, 4]);
        flights.give_back(kept);
        assert!(flights.room().is_ok());
        // The memory of the first one serves the third.
        assert_eq!(flights.keep(&other).number(), 2);
        assert!(flights.spare.is_empty() && flights.kept[1].pixels.capacity() >= 6);
    }
}
