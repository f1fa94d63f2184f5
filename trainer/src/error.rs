//! The one error type of the trainer library.

use std::path::{Path, PathBuf};

/// Result with the trainer's error unless another is named.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the trainer refused or failed. Messages are whole sentences for the person at the terminal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused a file operation.
    #[error("cannot {action} {}: {cause}", path.display())]
    Io {
        /// What was tried, for example `read`.
        action: &'static str,
        /// File or folder.
        path: PathBuf,
        /// The system's answer. It is part of the message and thus no `source`: whoever prints the chain would say it twice.
        cause: std::io::Error,
    },
    /// A file's content is not what it must be.
    #[error("{}: {place}: {what}", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// Dataset, row or line, for example `/frames row 12`.
        place: String,
        /// What was expected and what was found.
        what: String,
    },
    /// A layer of another program's network cannot be taken over.
    #[error("{}: layer {layer:?} ({class}): {what}", path.display())]
    Layer {
        /// The file.
        path: PathBuf,
        /// Name of the layer.
        layer: String,
        /// Its class in the other program.
        class: String,
        /// What is not supported or wrong, and what is known.
        what: String,
    },
    /// A video cannot be opened or decoded.
    #[error("video {}: {what}", path.display())]
    Video {
        /// The video.
        path: PathBuf,
        /// What went wrong and what to do about it.
        what: String,
    },
    /// The training configuration is invalid; all faults together.
    #[error("invalid configuration ({} found):\n{}", .0.len(), .0.iter().map(|f| format!("  - {f}")).collect::<Vec<_>>().join("\n"))]
    Config(Vec<String>),
    /// The requested device is not there.
    #[error("device: {0}")]
    Device(String),
    /// Training cannot start or go on.
    #[error("training: {0}")]
    Train(String),
    /// Ctrl-C, before there was anything to export.
    #[error("interrupted {0}; the checkpoint is kept, and --resume goes on from it")]
    Interrupted(String),
    /// The exported network is not what was trained, or cannot be written.
    #[error("export: {0}")]
    Export(String),
    /// Labels and model do not fit, or there is nothing to work on.
    #[error("{0}")]
    Data(String),
    /// The runtime refused a bundle or a frame.
    #[error(transparent)]
    Runtime(#[from] dormouse::Error),
}

impl Error {
    /// Wraps an operating-system error with the path it was about.
    pub fn io(action: &'static str, path: impl AsRef<Path>, cause: std::io::Error) -> Self {
        Self::Io { action, path: path.as_ref().to_path_buf(), cause }
    }

    /// A file's content is wrong at `place`.
    pub fn bad_file(path: impl AsRef<Path>, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self::BadFile { path: path.as_ref().to_path_buf(), place: place.into(), what: what.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_answer_is_given_once() {
        let gone = std::io::Error::new(std::io::ErrorKind::NotFound, "it is gone");
        let error = anyhow::Error::from(Error::io("read", "a.slp", gone));
        assert_eq!(format!("{error:#}"), "cannot read a.slp: it is gone");
    }
}
