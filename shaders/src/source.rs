//! The text of a kernel, for numbers of 32 bits in memory and for those of 16.

use crate::Kernel;
use alloc::string::String;

const ACTIVATION: &str = include_str!("../kernels/activation.wgsl");
const STORED: &str = include_str!("../kernels/stored.wgsl");
const STORED_HALF: &str = include_str!("../kernels/stored_half.wgsl");

/// Which buffers of a kernel hold numbers of 16 bits, `f16`; others hold `f32`, and what is computed in between has 32 bits always.
/// Kernels that read no maps or weights have none of these buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Halves {
    /// The first map that is read.
    pub input: bool,
    /// The second map.
    pub other_input: bool,
    /// The map that is written.
    pub output: bool,
    /// Weights of convolutions and fully connected layers. Biases, factors and summands stay whole: they are few.
    pub weights: bool,
}

impl Halves {
    /// None of them.
    pub const NONE: Self = Self { input: false, other_input: false, output: false, weights: false };

    /// Whether the device must know `f16`.
    pub const fn any(self) -> bool {
        self.input || self.other_input || self.output || self.weights
    }
}

/// The lines that name the numbers in memory, as the files have them and for 16 bits.
const INPUT: [&str; 2] = ["alias MapIn = vec4<f32>;", "alias MapIn = vec4<f16>;"];
const OTHER_INPUT: [&str; 2] = ["alias OtherIn = vec4<f32>;", "alias OtherIn = vec4<f16>;"];
const OUTPUT: [&str; 2] = ["alias NumberOut = f32;", "alias NumberOut = f16;"];
const WEIGHT: [&str; 2] = ["alias Weight = vec4<f32>;", "alias Weight = vec4<f16>;"];
const SINGLE_WEIGHT: [&str; 2] = ["alias Weight = f32;", "alias Weight = f16;"];

impl Kernel {
    /// Its whole text: what stands before it, and its file with the types of the numbers in memory.
    pub fn source(self, halves: Halves) -> String {
        let mut text = String::new();
        if halves.any() {
            text.push_str("enable f16;\n");
        }
        if self.writes_maps() {
            text.push_str(if halves.output { STORED_HALF } else { STORED });
        }
        if self.activates() {
            text.push_str(ACTIVATION);
        }
        let mut file = String::from(self.file());
        let lines = [
            (halves.input, INPUT),
            (halves.other_input, OTHER_INPUT),
            (halves.output, OUTPUT),
            (halves.weights, WEIGHT),
            (halves.weights, SINGLE_WEIGHT),
        ];
        for (_, [whole, half]) in lines.iter().filter(|(halved, _)| *halved) {
            file = file.replace(whole, half);
        }
        text.push_str(&file);
        text
    }

    /// The buffers that can hold numbers of 16 bits.
    pub fn halvable(self) -> Halves {
        let has = |[whole, _]: [&str; 2]| self.file().contains(whole);
        Halves {
            input: has(INPUT),
            other_input: has(OTHER_INPUT),
            output: has(OUTPUT) || self.writes_maps(),
            weights: has(WEIGHT) || has(SINGLE_WEIGHT),
        }
    }

    /// Whether it writes blocks of four channels.
    fn writes_maps(self) -> bool {
        self.file().contains("array<MapOut>")
    }

    /// Whether an activation ends it.
    const fn activates(self) -> bool {
        matches!(
            self,
            Self::ConvGemm
                | Self::ConvSplit
                | Self::Conv3x3
                | Self::ConvImage
                | Self::Depthwise
                | Self::ConvGrouped
                | Self::Dense
                | Self::Pointwise
        )
    }
}
