//! Weights in the order of the kernels.

use super::phases::Phase;
use super::places::BLOCK;
use crate::graph::Floats;
use alloc::vec;
use alloc::vec::Vec;
use half::f16;

/// Weights as the file has them.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a> {
    pub numbers: &'a Floats<'a>,
    pub bias: Option<&'a Floats<'a>>,
    /// Rows and columns of the window.
    pub kernel: [usize; 2],
    pub channels_in: usize,
    /// The lane of every input channel in the map, where there are gaps between them.
    pub lanes: Option<&'a [usize]>,
    pub channels_out: usize,
    pub groups: usize,
    /// `[in, out / groups, rows, columns]` and not `[out, in / groups, rows, columns]`.
    pub transposed: bool,
}

impl Weights<'_> {
    /// The weight from input channel `within` of a group to output channel `to` (of all) at a tap.
    fn at(&self, to: usize, within: usize, [row, column]: [usize; 2]) -> f32 {
        let group_out = self.channels_out / self.groups;
        let group_in = self.channels_in / self.groups;
        let pair = if self.transposed {
            (to / group_out * group_in + within) * group_out + to % group_out
        } else {
            to * group_in + within
        };
        self.numbers.at((pair * self.kernel[0] + row) * self.kernel[1] + column)
    }

    /// `[output block] vec4`; zeros where there is no bias.
    pub fn bias(&self) -> Vec<f32> {
        let mut bias = self.bias.map_or_else(|| vec![0.0; self.channels_out], Floats::to_vec);
        bias.resize(self.channels_out.next_multiple_of(BLOCK), 0.0);
        bias
    }

    /// `[tap][input lane, whole blocks][output block] vec4`; zeros where a lane holds no channel.
    pub fn dense(&self, phase: &Phase) -> Vec<f32> {
        let lanes = self.lanes.and_then(<[usize]>::last).map_or(self.channels_in, |last| last + 1);
        self.rows(phase, lanes.next_multiple_of(BLOCK))
    }

    /// `[tap][input channel][output block] vec4`.
    pub fn planes(&self, phase: &Phase) -> Vec<f32> {
        self.rows(phase, self.channels_in)
    }

    fn rows(&self, phase: &Phase, rows: usize) -> Vec<f32> {
        let row = self.channels_out.next_multiple_of(BLOCK);
        let mut packed = vec![0.0; phase.taps.len() * rows * row];
        for (tap, of_tap) in phase.taps.iter().zip(packed.chunks_exact_mut(rows * row)) {
            for from in 0..self.channels_in {
                let lane = self.lanes.map_or(from, |lanes| lanes[from]);
                for to in 0..self.channels_out {
                    of_tap[lane * row + to] = self.at(to, from, *tap);
                }
            }
        }
        packed
    }

    /// `[tap][block] vec4`, for one channel a group.
    pub fn depthwise(&self, phase: &Phase) -> Vec<f32> {
        let lanes = self.channels_out.next_multiple_of(BLOCK);
        let mut packed = vec![0.0; phase.taps.len() * lanes];
        for (tap, of_tap) in phase.taps.iter().zip(packed.chunks_exact_mut(lanes)) {
            for (to, number) in of_tap.iter_mut().enumerate().take(self.channels_out) {
                *number = self.at(to, 0, *tap);
            }
        }
        packed
    }

    /// `[output channel][input channel of the group][tap]`.
    pub fn grouped(&self, phase: &Phase) -> Vec<f32> {
        let mut packed = Vec::with_capacity(self.channels_out * self.channels_in / self.groups * phase.taps.len());
        for to in 0..self.channels_out {
            for within in 0..self.channels_in / self.groups {
                packed.extend(phase.taps.iter().map(|tap| self.at(to, within, *tap)));
            }
        }
        packed
    }
}

/// Numbers in 16 bits, each the nearest there is; beyond the largest of these they stay the largest.
pub(super) fn halved(numbers: &[f32]) -> Vec<u16> {
    let most = f16::MAX.to_f32();
    numbers.iter().map(|number| f16::from_f32(number.clamp(-most, most)).to_bits()).collect()
}
