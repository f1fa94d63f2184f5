//! Borrowed views of network outputs.

/// Maps of one image: `[channels, height, width]`, row-major, channel by channel.
#[derive(Debug, Clone, Copy)]
pub struct Maps<'a> {
    data: &'a [f32],
    channels: usize,
    height: usize,
    width: usize,
}

impl<'a> Maps<'a> {
    /// Wraps `channels * height * width` values; `None` if the slice has another length.
    pub fn new(data: &'a [f32], channels: usize, height: usize, width: usize) -> Option<Self> {
        let len = channels.checked_mul(height)?.checked_mul(width)?;
        (data.len() == len).then_some(Self { data, channels, height, width })
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Values of one channel, `height * width`, row-major.
    ///
    /// # Panics
    /// If `channel` is out of range.
    pub fn channel(&self, channel: usize) -> &'a [f32] {
        let len = self.height * self.width;
        &self.data[channel * len..(channel + 1) * len]
    }
}
