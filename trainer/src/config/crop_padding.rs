//! `top_down.crop_padding_px`: room around the largest animal.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Largest padding in pixels, as large as a crop may be.
const MOST_PX: u32 = 4096;

/// Pixels added to the longest side of the largest animal, for both sides together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CropPadding {
    /// What rotation and scale of the augmentation need (SLEAP-NN's rule); written `"auto"`.
    #[default]
    Auto,
    /// So many pixels of the instance network's input.
    Px(u32),
}

impl Serialize for CropPadding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Px(px) => serializer.serialize_u32(*px),
        }
    }
}

impl<'de> Deserialize<'de> for CropPadding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Name(String),
            Px(u32),
        }
        match Written::deserialize(deserializer) {
            Ok(Written::Name(name)) if name == "auto" => Ok(Self::Auto),
            Ok(Written::Px(px)) if px <= MOST_PX => Ok(Self::Px(px)),
            _ => Err(D::Error::custom(format!("`auto` or a whole number from 0 to {MOST_PX} is expected"))),
        }
    }
}
