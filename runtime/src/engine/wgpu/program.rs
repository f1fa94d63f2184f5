//! A network as dispatches: plain data, made without a GPU.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use dormouse_shaders::{Halves, Kernel};

/// Parts of the constants begin at multiples of this many bytes, the most that a device may ask of storage offsets.
const CONSTANT_ALIGN: usize = 256;

/// A buffer of a dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// The images as they were given.
    Image,
    /// A buffer of maps.
    Maps(usize),
    /// What is read back.
    Results,
}

/// Three numbers of workgroups in a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The buffer.
    pub buffer: Slot,
    /// The first of them, in words of 4 bytes.
    pub word: usize,
    /// Most images that they can be for.
    pub most_images: usize,
}

/// One dispatch.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispatch {
    /// Node of the graph that it came from.
    pub node: String,
    /// What runs.
    pub kernel: Kernel,
    /// Override constants.
    pub overrides: Vec<(&'static str, u32)>,
    /// Which of its buffers hold numbers of 16 bits.
    pub halves: Halves,
    /// Bytes of its uniform.
    pub params: Vec<u8>,
    /// Bytes of the program's constants, one range per constant binding.
    pub constants: Vec<Range<usize>>,
    /// What it reads.
    pub inputs: Vec<Slot>,
    /// What it writes.
    pub output: Slot,
    /// Workgroups for one image; the last number is multiplied by the images.
    pub grid: [u32; 3],
    /// Where the device itself counts the workgroups for all images, if it does.
    pub counted: Option<Counted>,
    /// Multiplications and additions of the operator by its definition, for one image.
    pub flop: u64,
    /// Bytes of the maps that it reads, each once with its filled-up blocks, and of its constants, for one image.
    pub read_bytes: u64,
    /// Bytes of the map that it writes, for one image.
    pub write_bytes: u64,
}

/// Where an output lies in what is read back, in numbers: begin, distance of images, and channels, height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OutputPlace {
    pub offset: usize,
    pub image: usize,
    pub sides: [usize; 3],
}

/// All dispatches of a network for one input size, and the memory that they need.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    pub(super) dispatches: Vec<Dispatch>,
    pub(super) constants: Vec<u8>,
    /// Bytes of each buffer of maps, for all images.
    pub(super) buffers: Vec<u64>,
    pub(super) image_bytes: u64,
    pub(super) result_bytes: u64,
    pub(super) outputs: Vec<OutputPlace>,
    pub(super) least_bytes: u64,
}

impl Program {
    /// The dispatches in order.
    pub fn dispatches(&self) -> &[Dispatch] {
        &self.dispatches
    }

    /// Bytes of all buffers of maps, of the images and of the results.
    pub fn arena_bytes(&self) -> u64 {
        self.buffers.iter().sum::<u64>() + self.image_bytes + self.result_bytes
    }

    /// Number of buffers of maps.
    pub fn buffers(&self) -> usize {
        self.buffers.len()
    }

    /// Bytes of weights and tables.
    pub fn constant_bytes(&self) -> usize {
        self.constants.len()
    }

    /// Operations of one image.
    pub fn flop(&self) -> u64 {
        self.dispatches.iter().map(|d| d.flop).sum()
    }

    /// Bytes that one image moves: every dispatch reads its inputs and constants once and writes its output once, blocks filled up.
    /// What a workgroup reads again, of halos and for other output channels, is not counted: it comes from caches.
    pub fn moved_bytes(&self) -> u64 {
        self.dispatches.iter().map(|d| d.read_bytes + d.write_bytes).sum()
    }

    /// The fewest bytes that one image can move layer by layer: each layer reads its inputs and weights once and writes its output
    /// once; joins, enlargements and max-pools are no layers, since one beside them can do them on its way.
    pub fn least_bytes(&self) -> u64 {
        self.least_bytes
    }

    /// Takes over the dispatches of another network, whose images lie in one more buffer. Places in the other's buffers move by the
    /// number that is given back.
    pub(super) fn append(&mut self, other: Self, image: Slot) -> usize {
        let first_buffer = self.buffers.len();
        self.constants.resize(self.constants.len().next_multiple_of(CONSTANT_ALIGN), 0);
        let first_constant = self.constants.len();
        let slot = |slot: Slot| match slot {
            Slot::Image => image,
            Slot::Maps(index) => Slot::Maps(first_buffer + index),
            Slot::Results => Slot::Results,
        };
        self.dispatches.extend(other.dispatches.into_iter().map(|dispatch| Dispatch {
            constants: dispatch.constants.iter().map(|r| first_constant + r.start..first_constant + r.end).collect(),
            inputs: dispatch.inputs.iter().map(|input| slot(*input)).collect(),
            output: slot(dispatch.output),
            ..dispatch
        }));
        self.buffers.extend(other.buffers);
        self.constants.extend(other.constants);
        self.least_bytes += other.least_bytes;
        first_buffer
    }

    /// One more buffer of that many bytes.
    pub(super) fn buffer(&mut self, bytes: u64) -> Slot {
        self.buffers.push(bytes);
        Slot::Maps(self.buffers.len() - 1)
    }

    /// Appends constants.
    pub(super) fn constant<T: bytemuck::NoUninit>(&mut self, numbers: &[T]) -> Range<usize> {
        self.constants.resize(self.constants.len().next_multiple_of(CONSTANT_ALIGN), 0);
        let start = self.constants.len();
        self.constants.extend_from_slice(bytemuck::cast_slice(numbers));
        // Bindings end at whole words.
        self.constants.resize(self.constants.len().next_multiple_of(4), 0);
        // A binding holds at least one vec4, even for a window that no tap reaches.
        if self.constants.len() < start + 16 {
            self.constants.resize(start + 16, 0);
        }
        start..self.constants.len()
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.dispatches.iter().map(|d| d.node.chars().count()).max().unwrap_or(0).max(4);
        writeln!(
            f,
            "{:width$}  {:12}  {:>16}  {:>8}  {:>8}  {:>9}",
            "node", "kernel", "workgroups", "MFLOP", "MB moved", "FLOP/byte"
        )?;
        for d in &self.dispatches {
            let moved = (d.read_bytes + d.write_bytes) as f64;
            let (grid, kernel) = (alloc::format!("{}x{}x{}", d.grid[0], d.grid[1], d.grid[2]), d.kernel.name());
            write!(f, "{:width$}  {kernel:12}  {grid:>16}  {:8.1}  {:8.2}", d.node, d.flop as f64 / 1e6, moved / 1e6)?;
            writeln!(f, "  {:9.1}", d.flop as f64 / moved.max(1.0))?;
        }
        let mb = |bytes: u64| bytes as f64 / 1e6;
        writeln!(
            f,
            "{} dispatches, {:.3} GFLOP; {:.1} MB moved an image, {:.2} times the least of {:.1} MB",
            self.dispatches.len(),
            self.flop() as f64 / 1e9,
            mb(self.moved_bytes()),
            self.moved_bytes() as f64 / self.least_bytes.max(1) as f64,
            mb(self.least_bytes)
        )?;
        write!(
            f,
            "{:.1} MB in {} buffers of maps, images and results; {:.1} MB of constants",
            mb(self.arena_bytes()),
            self.buffers() + 2,
            self.constants.len() as f64 / 1e6
        )
    }
}
