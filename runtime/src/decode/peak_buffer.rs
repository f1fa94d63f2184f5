//! Peaks of one frame in flat memory that is planned once.

use crate::engine::Found;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// A maximum of a confidence map, in cells of that map.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Peak {
    /// Column in cells; an integer until refined.
    pub x: f32,
    /// Row in cells; an integer until refined.
    pub y: f32,
    /// Confidence-map value at the unrefined cell; finite.
    pub value: f32,
}

impl Peak {
    /// Earlier in row-major order comes first.
    fn raster_order(&self, other: &Self) -> Ordering {
        (self.y, self.x).partial_cmp(&(other.y, other.x)).unwrap_or(Ordering::Equal)
    }

    /// Whether this peak has to go before `other` when room is short: lower value, among equals the later in raster order.
    fn is_weaker_than(&self, other: &Self) -> bool {
        self.value < other.value || (self.value == other.value && self.raster_order(other) == Ordering::Greater)
    }
}

/// Up to `max_peaks` peaks for each of `channels` maps. Never grows: surplus peaks push out the weakest and are counted.
#[derive(Debug, Clone)]
pub struct PeakBuffer {
    peaks: Vec<Peak>,
    counts: Vec<usize>,
    max_peaks: usize,
    overflow: u32,
}

impl PeakBuffer {
    /// Plans memory for `channels * max_peaks` peaks.
    pub fn new(channels: usize, max_peaks: usize) -> Self {
        Self { peaks: vec![Peak::default(); channels * max_peaks], counts: vec![0; channels], max_peaks, overflow: 0 }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.counts.len()
    }

    /// Peaks that fit into one channel.
    pub fn max_peaks(&self) -> usize {
        self.max_peaks
    }

    /// Peaks dropped since the last [`clear`](Self::clear).
    pub fn overflow(&self) -> u32 {
        self.overflow
    }

    /// Removes all peaks and keeps the memory.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        self.overflow = 0;
    }

    /// Peaks of `channel`; empty if there is no such channel.
    pub fn channel(&self, channel: usize) -> &[Peak] {
        let start = channel * self.max_peaks;
        self.counts.get(channel).map_or(&[], |&count| &self.peaks[start..start + count])
    }

    /// Peaks of `channel`, to be refined in place; empty if there is no such channel.
    pub fn channel_mut(&mut self, channel: usize) -> &mut [Peak] {
        let start = channel * self.max_peaks;
        match self.counts.get(channel) {
            Some(&count) => &mut self.peaks[start..start + count],
            None => &mut [],
        }
    }

    /// Takes over peaks that an engine found: as many channels and peaks as fit.
    pub(super) fn take(&mut self, found: &Found<'_>) {
        self.clear();
        let rooms = self.peaks.chunks_exact_mut(self.max_peaks.max(1)).zip(&mut self.counts);
        for ((room, count), list) in rooms.zip(found.lists()) {
            room.iter_mut().zip(list).for_each(|(peak, &[x, y, value])| *peak = Peak { x, y, value });
            *count = list.len().min(room.len());
        }
        self.overflow = found.overflow();
    }

    /// Fills `channel` anew; peaks must come in raster order. The returned writer must be
    /// [finished](ChannelWriter::finish). `None` if there is no such channel.
    pub(super) fn write(&mut self, channel: usize) -> Option<ChannelWriter<'_>> {
        let start = channel * self.max_peaks;
        let count = self.counts.get_mut(channel)?;
        *count = 0;
        Some(ChannelWriter {
            room: &mut self.peaks[start..start + self.max_peaks],
            count,
            overflow: &mut self.overflow,
            surplus: 0,
        })
    }
}

/// Fills one channel. While there is room it appends; afterwards the room is a heap with the weakest peak on top, so that
/// even a map full of noise costs `O(peaks * log(max_peaks))`.
pub(super) struct ChannelWriter<'a> {
    room: &'a mut [Peak],
    count: &'a mut usize,
    overflow: &'a mut u32,
    surplus: u32,
}

impl ChannelWriter<'_> {
    /// Adds the next peak in raster order.
    pub(super) fn push(&mut self, peak: Peak) {
        if let Some(slot) = self.room.get_mut(*self.count) {
            *slot = peak;
            *self.count += 1;
            return;
        }
        if self.surplus == 0 {
            for top in (0..self.room.len() / 2).rev() {
                sift_down(self.room, top);
            }
        }
        self.surplus = self.surplus.saturating_add(1);
        if let Some(weakest) = self.room.first_mut()
            && weakest.is_weaker_than(&peak)
        {
            *weakest = peak;
            sift_down(self.room, 0);
        }
    }

    /// Restores raster order and counts what was dropped.
    pub(super) fn finish(self) {
        if self.surplus > 0 {
            self.room.sort_unstable_by(Peak::raster_order);
            *self.overflow = self.overflow.saturating_add(self.surplus);
        }
    }
}

/// Lets `heap[top]` sink below every weaker peak.
fn sift_down(heap: &mut [Peak], mut top: usize) {
    loop {
        let left = 2 * top + 1;
        let Some(mut weakest) = heap.get(left) else { return };
        let mut child = left;
        if let Some(right) = heap.get(left + 1)
            && right.is_weaker_than(weakest)
        {
            weakest = right;
            child = left + 1;
        }
        if !weakest.is_weaker_than(&heap[top]) {
            return;
        }
        heap.swap(top, child);
        top = child;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn raster(values: &[f32]) -> Vec<Peak> {
        values.iter().enumerate().map(|(i, &value)| Peak { x: (i % 5) as f32, y: (i / 5) as f32, value }).collect()
    }

    fn stored(values: &[f32], max_peaks: usize) -> PeakBuffer {
        let mut buffer = PeakBuffer::new(2, max_peaks);
        let mut writer = buffer.write(1).unwrap();
        raster(values).into_iter().for_each(|p| writer.push(p));
        writer.finish();
        buffer
    }

    #[test]
    fn capacity_overflow_keeps_the_strongest_in_raster_order() {
        let buffer = stored(&[0.5, 0.9, 0.3, 0.8, 0.3, 0.7], 3);
        let values: Vec<f32> = buffer.channel(1).iter().map(|p| p.value).collect();
        assert_eq!(values, [0.9, 0.8, 0.7]);
        assert_eq!(buffer.overflow(), 3);
        assert!(buffer.channel(0).is_empty() && buffer.channel(2).is_empty());
    }

    #[test]
    fn among_equal_values_the_first_stay() {
        let buffer = stored(&[0.5; 7], 2);
        assert_eq!(buffer.channel(1), &raster(&[0.5; 2])[..]);
    }

    proptest! {
        #[test]
        fn overflow_agrees_with_sorting(levels in prop::collection::vec(0_u8..6, 0..60), max_peaks in 1_usize..12) {
            let values: Vec<f32> = levels.iter().map(|&v| f32::from(v) / 8.0).collect();
            let mut expected = raster(&values);
            expected.sort_by(|a, b| b.value.total_cmp(&a.value)); // stable: the first of equals stays first
            expected.truncate(max_peaks);
            expected.sort_by(|a, b| a.raster_order(b));
            let buffer = stored(&values, max_peaks);
            prop_assert_eq!(buffer.channel(1), &expected[..]);
            prop_assert_eq!(buffer.overflow() as usize, values.len().saturating_sub(max_peaks));
        }
    }
}
