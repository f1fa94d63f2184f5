//! The walk over the nodes.

use crate::engine::Precision;
use crate::engine::wgpu::joins::starts;
use crate::engine::wgpu::least::least_bytes;
use crate::engine::wgpu::places::{BLOCK, Place, Places};
use crate::engine::wgpu::program::{Dispatch, OutputPlace, Program, Slot};
use crate::error::{Error, Text};
use crate::graph::{Activation, Graph, Node, Op, Shape, Shapes, ValueId};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use dormouse_shaders::{Halves, Kernel, PairParams};

/// Side of the workgroups of the kernels that make one vec4 an invocation.
const SIDE: usize = 8;

/// The state of the walk.
pub(super) struct Lowering<'g> {
    pub graph: &'g Graph<'g>,
    pub shapes: &'g Shapes,
    pub program: Program,
    pub places: Places,
    /// How weights are kept, and maps that are not wanted.
    pub precision: Precision,
    /// The image, if convolutions read its planes.
    image: Option<ValueId>,
}

/// What a dispatch reads and writes, without the node's name and the counts.
pub(super) struct Work<'a> {
    pub kernel: Kernel,
    pub overrides: Vec<(&'static str, u32)>,
    pub halves: Halves,
    pub params: &'a [u8],
    pub constants: Vec<Range<usize>>,
    pub inputs: Vec<Slot>,
    pub output: Slot,
    pub grid: [usize; 3],
}

/// Turns a graph with one input into dispatches; `wanted` are the values to be given out, for up to `images` images. These have 32 bits
/// whatever the precision.
///
/// # Errors
/// [`Error::NetworkNode`] for what this engine does not do.
pub(in crate::engine::wgpu) fn lower(
    graph: &Graph<'_>,
    shapes: &Shapes,
    wanted: &[ValueId],
    images: usize,
    precision: Precision,
) -> Result<Program, Error> {
    let mut lowering = walk(graph, shapes, wanted, images, precision)?;
    for value in wanted {
        lowering.unpack(*value, images)?;
    }
    Ok(lowering.program)
}

/// As [`lower`], but the wanted values stay on the device, at the places given.
pub(in crate::engine::wgpu) fn lower_to_maps(
    graph: &Graph<'_>,
    shapes: &Shapes,
    wanted: &[ValueId],
    images: usize,
    precision: Precision,
) -> Result<(Program, Vec<Place>), Error> {
    let lowering = walk(graph, shapes, wanted, images, precision)?;
    let places = wanted.iter().map(|value| lowering.place("output", *value)).collect::<Result<_, _>>()?;
    Ok((lowering.program, places))
}

/// All nodes.
fn walk<'g>(
    graph: &'g Graph<'g>,
    shapes: &'g Shapes,
    wanted: &[ValueId],
    images: usize,
    precision: Precision,
) -> Result<Lowering<'g>, Error> {
    let port = graph.inputs().first().map(|port| port.value);
    let port = port.ok_or(Error::Engine { engine: "wgpu", action: "lower the network", detail: Text::new("it has no input") })?;
    let mut readers = graph.nodes().iter().filter(|n| n.inputs.contains(&port));
    let planes = readers.all(|n| super::conv::reads_planes(shapes, n)) && !wanted.contains(&port);
    let image = planes.then_some(port);
    let places = Places::new(graph, shapes, image, precision, wanted);
    let program = Program {
        dispatches: Vec::new(),
        constants: Vec::new(),
        buffers: places.buffers.iter().map(|bytes| (bytes * images) as u64).collect(),
        image_bytes: (shapes.of(port).numbers() * images * 4) as u64,
        result_bytes: 0,
        outputs: Vec::new(),
        least_bytes: least_bytes(graph, shapes, precision, wanted),
    };
    let mut lowering = Lowering { graph, shapes, program, places, precision, image };
    if image.is_none() {
        lowering.pack(port)?;
    }
    for node in graph.nodes() {
        lowering.node(node)?;
    }
    Ok(lowering)
}

impl Lowering<'_> {
    /// The place of a map.
    pub fn place(&self, node: &str, value: ValueId) -> Result<Place, Error> {
        let missing = Error::NetworkNode { node: Text::new(node), what: "a map that it needs is never made" };
        self.places.of(value).ok_or(missing)
    }

    /// The places of a node's first input and of its output.
    pub fn ends(&self, node: &Node) -> Result<(Place, Place), Error> {
        let input = node.inputs.first().ok_or_else(|| fault(node, "it needs an input"))?;
        Ok((self.place(&node.name, *input)?, self.place(&node.name, node.output)?))
    }

    /// Whether a value is the image, to be read as planes.
    pub fn is_image(&self, value: ValueId) -> bool {
        self.image == Some(value)
    }

    /// Appends a dispatch with what it costs: the bytes of `read` maps and of the `written` one.
    pub fn push(&mut self, node: &str, work: Work<'_>, flop: usize, read: &[usize], written: usize) -> Result<(), Error> {
        let too_large = || Error::NetworkNode { node: Text::new(node), what: "its maps need more workgroups than a GPU gives" };
        let mut grid = [0; 3];
        for (to, from) in grid.iter_mut().zip(work.grid) {
            *to = u32::try_from(from).map_err(|_| too_large())?;
        }
        let constants: usize = work.constants.iter().map(ExactSizeIterator::len).sum();
        self.program.dispatches.push(Dispatch {
            node: String::from(node),
            kernel: work.kernel,
            overrides: work.overrides,
            halves: work.halves,
            params: work.params.to_vec(),
            constants: work.constants,
            inputs: work.inputs,
            output: work.output,
            grid,
            counted: None,
            flop: flop as u64,
            read_bytes: (read.iter().sum::<usize>() + constants) as u64,
            write_bytes: written as u64,
        });
        Ok(())
    }

    /// The image's planes to blocks.
    fn pack(&mut self, value: ValueId) -> Result<(), Error> {
        let to = self.place("input", value)?;
        let numbers = to.shape.numbers();
        let params = PairParams { from_image: numbers as u32, ..pair(&to, &to) };
        let (inputs, output) = (vec![Slot::Image], Slot::Maps(to.buffer));
        let mut work = Work::simple(Kernel::Pack, bytemuck::bytes_of(&params), inputs, output, &to);
        work.halves.output = to.is_half();
        self.push("input", work, 0, &[4 * numbers], to.bytes())
    }

    /// A map to the planes that are read back, behind what is there.
    fn unpack(&mut self, value: ValueId, images: usize) -> Result<(), Error> {
        let from = self.place("output", value)?;
        let Shape { channels, height, width, .. } = from.shape;
        let (offset, image) = ((self.program.result_bytes / 4) as usize, from.shape.numbers());
        let params = PairParams { to_offset: offset as u32, to_image: image as u32, ..pair(&from, &from) };
        let mut work =
            Work::simple(Kernel::Unpack, bytemuck::bytes_of(&params), vec![Slot::Maps(from.buffer)], Slot::Results, &from);
        work.halves.input = from.is_half();
        self.push("output", work, 0, &[from.bytes()], 4 * image)?;
        self.program.outputs.push(OutputPlace { offset, image, sides: [channels, height, width] });
        self.program.result_bytes += (images * image * 4) as u64;
        Ok(())
    }

    fn node(&mut self, node: &Node) -> Result<(), Error> {
        match &node.op {
            Op::Conv(conv) => self.conv(node, conv),
            Op::ConvTranspose(conv) => self.transposed(node, conv),
            Op::Concat => self.join(node),
            // The convolution before it makes it.
            Op::MaxPool(_) if self.places.is_pooled(node.output) => Ok(()),
            _ => self.other(node),
        }
    }

    /// Copies to a joined map what was not made in it.
    fn join(&mut self, node: &Node) -> Result<(), Error> {
        let to = self.place(&node.name, node.output)?;
        let spaced = self.places.lanes(node.output).is_some();
        for (index, (value, start)) in node.inputs.iter().zip(starts(self.shapes, node, spaced)).enumerate() {
            let from = self.place(&node.name, *value)?;
            let (channels, channel) = (from.shape.channels, to.channel + start);
            if from.buffer != to.buffer || from.channel != channel {
                // The last part, and each one with a gap behind it, fills its block with zeros.
                let end = channel + channels;
                let fill = if spaced || index + 1 == node.inputs.len() { end.next_multiple_of(BLOCK) - end } else { 0 };
                let params = PairParams {
                    to_offset: 0,
                    to_channels: (channels + fill) as u32,
                    channel: channel as u32,
                    ..pair(&from, &to)
                };
                let touched = (end + fill).div_ceil(BLOCK) - channel / BLOCK;
                let (inputs, output) = (vec![Slot::Maps(from.buffer)], Slot::Maps(to.buffer));
                let mut work = Work::simple(Kernel::Join, bytemuck::bytes_of(&params), inputs, output, &to);
                work.halves = halves(&[&from], &to);
                work.grid[2] = touched;
                let written = (channels + fill) * from.cells() * to.precision.number_bytes();
                self.push(&node.name, work, 0, &[from.bytes()], written)?;
            }
        }
        Ok(())
    }
}

impl<'a> Work<'a> {
    /// One vec4 an invocation, without overrides and constants, for maps of 32 bits.
    pub fn simple(kernel: Kernel, params: &'a [u8], inputs: Vec<Slot>, output: Slot, to: &Place) -> Self {
        let grid = grid([to.shape.height, to.shape.width], to.blocks());
        Self { kernel, overrides: Vec::new(), halves: Halves::NONE, params, constants: Vec::new(), inputs, output, grid }
    }
}

/// Workgroups of 8 by 8 for that many rows and columns, and the blocks.
pub(super) fn grid([rows, columns]: [usize; 2], blocks: usize) -> [usize; 3] {
    [columns.div_ceil(SIDE), rows.div_ceil(SIDE), blocks]
}

/// Which maps of a dispatch have 16 bits.
pub(super) fn halves(inputs: &[&Place], output: &Place) -> Halves {
    let half = |index: usize| inputs.get(index).is_some_and(|place| place.is_half());
    Halves { input: half(0), other_input: half(1), output: output.is_half(), weights: false }
}

/// Places and sides of two maps.
pub(super) fn pair(from: &Place, to: &Place) -> PairParams {
    PairParams {
        from_offset: from.offset(),
        from_image: from.image(),
        from_channels: from.shape.channels as u32,
        from_height: from.shape.height as u32,
        from_width: from.shape.width as u32,
        to_offset: to.offset(),
        to_image: to.image(),
        to_channels: to.shape.channels as u32,
        to_height: to.shape.height as u32,
        to_width: to.shape.width as u32,
        ..PairParams::default()
    }
}

/// Number of the function in the shaders, and its two settings.
pub(super) fn activation(activation: Activation) -> (u32, [f32; 2]) {
    match activation {
        Activation::None => (0, [0.0; 2]),
        Activation::Relu => (1, [0.0; 2]),
        Activation::LeakyRelu { slope } => (2, [slope, 0.0]),
        Activation::Clip { low, high } => (3, [low, high]),
        Activation::Sigmoid => (4, [0.0; 2]),
        Activation::HardSwish => (5, [0.0; 2]),
        Activation::Silu => (6, [0.0; 2]),
    }
}

/// What this engine does not do.
pub(super) fn fault(node: &Node, what: &'static str) -> Error {
    Error::NetworkNode { node: Text::new(&node.name), what }
}
