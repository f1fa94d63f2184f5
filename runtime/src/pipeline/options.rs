//! What the caller decides, and what the caller is told.

use crate::engine::{Backend, Precision};
use crate::frame::PixelFormat;
use alloc::string::String;

/// What happens when a frame has another size than the one prepared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnSizeChange {
    /// [`Error::SizeChanged`](crate::Error::SizeChanged): a camera loop must not stall by surprise.
    #[default]
    Refuse,
    /// Prepare again (tens to hundreds of milliseconds), for offline work on mixed files.
    Reprepare,
}

/// How an [`Estimator`](crate::Estimator) is prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Engine.
    pub backend: Backend,
    /// Threads of the engine, 1 to [`MAX_THREADS`](crate::engine::MAX_THREADS).
    pub threads: usize,
    /// Whether [`Backend::Auto`] and engine wgpu may take a software adapter where there is no GPU: for tests.
    pub allow_software: bool,
    /// How engine wgpu keeps maps and weights. [`Precision::Half`] needs a bundle with a self-test: it is run whatever
    /// [`self_test`](Self::self_test) says, and its tolerance decides whether poses are the same. Engines on the CPU have
    /// [`Precision::Single`] alone.
    pub precision: Precision,
    /// Frame width and height to prepare for; without it the first frame decides (and pays for the preparation). [`Backend::Auto`]
    /// needs it to know whether a GPU is large enough: one that turns out too small at the first frame is an error.
    pub frame_px: Option<(u32, u32)>,
    /// What to do about frames of another size.
    pub on_size_change: OnSizeChange,
    /// Pixels of frames that will be [submitted](crate::Estimator::submit): room for copies of the two that can be on their way is made
    /// whenever a frame size is prepared, so that no submission has to make it. Without it the first two submissions do.
    pub in_flight: Option<PixelFormat>,
    /// Path of a file in which engine wgpu keeps compiled pipelines, so that the next preparation on this device takes them from there;
    /// `None` keeps none. It is written anew where it does not fit the adapter, the driver or this version;
    /// [`Estimator::pipeline_cache`](crate::Estimator::pipeline_cache) tells what became of it, and nothing of it is an error.
    ///
    /// The driver trusts what it reads there, and a checksum does not keep out intent: the file must lie where nobody else can write. On
    /// Unix one that others may write, or that belongs to another user than this one and root, is refused.
    pub pipeline_cache: Option<String>,
    /// Run the bundle's self-test in [`Estimator::new`](crate::Estimator::new).
    pub self_test: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            backend: Backend::Auto,
            threads: 1,
            allow_software: false,
            precision: Precision::Single,
            frame_px: None,
            on_size_change: OnSizeChange::Refuse,
            in_flight: None,
            pipeline_cache: None,
            self_test: true,
        }
    }
}

/// A stage of the estimation of one frame. Top-down models go through all three twice: for the frame, then for its crops.
/// Engines that do all up to the peaks by themselves have no [`Preprocess`](Self::Preprocess): [`Infer`](Self::Infer) is all that, crops
/// included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Frame, or crops of it, to network input.
    Preprocess,
    /// Network input to maps.
    Infer,
    /// Maps to centroids or poses.
    Decode,
}
