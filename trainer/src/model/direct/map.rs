//! Feature maps of a batch.

/// `[channel][batch][row][column]` numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Map {
    /// Channels.
    pub channels: usize,
    /// Images.
    pub batch: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// The numbers.
    pub data: Vec<f32>,
}

impl Map {
    /// All zeros.
    pub fn zeros(channels: usize, batch: usize, height: usize, width: usize) -> Self {
        Self { channels, batch, height, width, data: vec![0.0; channels * batch * height * width] }
    }

    /// Filled with anything, for a result that fills all of it.
    pub fn scratch(channels: usize, batch: usize, height: usize, width: usize) -> Self {
        Self { channels, batch, height, width, data: super::buffers::take(channels * batch * height * width) }
    }

    /// Hands the memory back for later maps.
    pub fn recycle(self) {
        super::buffers::give(self.data);
    }

    /// From numbers in `[batch][channel][row][column]` order.
    pub fn from_batch_first(data: &[f32], [batch, channels, height, width]: [usize; 4]) -> Self {
        let mut map = Self::zeros(channels, batch, height, width);
        map.data = swapped(data, batch, channels, height * width);
        map
    }

    /// The numbers in `[batch][channel][row][column]` order.
    pub fn to_batch_first(&self) -> Vec<f32> {
        swapped(&self.data, self.channels, self.batch, self.height * self.width)
    }

    /// Cells of one channel over the whole batch.
    pub fn channel_len(&self) -> usize {
        self.batch * self.height * self.width
    }

    /// Rows of one channel over the whole batch.
    pub fn rows(&self) -> usize {
        self.batch * self.height
    }
}

fn swapped(data: &[f32], outer: usize, inner: usize, plane: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(data.len());
    for i in 0..inner {
        for o in 0..outer {
            let start = (o * inner + i) * plane;
            out.extend_from_slice(&data[start..start + plane]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swaps_batch_and_channels() {
        let map = Map::from_batch_first(&[1., 2., 3., 4., 5., 6.], [2, 3, 1, 1]);
        assert_eq!(map.data, [1., 4., 2., 5., 3., 6.]);
        assert_eq!(map.to_batch_first(), [1., 2., 3., 4., 5., 6.]);
    }
}
