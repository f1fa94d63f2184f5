//! Maps with zeros between rows and images, so that a convolution is a sum of shifted copies of one long row of numbers.

use super::map::Map;
use std::ops::Range;

/// Numbers that a kernel may read beyond the last cell: a whole tile of the widest vectors.
pub const SLACK: usize = 64;

/// Per channel one long row: `half` rows of zeros, then per image its rows, each followed by `half` zeros, and `half` rows of
/// zeros. A neighbour outside of the image is then always a zero, whichever way it lies: rows share the zeros between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Padded {
    /// Channels.
    pub channels: usize,
    /// Cells from one row to the next.
    pub row_len: usize,
    /// Rows with a cell in them, zero rows between images included.
    pub rows: usize,
    /// Zeros in front of the first cell.
    pub lead: usize,
    /// Numbers per channel.
    pub channel_len: usize,
    /// The numbers, channel by channel.
    pub data: Vec<f32>,
    half: usize,
    height: usize,
    width: usize,
}

impl Padded {
    /// Pads `x` for kernels of side `2 * half + 1`. Where `mask` is given, cells at which it is not positive become zero: the
    /// gradient of a ReLU whose result was `mask`.
    pub fn new(x: &Map, half: usize, mask: Option<&Map>) -> Self {
        Self::of(x, 0..x.channels, half, mask)
    }

    /// The same of some channels alone.
    pub fn of(x: &Map, channels: Range<usize>, half: usize, mask: Option<&Map>) -> Self {
        let row_len = x.width + half;
        let rows = x.batch * (x.height + half);
        let lead = half * row_len + half;
        let channel_len = lead + rows * row_len + lead + SLACK;
        let mut padded = Self {
            channels: channels.len(),
            row_len,
            rows,
            lead,
            channel_len,
            data: super::buffers::take(channels.len() * channel_len),
            half,
            height: x.height,
            width: x.width,
        };
        padded.fill(x, channels.start, mask);
        padded
    }

    fn fill(&mut self, x: &Map, first: usize, mask: Option<&Map>) {
        use rayon::prelude::*;
        let (lead, row_len, half, height, width) = (self.lead, self.row_len, self.half, self.height, self.width);
        let plane = x.channel_len();
        self.data.par_chunks_mut(self.channel_len.max(1)).enumerate().for_each(|(channel, out)| {
            let channel = first + channel;
            let rows = x.data[channel * plane..(channel + 1) * plane].chunks_exact(width.max(1));
            // The buffer may hold anything: what lies between two rows is set to zero as well.
            let mut end = 0;
            for (row, values) in rows.enumerate() {
                let at = lead + (row / height * (height + half) + row % height) * row_len;
                out[end..at].fill(0.0);
                end = at + width;
                let out = &mut out[at..end];
                match mask {
                    None => out.copy_from_slice(values),
                    Some(mask) => {
                        let y = &mask.data[channel * plane + row * width..][..width];
                        out.iter_mut().zip(values).zip(y).for_each(|((o, v), y)| *o = if *y > 0.0 { *v } else { 0.0 });
                    }
                }
            }
            out[end..].fill(0.0);
        });
    }

    /// Hands the memory back for later maps.
    pub fn recycle(self) {
        super::buffers::give(self.data);
    }

    /// How far before a cell's own place the kernel's taps read, row by row: the place of tap (0, 0) is `lead` before a cell.
    pub fn taps(&self, kernel: usize) -> Vec<usize> {
        (0..kernel * kernel).map(|t| t / kernel * self.row_len + t % kernel).collect()
    }

    /// Splits the rows into tiles of about `cells` cells; the split depends on the sizes alone.
    pub fn tiles(&self, cells: usize) -> Vec<Range<usize>> {
        let per_tile = (cells / self.row_len.max(1)).clamp(1, self.rows.div_ceil(4).max(1));
        (0..self.rows).step_by(per_tile).map(|start| start..(start + per_tile).min(self.rows)).collect()
    }

    /// Columns of the map.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Row of the map that a padded row holds, if it holds one.
    pub fn map_row(&self, row: usize) -> Option<usize> {
        let (image, within) = (row / (self.height + self.half), row % (self.height + self.half));
        (within < self.height).then_some(image * self.height + within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_outside_are_zero() {
        let x = Map::from_batch_first(&[1., 2., 3., 4., 5., 6., 7., 8.], [2, 1, 2, 2]);
        let p = Padded::new(&x, 1, None);
        let at = |image: usize, y: usize, x: usize, tap: usize| p.data[(image * 3 + y) * p.row_len + x + p.taps(3)[tap]];
        let around = |image, y, x| (0..9).map(|t| at(image, y, x, t)).collect::<Vec<f32>>();
        assert_eq!(around(0, 0, 0), [0., 0., 0., 0., 1., 2., 0., 3., 4.]);
        assert_eq!(around(0, 1, 1), [1., 2., 0., 3., 4., 0., 0., 0., 0.]);
        assert_eq!(around(1, 0, 0), [0., 0., 0., 0., 5., 6., 0., 7., 8.]);
        assert_eq!((0..p.rows).map(|r| p.map_row(r)).collect::<Vec<_>>(), [Some(0), Some(1), None, Some(2), Some(3), None]);
    }

    #[test]
    fn a_mask_cuts() {
        let x = Map::from_batch_first(&[1., 2., 3., 4.], [1, 1, 2, 2]);
        let y = Map::from_batch_first(&[0., 1., 1., 0.], [1, 1, 2, 2]);
        let p = Padded::new(&x, 0, Some(&y));
        assert_eq!(p.data[..4], [0., 2., 3., 0.]);
    }
}
