//! The one error type of the runtime: small, without heap payload, saying what was expected and what was found.

use core::fmt;

/// Why a bundle, a frame or an estimation was refused.
///
/// Every variant is `Copy`-sized data without heap payload, so that it can be produced and passed on in firmware.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes do not start with the bundle's magic.
    #[error("not a dormouse bundle: the first 8 bytes are not the magic \"DORMOUSE\"")]
    NotABundle,
    /// The bundle was written by an incompatible version.
    #[error("bundle format {major}.{minor} cannot be read: this runtime reads major version {supported}")]
    UnsupportedVersion {
        /// Major version found in the file.
        major: u16,
        /// Minor version found in the file.
        minor: u16,
        /// Major version that this runtime reads.
        supported: u16,
    },
    /// The bundle ends early or claims lengths that it does not have.
    #[error("bundle is cut off or inconsistent at {what}: expected {expected} bytes, got {got}")]
    Truncated {
        /// Which part was being read.
        what: &'static str,
        /// Bytes that part needs.
        expected: u64,
        /// Bytes that are there.
        got: u64,
    },
    /// A checksum does not match.
    #[error("bundle is damaged: CRC-32C of {what} is {got:#010x}, the file says {expected:#010x}")]
    Checksum {
        /// Which part was checked.
        what: &'static str,
        /// Checksum stored in the file.
        expected: u32,
        /// Checksum of the bytes that are there.
        got: u32,
    },
    /// A required section is not in the bundle.
    #[error("bundle has no section \"{0}\"")]
    MissingSection(Text),
    /// The section table breaks a rule of the format.
    #[error("bundle section table is invalid: {0}")]
    InvalidTable(&'static str),
    /// A section does not decode.
    #[error("bundle section \"{section}\" cannot be decoded: {what}")]
    Decode {
        /// Section name.
        section: &'static str,
        /// What was wrong.
        what: &'static str,
    },
    /// The configuration contradicts itself or exceeds a limit.
    #[error("invalid configuration: {field}: {what}")]
    InvalidConfig {
        /// Field at fault.
        field: &'static str,
        /// Rule that it breaks.
        what: &'static str,
    },
    /// The frame's dimensions are zero or beyond the limit.
    #[error("frame size {width_px}x{height_px} px is not supported: each side must be 1 to {max_px}")]
    FrameSize {
        /// Width given.
        width_px: u32,
        /// Height given.
        height_px: u32,
        /// Largest side that is accepted.
        max_px: u32,
    },
    /// The frame's buffer is too short for its dimensions.
    #[error(
        "frame buffer is too short: {width_px}x{height_px} px with row stride {row_stride} needs {expected} bytes, got {got}"
    )]
    FrameBuffer {
        /// Width given.
        width_px: u32,
        /// Height given.
        height_px: u32,
        /// Bytes from one row to the next.
        row_stride: usize,
        /// Bytes that are needed.
        expected: usize,
        /// Bytes in the buffer.
        got: usize,
    },
    /// The row stride is smaller than one row of pixels.
    #[error("row stride is {got} bytes, but one row of pixels has {expected}")]
    RowStride {
        /// Bytes of one row.
        expected: usize,
        /// Stride given.
        got: usize,
    },
    /// A frame of another size than the one that was prepared for.
    #[error(
        "frame is {got_width_px}x{got_height_px} px, but the estimator is prepared for {width_px}x{height_px}: call `prepare` or set `Options::on_size_change` to `Reprepare`"
    )]
    SizeChanged {
        /// Prepared width.
        width_px: u32,
        /// Prepared height.
        height_px: u32,
        /// Width of this frame.
        got_width_px: u32,
        /// Height of this frame.
        got_height_px: u32,
    },
    /// The chosen engine is not compiled in.
    #[error("engine `{0}` is not part of this build: enable the crate feature of that name")]
    EngineMissing(&'static str),
    /// Frames were submitted or finished in another order or number than is possible.
    #[error("frames on their way: {0}")]
    InFlight(&'static str),
    /// An engine refused a network or failed while running it.
    #[error("engine `{engine}` failed to {action}: {detail}")]
    Engine {
        /// Engine name.
        engine: &'static str,
        /// What it was doing.
        action: &'static str,
        /// The engine's own words, cut to fit.
        detail: Text,
    },
    /// There is no GPU that engine wgpu can use, or it cannot hold the network.
    #[error("GPU {adapter}: {what}")]
    Gpu {
        /// Name of the adapter and its driver, cut to fit.
        adapter: Text<95>,
        /// What is missing.
        what: &'static str,
    },
    /// A GPU whose limits are too low for a network.
    #[error("GPU {adapter} is too small: {limit} must be at least {needed}, it is {has}")]
    GpuLimit {
        /// Name of the adapter and its driver, cut to fit.
        adapter: Text<79>,
        /// The limit, by wgpu's name.
        limit: &'static str,
        /// What is needed.
        needed: u64,
        /// What the device has.
        has: u64,
    },
    /// The bytes of a network are not what ONNX promises.
    #[error("network cannot be read at {place}: {what}")]
    NetworkFile {
        /// Which part of the file: a message, a tensor or a value.
        place: Text,
        /// Rule that it breaks.
        what: &'static str,
    },
    /// The network has an operator that our own engines do not know.
    #[error("network \"{graph}\": node \"{node}\" is a {op}, which this engine does not know")]
    UnknownOperator {
        /// Graph name.
        graph: Text<31>,
        /// Node name, or the name of its first output.
        node: Text<47>,
        /// Operator, with its domain if that is not ONNX's own.
        op: Text<31>,
    },
    /// A node of the network asks for something that cannot be done, or that our own engines do not do.
    #[error("network node \"{node}\": {what}")]
    NetworkNode {
        /// Node name, or the name of its first output.
        node: Text<63>,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A weight of the network is infinite or not a number: a training went wrong, or the file is damaged. Without this, maps full of
    /// such numbers would look like frames without animals.
    #[error("network node \"{node}\": weight {index} is {value}, which makes its results meaningless")]
    NotFinite {
        /// Node name, or the name of its first output.
        node: Text<63>,
        /// Place among the numbers of that weight.
        index: usize,
        /// The number.
        value: f32,
    },
    /// A node of the network meets maps of a shape that it cannot work on.
    #[error("network node \"{node}\" meets maps {shape:?} (batch, channels, height, width): {what}")]
    NetworkShape {
        /// Node name.
        node: Text<63>,
        /// Shape of the maps in question; sides beyond 32 bits are shown as the largest number.
        shape: [u32; 4],
        /// What is wrong with it.
        what: &'static str,
    },
    /// The network's output does not have the shape that the configuration promises.
    #[error("network output \"{output}\" has shape {got:?}, expected {expected:?} (batch, channels, height, width)")]
    OutputShape {
        /// Output name.
        output: Text,
        /// Shape by the configuration.
        expected: [u32; 4],
        /// Shape produced.
        got: [u32; 4],
    },
    /// The self-test stored in the bundle gave other poses here.
    #[error("self-test failed: {what} (worst keypoint is off by {worst_px} px, tolerance {tolerance_px} px)")]
    SelfTest {
        /// What differed.
        what: &'static str,
        /// Largest keypoint distance in pixels.
        worst_px: f32,
        /// Tolerance stored in the bundle.
        tolerance_px: f32,
    },
    /// A file could not be read.
    #[cfg(feature = "std")]
    #[error("cannot read the bundle file: {0}")]
    Io(std::io::ErrorKind),
}

/// A short text kept inside an error value: up to `N` bytes, at most 255; longer texts are cut at a character boundary.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text<const N: usize = 71> {
    bytes: [u8; N],
    len: u8,
}

impl<const N: usize> Text<N> {
    /// Bytes kept.
    pub const CAPACITY: usize = if N < 255 { N } else { 255 };

    /// Keeps the beginning of `text`.
    pub fn new(text: &str) -> Self {
        let mut end = text.len().min(Self::CAPACITY);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut bytes = [0; N];
        bytes[..end].copy_from_slice(&text.as_bytes()[..end]);
        Self { bytes, len: end as u8 }
    }

    /// The text that was kept.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("")
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_a_character_boundary() {
        let long = "ä".repeat(100); // 200 bytes
        assert_eq!(Text::<71>::new(&long).as_str().len(), 70);
        let odd = alloc::format!("x{long}");
        assert_eq!(Text::<71>::new(&odd).as_str().len(), 71);
        assert_eq!(Text::<71>::new("short").as_str(), "short");
        assert_eq!(Text::<3>::new("short").as_str(), "sho");
    }
}
