//! A dispatch before or behind a network.

use crate::engine::wgpu::places::Place;
use crate::engine::wgpu::program::{Dispatch, Slot};
use crate::error::{Error, Text};
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;
use dormouse_shaders::{Halves, Kernel};

/// What a dispatch of these needs.
pub(super) struct Step<'a> {
    pub kernel: Kernel,
    pub overrides: Vec<(&'static str, u32)>,
    pub params: &'a [u8],
    pub constants: Vec<Range<usize>>,
    pub inputs: Vec<Slot>,
    pub output: Slot,
    pub grid: [usize; 3],
    /// Bytes that it reads and writes at least.
    pub moved: [u64; 2],
}

impl Step<'_> {
    pub fn dispatch(self) -> Result<Dispatch, Error> {
        let node = Text::new(self.kernel.name());
        let mut grid = [0; 3];
        for (to, from) in grid.iter_mut().zip(self.grid) {
            let what = "it needs more workgroups than a GPU gives";
            *to = u32::try_from(from).map_err(|_| Error::NetworkNode { node, what })?;
        }
        let [read_bytes, write_bytes] = self.moved;
        Ok(Dispatch {
            node: String::from(self.kernel.name()),
            kernel: self.kernel,
            overrides: self.overrides,
            halves: Halves::NONE,
            params: self.params.to_vec(),
            constants: self.constants,
            inputs: self.inputs,
            output: self.output,
            grid,
            counted: None,
            flop: 0,
            read_bytes,
            write_bytes,
        })
    }
}

/// The place of an output that a plan counts.
pub(super) fn at(places: &[Place], output: usize) -> Result<Place, Error> {
    let what = "the plan names an output that the network does not have";
    places.get(output).copied().ok_or(Error::NetworkNode { node: Text::new("output"), what })
}
