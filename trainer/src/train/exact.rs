//! Numbers in a checkpoint's header that come back bit for bit: JSON readers may round the last digit of a decimal.

use serde::{Deserialize as _, Deserializer, Serializer};

/// For `serde(with)` on an f64.
pub mod one {
    use super::*;

    /// Writes the bits.
    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(value.to_bits())
    }

    /// Reads the bits.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        u64::deserialize(deserializer).map(f64::from_bits)
    }
}

/// For `serde(with)` on an optional f64.
pub mod maybe {
    use super::*;
    use serde::Serialize as _;

    /// Writes the bits.
    pub fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(f64::to_bits).serialize(serializer)
    }

    /// Reads the bits.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(f64::from_bits))
    }
}

/// For `serde(with)` on a list of f64.
pub mod many {
    use super::*;
    use serde::Serialize as _;

    /// Writes the bits.
    pub fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        values.iter().map(|v| v.to_bits()).collect::<Vec<u64>>().serialize(serializer)
    }

    /// Reads the bits.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        Ok(Vec::<u64>::deserialize(deserializer)?.into_iter().map(f64::from_bits).collect())
    }
}
