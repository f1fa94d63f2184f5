//! Reading protobuf: a message is a run of fields, each a number and a value of one of four wire types.
//!
//! Source of the encoding: protobuf.dev/programming-guides/encoding. Nothing is copied: a field borrows from the file. The
//! reader does not recurse; each message type that the caller knows opens its own fields.

use crate::error::{Error, Text};
use alloc::vec::Vec;

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire<'a> {
    /// An integer.
    Varint(u64),
    /// Eight bytes, little-endian.
    Fixed64(u64),
    /// A string, bytes, message or packed list.
    Bytes(&'a [u8]),
    /// Four bytes, little-endian.
    Fixed32(u32),
}

/// The fields of one message that are still to be read.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    /// Name of the message, for errors.
    place: &'static str,
}

impl<'a> Fields<'a> {
    pub fn new(message: &'a [u8], place: &'static str) -> Self {
        Self { rest: message, place }
    }

    /// Number and value of the next field.
    pub fn next(&mut self) -> Result<Option<(u64, Wire<'a>)>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let wire = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let len = self.varint()?;
                let len = usize::try_from(len).map_err(|_| self.fault("a field is longer than the file"))?;
                Wire::Bytes(self.take(len)?)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(self.fault("a field has an unknown wire type: not an ONNX file")),
        };
        Ok(Some((key >> 3, wire)))
    }

    fn varint(&mut self) -> Result<u64, Error> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.fault("an integer is longer than ten bytes"))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let Some((head, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.fault("it is cut off"));
        };
        self.rest = rest;
        Ok(*head)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        if len > self.rest.len() {
            return Err(self.fault("it is cut off"));
        }
        let (head, rest) = self.rest.split_at(len);
        self.rest = rest;
        Ok(head)
    }

    fn fault(&self, what: &'static str) -> Error {
        fault(self.place, what)
    }
}

/// A fault of the file at a place.
pub(super) fn fault(place: &str, what: &'static str) -> Error {
    Error::NetworkFile { place: Text::new(place), what }
}

impl<'a> Wire<'a> {
    /// A message, string or packed list.
    pub fn bytes(self, place: &'static str) -> Result<&'a [u8], Error> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(fault(place, "a field has the wrong wire type")),
        }
    }

    /// A string.
    pub fn text(self, place: &'static str) -> Result<&'a str, Error> {
        core::str::from_utf8(self.bytes(place)?).map_err(|_| fault(place, "a name is not UTF-8"))
    }

    /// A signed integer.
    pub fn int(self, place: &'static str) -> Result<i64, Error> {
        match self {
            Self::Varint(value) => Ok(value as i64),
            _ => Err(fault(place, "a field has the wrong wire type")),
        }
    }

    /// A float.
    pub fn float(self, place: &'static str) -> Result<f32, Error> {
        match self {
            Self::Fixed32(bits) => Ok(f32::from_bits(bits)),
            _ => Err(fault(place, "a field has the wrong wire type")),
        }
    }

    /// Appends one integer, or a packed list of them.
    pub fn push_ints(self, list: &mut Vec<i64>, place: &'static str) -> Result<(), Error> {
        match self {
            Self::Bytes(packed) => {
                let mut fields = Fields::new(packed, place);
                while !fields.rest.is_empty() {
                    list.push(fields.varint()? as i64);
                }
                Ok(())
            }
            other => {
                list.push(other.int(place)?);
                Ok(())
            }
        }
    }

    /// Appends one float, or a packed list of them.
    pub fn push_floats(self, list: &mut Vec<f32>, place: &'static str) -> Result<(), Error> {
        match self {
            Self::Bytes(packed) if packed.len().is_multiple_of(4) => {
                list.extend(packed.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)));
                Ok(())
            }
            Self::Bytes(_) => Err(fault(place, "a list of floats is cut off")),
            other => {
                list.push(other.float(place)?);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The three examples of the encoding guide, and each way of being wrong.
    #[test]
    fn fields_by_the_guide() {
        let mut fields = Fields::new(&[0x08, 0x96, 0x01], "m");
        assert_eq!(fields.next().unwrap(), Some((1, Wire::Varint(150))));
        assert_eq!(fields.next().unwrap(), None);
        let mut fields = Fields::new(b"\x12\x07testing", "m");
        assert_eq!(fields.next().unwrap().unwrap().1.text("m").unwrap(), "testing");
        let mut fields = Fields::new(&[0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05], "m");
        let mut list = Vec::new();
        fields.next().unwrap().unwrap().1.push_ints(&mut list, "m").unwrap();
        assert_eq!(list, [3, 270, 86942]);
        assert_eq!(Fields::new(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], "m").next().unwrap(), {
            Some((1, Wire::Varint(u64::MAX)))
        });
        for wrong in [&[0x08][..], &[0x12, 0x02, 0x00], &[0x0b], &[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]] {
            assert!(Fields::new(wrong, "m").next().is_err(), "{wrong:?}");
        }
        assert!(Wire::Bytes(&[1, 2, 3]).push_floats(&mut Vec::new(), "m").is_err());
        assert!(Wire::Varint(1).bytes("m").is_err() && Wire::Bytes(&[0xff]).text("m").is_err());
    }
}
