//! The tables of a labels file, by column: compound records (by field name) or plain 2-D number arrays (by position).

use super::file::Hdf5File;
use crate::error::Result;
use hdf5_pure::{Datatype, DatatypeByteOrder};

/// Columns of `/frames`, in the order of the plain form.
pub(super) const FRAME_FIELDS: &[&str] = &["frame_id", "video", "frame_idx", "instance_id_start", "instance_id_end"];
/// Columns of `/instances`.
pub(super) const INSTANCE_FIELDS: &[&str] = &[
    "instance_id",
    "instance_type",
    "frame_id",
    "skeleton",
    "track",
    "from_predicted",
    "score",
    "point_id_start",
    "point_id_end",
    "tracking_score",
];
/// Columns of `/points` (without `score`) and `/pred_points`.
pub(super) const POINT_FIELDS: &[&str] = &["x", "y", "visible", "complete", "score"];

/// A column of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Integer { bytes: usize, signed: bool, big_endian: bool },
    Float { bytes: usize, big_endian: bool },
}

impl Number {
    /// How a stored type is read; `None` when it is not a number of at most 8 bytes.
    fn of(datatype: &Datatype) -> Option<Self> {
        match datatype {
            Datatype::FixedPoint { size, byte_order, layout } => {
                let bytes = *size as usize;
                let plain =
                    matches!(bytes, 1 | 2 | 4 | 8) && layout.bit_offset == 0 && u32::from(layout.bit_precision) == size * 8;
                plain.then_some(Self::Integer { bytes, signed: layout.signed, big_endian: is_big(byte_order)? })
            }
            Datatype::FloatingPoint { size, byte_order, .. } => {
                matches!(size, 4 | 8).then_some(Self::Float { bytes: *size as usize, big_endian: is_big(byte_order)? })
            }
            Datatype::Enumeration { base_type, size, .. } => {
                Self::of(base_type).filter(|number| number.bytes() == *size as usize)
            }
            _ => None,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Integer { bytes, .. } | Self::Float { bytes, .. } => bytes,
        }
    }

    /// The 8 little-endian bytes of the value, not yet sign-extended.
    fn word(stored: &[u8], big_endian: bool) -> [u8; 8] {
        let mut word = [0; 8];
        for (place, byte) in stored.iter().enumerate() {
            word[if big_endian { stored.len() - 1 - place } else { place }] = *byte;
        }
        word
    }

    /// As a whole number; `None` when it is not whole or does not fit.
    fn integer(self, stored: &[u8]) -> Option<i64> {
        match self {
            Self::Integer { bytes, signed, big_endian } => {
                let value = u64::from_le_bytes(Self::word(stored, big_endian));
                let spare = 64 - 8 * bytes as u32;
                if signed { Some(((value << spare) as i64) >> spare) } else { i64::try_from(value).ok() }
            }
            Self::Float { .. } => {
                let value = self.float(stored);
                // 2^53: beyond it a float no longer tells neighbours apart.
                (value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0).then_some(value as i64)
            }
        }
    }

    fn float(self, stored: &[u8]) -> f64 {
        match self {
            Self::Float { bytes: 4, big_endian } => {
                let word = Self::word(stored, big_endian);
                f64::from(f32::from_le_bytes([word[0], word[1], word[2], word[3]]))
            }
            Self::Float { big_endian, .. } => f64::from_le_bytes(Self::word(stored, big_endian)),
            Self::Integer { .. } => self.integer(stored).map_or(f64::NAN, |value| value as f64),
        }
    }
}

fn is_big(order: &DatatypeByteOrder) -> Option<bool> {
    match order {
        DatatypeByteOrder::LittleEndian => Some(false),
        DatatypeByteOrder::BigEndian => Some(true),
        DatatypeByteOrder::Vax => None,
    }
}

struct Column {
    name: String,
    offset: usize,
    number: Number,
}

/// One table in memory.
pub(super) struct Table<'a> {
    file: &'a Hdf5File,
    name: &'static str,
    rows: usize,
    row_bytes: usize,
    columns: Vec<Column>,
    raw: Vec<u8>,
}

impl<'a> Table<'a> {
    /// Reads the table `name`; a missing one is empty. `fields` names the columns of the plain form.
    pub(super) fn read(file: &'a Hdf5File, name: &'static str, fields: &[&str]) -> Result<Self> {
        let empty = Self { file, name, rows: 0, row_bytes: 1, columns: Vec::new(), raw: Vec::new() };
        let Some(dataset) = file.dataset(name)? else { return Ok(empty) };
        let (shape, datatype) = file.describe(name, &dataset)?;
        if shape.contains(&0) {
            return Ok(empty);
        }
        let (columns, row_bytes) = match (&datatype, shape.as_slice()) {
            (Datatype::Compound { size, members }, [_]) => {
                let known = members.iter().filter(|member| fields.contains(&member.name.as_str()));
                let columns = known.map(|member| {
                    let number = Number::of(&member.datatype);
                    let number = number.ok_or_else(|| file.bad(name, format!("column {:?} is not a number", member.name)))?;
                    let offset = usize::try_from(member.byte_offset).unwrap_or(usize::MAX);
                    if offset.checked_add(number.bytes()).is_none_or(|end| end > *size as usize) {
                        return Err(file.bad(name, format!("column {:?} lies outside of its row", member.name)));
                    }
                    Ok(Column { name: member.name.clone(), offset, number })
                });
                (columns.collect::<Result<Vec<_>>>()?, *size as usize)
            }
            (_, [_, width]) => {
                let number = Number::of(&datatype).ok_or_else(|| file.bad(name, "expected numbers"))?;
                let width = usize::try_from(*width).unwrap_or(usize::MAX);
                let named = fields.iter().take(width).enumerate();
                let columns = named.map(|(i, field)| Column { name: (*field).into(), offset: i * number.bytes(), number });
                (columns.collect(), width.saturating_mul(number.bytes()))
            }
            _ => return Err(file.bad(name, format!("expected a table, found {} dimensions of other data", shape.len()))),
        };
        let raw = file.raw(name, &dataset)?;
        Ok(Self { file, name, rows: raw.len() / row_bytes.max(1), row_bytes: row_bytes.max(1), columns, raw })
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// An error about `row`.
    pub(super) fn bad_row(&self, row: usize, what: impl std::fmt::Display) -> crate::error::Error {
        self.file.bad(format!("/{} row {row}", self.name), what)
    }

    fn column<T>(&self, field: &str, read: impl Fn(usize, Number, &[u8]) -> Result<T>) -> Result<Option<Vec<T>>> {
        if self.rows == 0 {
            return Ok(Some(Vec::new()));
        }
        let Some(column) = self.columns.iter().find(|column| column.name == field) else { return Ok(None) };
        let cells = self.raw.chunks_exact(self.row_bytes).enumerate();
        let values =
            cells.map(|(row, cells)| read(row, column.number, &cells[column.offset..column.offset + column.number.bytes()]));
        values.collect::<Result<Vec<T>>>().map(Some)
    }

    fn required<T>(&self, field: &str, column: Option<Vec<T>>) -> Result<Vec<T>> {
        column.ok_or_else(|| self.file.bad(format!("/{}", self.name), format!("column {field:?} is missing")))
    }

    /// A column of whole numbers, -1 or larger.
    pub(super) fn integers(&self, field: &str) -> Result<Vec<i64>> {
        let column = self.column(field, |row, number, stored| match number.integer(stored) {
            Some(value) if value >= -1 => Ok(value),
            Some(value) => Err(self.bad_row(row, format!("{field} is {value}; it must not be negative"))),
            None => Err(self.bad_row(row, format!("{field} is not a whole number below 2^63"))),
        })?;
        self.required(field, column)
    }

    /// A column of floating-point numbers.
    pub(super) fn floats(&self, field: &str) -> Result<Vec<f64>> {
        let column = self.optional_floats(field)?;
        self.required(field, column)
    }

    /// A column of floating-point numbers that not every format has.
    pub(super) fn optional_floats(&self, field: &str) -> Result<Option<Vec<f64>>> {
        self.column(field, |_, number, stored| Ok(number.float(stored)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_widths_and_orders() {
        let int = |bytes, signed, big_endian| Number::Integer { bytes, signed, big_endian };
        assert_eq!(int(1, true, false).integer(&[0xFF]), Some(-1));
        assert_eq!(int(1, false, false).integer(&[0xFF]), Some(255));
        assert_eq!(int(4, true, false).integer(&(-2i32).to_le_bytes()), Some(-2));
        assert_eq!(int(4, true, true).integer(&(-2i32).to_be_bytes()), Some(-2));
        assert_eq!(int(8, false, false).integer(&u64::MAX.to_le_bytes()), None);
        let float = |bytes, big_endian| Number::Float { bytes, big_endian };
        assert_eq!(float(4, true).float(&1.5f32.to_be_bytes()), 1.5);
        assert_eq!(float(8, false).integer(&7.0f64.to_le_bytes()), Some(7));
        assert_eq!(float(8, false).integer(&7.5f64.to_le_bytes()), None);
        assert_eq!(float(8, false).integer(&f64::NAN.to_le_bytes()), None);
        assert_eq!(float(8, false).integer(&1e300f64.to_le_bytes()), None);
    }
}
