//! Which kernel and tile a convolution gets: a table, of which the first row that fits is taken.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::fmt::Write as _;
use dormouse_shaders::Kernel;

/// What the table asks of one dispatch of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layer {
    /// It reads the image's planes.
    pub planes: bool,
    pub groups: Groups,
    pub window: Window,
    /// The larger one of input and output channels.
    pub channels: usize,
    /// Rows and columns of the result.
    pub size: [usize; 2],
    pub taps: usize,
    pub blocks_in: usize,
    pub blocks_out: usize,
}

/// How channels are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Groups {
    /// Every output channel reads every input channel.
    One,
    /// Every channel reads itself.
    EachChannel,
    Others,
}

/// What is read for one number of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Window {
    /// The map is one pixel, and so is the result.
    OnePixel,
    /// 3x3 neighbours in steps of 1.
    Plain3x3,
    Others,
}

/// What a workgroup makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tile {
    /// A square of pixels of some blocks of channels.
    Square { side: usize, blocks: usize },
    /// That many pixels, row by row, of some blocks.
    Run { pixels: usize, blocks: usize },
}

/// A row of the table. A layer fits if it meets all that the row asks.
pub(super) struct Row {
    pub kernel: Kernel,
    pub tile: Tile,
    planes: bool,
    groups: Groups,
    /// `None`: any.
    window: Option<Window>,
    most_channels: usize,
    most_blocks_out: usize,
    /// `conv_gemm` would make fewer workgroups than the first number, and there are at least as many rounds, each of a tap and some input
    /// blocks, as the second.
    shared: Option<(usize, usize)>,
}

/// Asks nothing but one group and maps in blocks.
const ANY: Row = Row {
    kernel: Kernel::ConvGemm,
    tile: Tile::Run { pixels: 64, blocks: 8 },
    planes: false,
    groups: Groups::One,
    window: None,
    most_channels: usize::MAX,
    most_blocks_out: usize::MAX,
    shared: None,
};

/// Input blocks of a round of `conv_split`.
const SPLIT_DEPTH: usize = 2;

/// Most input and output channels of `conv3x3`.
pub(super) const FEW_CHANNELS: usize = 32;

const PIXEL: Tile = Tile::Square { side: 8, blocks: 1 };
const SQUARE: Tile = Tile::Square { side: 16, blocks: 2 };
const NARROW: Tile = Tile::Run { pixels: 64, blocks: 4 };

/// `conv3x3` reads every input once a pair of output blocks and its weights without sharing them; beyond 32 channels the matrix product,
/// which shares both, has fewer reads an operation. Where `conv_gemm` would make fewer than 128 workgroups, most of a GPU would wait for a
/// few: `conv_split` makes at least as many, each with four times the invocations, if its teams have 16 rounds to share. All this is
/// reasoned and not measured.
pub(super) const TABLE: [Row; 8] = [
    Row { kernel: Kernel::ConvImage, tile: SQUARE, planes: true, ..ANY },
    Row { kernel: Kernel::Depthwise, tile: PIXEL, groups: Groups::EachChannel, ..ANY },
    Row { kernel: Kernel::ConvGrouped, tile: PIXEL, groups: Groups::Others, ..ANY },
    Row { kernel: Kernel::Dense, tile: Tile::Square { side: 1, blocks: 1 }, window: Some(Window::OnePixel), ..ANY },
    Row { kernel: Kernel::Conv3x3, tile: SQUARE, window: Some(Window::Plain3x3), most_channels: FEW_CHANNELS, ..ANY },
    Row { kernel: Kernel::ConvSplit, tile: NARROW, shared: Some((128, 16)), ..ANY },
    Row { kernel: Kernel::ConvGemm, tile: NARROW, most_blocks_out: 4, ..ANY },
    ANY,
];

impl Layer {
    /// The first row that fits. Layers in groups and those of planes have rows of their own, and all others fit the last one.
    pub fn choose(&self) -> &'static Row {
        TABLE.iter().find(|row| row.fits(self)).unwrap_or(&TABLE[TABLE.len() - 1])
    }
}

impl Row {
    fn fits(&self, layer: &Layer) -> bool {
        let window = self.window.is_none_or(|window| window == layer.window);
        let few = layer.channels <= self.most_channels && layer.blocks_out <= self.most_blocks_out;
        self.planes == layer.planes && (layer.planes || self.groups == layer.groups) && window && few && self.shares(layer)
    }

    /// Whether the map is small and the sums are long, where the row asks that.
    fn shares(&self, layer: &Layer) -> bool {
        let Some((most_groups, least_rounds)) = self.shared else { return true };
        let gemm = TABLE.iter().find(|row| row.kernel == Kernel::ConvGemm && layer.blocks_out <= row.most_blocks_out);
        let groups: usize = gemm.map_or(0, |row| row.tile.grid(layer.size, layer.blocks_out).iter().product());
        groups < most_groups && layer.taps * layer.blocks_in.div_ceil(SPLIT_DEPTH) >= least_rounds
    }
}

impl Tile {
    /// Workgroups for a result with these rows and columns, and so many blocks; the last number is multiplied by the images.
    pub fn grid(self, [rows, columns]: [usize; 2], all_blocks: usize) -> [usize; 3] {
        match self {
            Self::Square { side, blocks } => [columns.div_ceil(side), rows.div_ceil(side), all_blocks.div_ceil(blocks)],
            Self::Run { pixels, blocks } => [(rows * columns).div_ceil(pixels), all_blocks.div_ceil(blocks), 1],
        }
    }

    /// Blocks of a workgroup.
    pub fn blocks(self) -> usize {
        match self {
            Self::Square { blocks, .. } | Self::Run { blocks, .. } => blocks,
        }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels = 4 * self.blocks();
        match self {
            Self::Square { side, .. } => write!(f, "{side}x{side} px by {channels} channels"),
            Self::Run { pixels, .. } => write!(f, "{pixels} px by {channels} channels"),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = match self.groups {
            _ if self.planes => "the image's planes",
            Groups::One => "dense",
            Groups::EachChannel => "one channel a group",
            Groups::Others => "groups",
        };
        let mut asks = String::from(groups);
        match self.window {
            Some(Window::OnePixel) => asks.push_str(", one pixel"),
            Some(Window::Plain3x3) => asks.push_str(", 3x3 of step 1"),
            Some(Window::Others) | None => {}
        }
        if self.most_channels < usize::MAX {
            asks.push_str(&format!(", up to {} channels in and out", self.most_channels));
        }
        if self.most_blocks_out < usize::MAX {
            asks.push_str(&format!(", up to {} channels out", 4 * self.most_blocks_out));
        }
        if let Some((groups, rounds)) = self.shared {
            asks.push_str(&format!(", under {groups} workgroups of conv_gemm, {rounds} rounds or more"));
        }
        write!(f, "{:12}  {:24}  {asks}", self.kernel.name(), format!("{}", self.tile))
    }
}

/// The table as text: kernel, what a workgroup makes, and what a layer must be. The first row that fits is taken.
pub fn kernel_table() -> String {
    let mut text = format!("{:12}  {:24}  for layers that are\n", "kernel", "a workgroup makes");
    for row in &TABLE {
        let _ = writeln!(text, "{row}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYER: Layer = Layer {
        planes: false,
        groups: Groups::One,
        window: Window::Others,
        channels: 64,
        size: [96, 96],
        taps: 9,
        blocks_in: 16,
        blocks_out: 16,
    };

    fn chosen(layer: Layer) -> (Kernel, Tile) {
        let row = layer.choose();
        (row.kernel, row.tile)
    }

    #[test]
    fn every_row_is_the_first_one_for_some_layer() {
        let small = Layer { size: [12, 12], ..LAYER };
        let layers = [
            Layer { planes: true, groups: Groups::One, channels: 16, ..LAYER },
            Layer { groups: Groups::EachChannel, ..small },
            Layer { groups: Groups::Others, ..small },
            Layer { window: Window::OnePixel, size: [1, 1], taps: 1, ..LAYER },
            Layer { window: Window::Plain3x3, channels: 32, ..LAYER },
            small,
            Layer { blocks_out: 4, ..LAYER },
            LAYER,
        ];
        for (layer, row) in layers.into_iter().zip(&TABLE) {
            assert_eq!(chosen(layer), (row.kernel, row.tile), "{layer:?}");
        }
    }

    #[test]
    fn limits_are_where_the_table_says() {
        let plain = Layer { window: Window::Plain3x3, channels: 32, ..LAYER };
        assert_eq!(chosen(plain).0, Kernel::Conv3x3);
        assert_eq!(chosen(Layer { channels: 33, ..plain }).0, Kernel::ConvGemm);
        // 16 blocks are two workgroups in a column: 64 in a row are 128, which is no longer few.
        let few = Layer { size: [63, 64], ..LAYER };
        assert_eq!(few.choose().kernel, Kernel::ConvSplit);
        assert_eq!(chosen(Layer { size: [64, 64], ..few }).0, Kernel::ConvGemm);
        // One tap and 32 blocks are 16 rounds.
        let rounds = |blocks_in| chosen(Layer { taps: 1, blocks_in, ..few }).0;
        assert_eq!((rounds(31), rounds(30)), (Kernel::ConvSplit, Kernel::ConvGemm));
        assert_eq!(LAYER.choose().tile.grid([10, 7], 9), [2, 2, 1]);
        assert_eq!(SQUARE.grid([17, 16], 3), [1, 2, 2]);
    }
}
