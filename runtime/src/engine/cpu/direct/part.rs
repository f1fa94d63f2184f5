//! Weights of sums over taps, packed for register tiles.

use super::Field;
use super::phase::Tap;
use crate::engine::cpu::isa::Isa;
use crate::engine::cpu::micro::Run;
use crate::engine::cpu::pack::Groups;
use crate::graph::Floats;
use alloc::vec::Vec;

/// Weights as the graph holds them.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine::cpu) struct Weights<'a> {
    /// `[out][in / groups][rows][columns]`, transposed `[in][out / groups][rows][columns]`.
    pub numbers: &'a Floats<'a>,
    /// One number per output channel.
    pub bias: Option<&'a Floats<'a>>,
    /// Rows and columns.
    pub kernel: [usize; 2],
    /// Input channels.
    pub channels_in: usize,
    /// Output channels.
    pub channels_out: usize,
    /// Parts that do not see each other.
    pub groups: usize,
    /// Whether input channels come first.
    pub transposed: bool,
}

impl Weights<'_> {
    /// Input channels that an output channel sees.
    fn seen_by(&self, out: usize) -> core::ops::Range<usize> {
        let (of_in, of_out) = (self.channels_in / self.groups, self.channels_out / self.groups);
        let group = out / of_out;
        group * of_in..(group + 1) * of_in
    }

    /// One weight; 0 between channels of different groups.
    fn at(&self, out: usize, input: usize, [ky, kx]: [usize; 2]) -> f32 {
        if !self.seen_by(out).contains(&input) {
            return 0.0;
        }
        let (of_in, of_out) = (self.channels_in / self.groups, self.channels_out / self.groups);
        let channels = if self.transposed { input * of_out + out % of_out } else { out * of_in + input % of_in };
        self.numbers.at((channels * self.kernel[0] + ky) * self.kernel[1] + kx)
    }
}

/// Runs and weights of one group of output blocks.
pub(super) struct Part {
    /// What a register tile reads, from the input of its first output on.
    pub runs: Vec<Run>,
    /// `[k][lane]` of the group's one or two blocks.
    pub weights: Vec<f32>,
}

impl Part {
    /// The parts of all groups.
    pub fn all(field: &Field, taps: &[Tap], weights: &Weights<'_>, groups: Groups, isa: Isa) -> Vec<Self> {
        groups.each().map(|group| Self::of(field, taps, weights, group, isa)).collect()
    }

    /// Planes that none of the group's channels sees are left out.
    fn of(field: &Field, taps: &[Tap], weights: &Weights<'_>, (first, blocks): (usize, usize), isa: Isa) -> Self {
        let lanes = blocks * isa.lanes();
        let outs = first * isa.lanes()..(first * isa.lanes() + lanes).min(weights.channels_out);
        let seen = weights.seen_by(outs.start).start..weights.seen_by(outs.end - 1).end;
        let room = (seen.len() + 2 * isa.lanes()) * taps.len() * lanes;
        let mut part = Self { runs: Vec::new(), weights: Vec::with_capacity(room) };
        let mut channel = 0;
        for plane in &field.planes {
            let channels = channel..channel + plane.channels;
            channel = channels.end;
            if channels.end <= seen.start || channels.start >= seen.end {
                continue;
            }
            for tap in taps {
                let offset = plane.offset + tap.at[0] * field.row_len() + tap.at[1] * field.column;
                match part.runs.last_mut() {
                    Some(run) if run.offset + run.len == offset => run.len += plane.channels,
                    _ => part.runs.push(Run { offset, len: plane.channels }),
                }
                for input in channels.clone() {
                    let row = part.weights.len();
                    part.weights.resize(row + lanes, 0.0);
                    for (lane, out) in part.weights[row..].iter_mut().zip(outs.clone()) {
                        *lane = weights.at(out, input, tap.kernel);
                    }
                }
            }
        }
        part
    }

    /// Bytes of some parts.
    pub fn bytes(parts: &[Self]) -> usize {
        parts.iter().map(|p| size_of_val(&p.weights[..]) + size_of_val(&p.runs[..])).sum()
    }
}
