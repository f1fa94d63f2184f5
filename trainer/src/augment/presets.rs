//! Rotations by name.

use serde::{Deserialize, Deserializer, de::Error as _};

/// Animals seen from the side, where up stays up.
const SIDE_DEG: [f32; 2] = [-15.0, 15.0];
/// Animals seen from above: any direction is as likely as any other.
const TOP_DEG: [f32; 2] = [-180.0, 180.0];

/// For `serde(deserialize_with)`: `"side"`, `"top"` or a range in degrees.
pub(super) fn rotation_deg<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[f32; 2], D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Rotation {
        Preset(String),
        Range([f32; 2]),
    }
    match Rotation::deserialize(deserializer) {
        Ok(Rotation::Range(range)) => Ok(range),
        Ok(Rotation::Preset(name)) if name == "side" => Ok(SIDE_DEG),
        Ok(Rotation::Preset(name)) if name == "top" => Ok(TOP_DEG),
        _ => Err(D::Error::custom("`side` (-15 to 15), `top` (-180 to 180) or a range such as [-30, 30] is expected")),
    }
}
