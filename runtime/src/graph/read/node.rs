//! A node of the file with its operator set: typed access to attributes, and errors that name it.

use super::literal::Literal;
use super::proto::{AttributeProto, NodeProto};
use crate::error::{Error, Text};
use crate::graph::limits::MAX_EXTENT;

/// A node being read.
#[derive(Clone, Copy)]
pub(super) struct At<'n, 'a> {
    pub node: &'n NodeProto<'a>,
    pub opset: i64,
}

impl<'n, 'a> At<'n, 'a> {
    /// A fault of this node.
    pub fn fault(self, what: &'static str) -> Error {
        Error::NetworkNode { node: Text::new(self.node.label()), what }
    }

    /// `Ok` if the condition holds, otherwise a fault.
    pub fn ensure(self, condition: bool, what: &'static str) -> Result<(), Error> {
        if condition { Ok(()) } else { Err(self.fault(what)) }
    }

    fn attribute(self, name: &str) -> Option<&'n AttributeProto<'a>> {
        self.node.attributes.iter().find(|a| a.name == name)
    }

    /// Whether the attribute is there.
    pub fn has(self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    pub fn int(self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |a| a.int)
    }

    pub fn float(self, name: &str, default: f32) -> f32 {
        self.attribute(name).map_or(default, |a| a.float)
    }

    pub fn text(self, name: &str, default: &'static str) -> &'a str {
        self.attribute(name).map_or(default, |a| core::str::from_utf8(a.bytes).unwrap_or(""))
    }

    pub fn ints(self, name: &str) -> Option<&'n [i64]> {
        self.attribute(name).map(|a| a.ints.as_slice())
    }

    pub fn floats(self, name: &str) -> Option<&'n [f32]> {
        self.attribute(name).map(|a| a.floats.as_slice())
    }

    pub fn tensor(self, name: &str) -> Option<&'n Literal<'a>> {
        self.attribute(name).and_then(|a| a.tensor.as_ref())
    }

    /// Two lengths in rows and columns, each from `least` to the limit.
    pub fn pair(self, name: &str, default: [usize; 2], least: usize) -> Result<[usize; 2], Error> {
        let Some(ints) = self.ints(name) else { return Ok(default) };
        self.lengths(ints, least)
    }

    /// As many lengths as asked for, each from `least` to the limit.
    pub fn lengths<const N: usize>(self, ints: &[i64], least: usize) -> Result<[usize; N], Error> {
        let mut out = [0; N];
        self.ensure(ints.len() == N, "only two-dimensional windows over maps are supported")?;
        for (out, &length) in out.iter_mut().zip(ints) {
            let length = usize::try_from(length).ok().filter(|l| (least..=MAX_EXTENT).contains(l));
            *out = length.ok_or_else(|| self.fault("kernel, stride, dilation and padding must be positive and at most 4096"))?;
        }
        Ok(out)
    }
}
