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
#[derive(Debug)]
pub(super) struct Flights {
    kept: VecDeque<Kept>,
    /// Memory for the next ones: with that of `kept` enough for [`MOST_IN_FLIGHT`].
    spare: Vec<Vec<u8>>,
    /// Pixels that frames will have, where room for them is made beforehand.
    format: Option<PixelFormat>,
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
    /// None on their way; [`make_room`](Self::make_room) will be for frames of this format, if any.
    pub fn new(format: Option<PixelFormat>) -> Self {
        let spare = (0..MOST_IN_FLIGHT).map(|_| Vec::new()).collect();
        Self { kept: VecDeque::with_capacity(MOST_IN_FLIGHT), spare, format, submitted: 0 }
    }

    /// Makes all copies possible of frames of this size and the format of [`new`](Self::new), and frees what is more than that. For when
    /// none is on its way.
    ///
    /// # Errors
    /// [`Error::InFlight`] if there is no memory.
    pub fn make_room(&mut self, width_px: u32, height_px: u32) -> Result<(), Error> {
        let Some(format) = self.format else { return Ok(()) };
        let bytes = width_px as usize * height_px as usize * format.bytes_per_pixel();
        for pixels in &mut self.spare {
            pixels.clear();
            pixels.shrink_to(bytes);
            pixels.try_reserve_exact(bytes).map_err(|_| NO_MEMORY)?;
            // Written here, so that the first frame does not wait for the system's pages.
            pixels.resize(bytes, 0);
        }
        Ok(())
    }

    /// Makes room for a copy of this frame, if there is not enough yet.
    ///
    /// # Errors
    /// [`Error::InFlight`] if there is no memory.
    pub fn reserve(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let bytes = frame.width_px() as usize * frame.height_px() as usize * frame.format().bytes_per_pixel();
        let Some(pixels) = self.spare.last_mut() else { return self.room() };
        pixels.clear();
        pixels.try_reserve_exact(bytes).map_err(|_| NO_MEMORY)
    }

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

    /// Copies a frame to the memory that was [reserved](Self::reserve).
    pub fn keep(&mut self, frame: &Frame<'_>) -> Ticket {
        let ticket = Ticket(self.submitted);
        self.submitted += 1;
        let mut pixels = self.spare.pop().unwrap_or_default();
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
        self.spare.push(kept.pixels);
    }
}

const NO_MEMORY: Error = Error::InFlight("there is no memory for copies of such frames");

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
        let mut flights = Flights::new(None);
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
        assert!(flights.reserve(&other).is_err());
    }

    #[test]
    fn room_is_made_for_the_size_and_format_that_were_told() {
        let rooms = |flights: &Flights| flights.spare.iter().map(Vec::capacity).collect::<Vec<_>>();
        let mut flights = Flights::new(Some(PixelFormat::Rgb8));
        flights.make_room(10, 7).unwrap();
        assert_eq!(rooms(&flights), [210; MOST_IN_FLIGHT]);
        flights.make_room(2, 5).unwrap();
        assert_eq!(rooms(&flights), [30; MOST_IN_FLIGHT]);
        // Others get room when they come.
        let bytes = [7; 40];
        let frame = Frame::packed(PixelFormat::Rgba8, &bytes, 2, 5).unwrap();
        flights.reserve(&frame).unwrap();
        let room = flights.spare.last().map(Vec::capacity);
        flights.keep(&frame);
        assert!(room >= Some(40) && Some(flights.kept[0].pixels.capacity()) == room && flights.kept[0].pixels == bytes);
        let mut lazy = Flights::new(None);
        lazy.make_room(10, 7).unwrap();
        assert_eq!(rooms(&lazy), [0; MOST_IN_FLIGHT]);
    }
}
