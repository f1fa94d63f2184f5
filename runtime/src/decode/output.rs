//! What the configuration promises of a network output.

use crate::config::{Config, HeadKind, NetworkConfig};
use crate::error::{Error, Text};
use crate::tensor::Maps;

/// Name, channels and stride of one output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    pub name: Text,
    pub channels: usize,
    pub stride_px: u32,
}

impl Output {
    /// The output of `network` that has this meaning.
    pub fn of(config: &Config, network: Option<&NetworkConfig>, kind: HeadKind) -> Result<Self, Error> {
        let head = network.and_then(|n| n.head(kind));
        let missing = Error::InvalidConfig { field: "networks.heads", what: "a head that the model type needs is missing" };
        let head = head.ok_or(missing)?;
        Ok(Self { name: Text::new(&head.output), channels: config.head_channels(kind), stride_px: head.stride_px })
    }

    /// Refuses maps with another number of channels.
    pub fn check(&self, maps: &Maps<'_>) -> Result<(), Error> {
        if maps.channels() == self.channels {
            return Ok(());
        }
        Err(self.wrong_shape([1, self.channels, maps.height(), maps.width()], [1, maps.channels(), maps.height(), maps.width()]))
    }

    /// Refuses an output that is not there; `like` shows the size that it should have about.
    pub fn needed<'m>(&self, maps: Option<Maps<'m>>, like: &Maps<'_>) -> Result<Maps<'m>, Error> {
        let missing = || self.wrong_shape([1, self.channels, like.height(), like.width()], [0; 4]);
        let maps = maps.ok_or_else(missing)?;
        self.check(&maps)?;
        Ok(maps)
    }

    fn wrong_shape(&self, expected: [usize; 4], got: [usize; 4]) -> Error {
        let small = |shape: [usize; 4]| shape.map(|n| n as u32);
        Error::OutputShape { output: self.name, expected: small(expected), got: small(got) }
    }
}
