//! The file of compiled pipelines, for commands that may run engine wgpu.

use crate::terminal::tell;
use anyhow::{Context as _, ensure};
use clap::Args;
use dormouse::Backend;
use dormouse::engine::PipelineCacheReport;
use std::path::{Path, PathBuf};

/// Where compiled pipelines are kept.
#[derive(Debug, Args)]
pub(super) struct PipelineArgs {
    /// Keep engine wgpu's compiled pipelines in a file, where nobody else may write, for the next start [default: MODEL.pipelines]
    #[arg(long, value_name = "FILE", require_equals = true)]
    pipeline_cache: Option<Option<PathBuf>>,
}

impl PipelineArgs {
    /// The file, if one was asked for.
    pub fn path(&self, model: &Path, backend: Backend) -> anyhow::Result<Option<String>> {
        let Some(file) = &self.pipeline_cache else { return Ok(None) };
        let may_use = matches!(backend, Backend::Auto | Backend::Wgpu);
        ensure!(may_use, "--pipeline-cache is for --backend auto and wgpu: engine {backend} compiles nothing");
        let beside = || {
            let mut name = model.as_os_str().to_os_string();
            name.push(".pipelines");
            PathBuf::from(name)
        };
        let path = file.clone().unwrap_or_else(beside);
        let text = path.to_str().with_context(|| format!("{}: the file's name must be UTF-8", path.display()))?;
        Ok(Some(text.to_owned()))
    }

    /// Whether one was asked for.
    pub fn is_asked(&self) -> bool {
        self.pipeline_cache.is_some()
    }

    /// Says what became of it, if it was asked for.
    pub fn tell(&self, report: Option<PipelineCacheReport>, backend: Backend) {
        match (&self.pipeline_cache, report) {
            (None, _) => {}
            (Some(_), Some(report)) => tell(format_args!("compiled pipelines: {report}")),
            (Some(_), None) => tell(format_args!("note: there are no pipelines to keep: engine {backend} compiles nothing")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_lies_beside_the_model_unless_it_is_named() {
        let path = |asked: Option<Option<&str>>, backend| {
            let args = PipelineArgs { pipeline_cache: asked.map(|file| file.map(PathBuf::from)) };
            args.path(Path::new("models/flies.dorm"), backend).map_err(|error| error.to_string())
        };
        assert_eq!(path(None, Backend::Cpu), Ok(None));
        assert_eq!(path(Some(None), Backend::Auto), Ok(Some("models/flies.dorm.pipelines".into())));
        assert_eq!(path(Some(Some("kept")), Backend::Wgpu), Ok(Some("kept".into())));
        assert!(path(Some(None), Backend::Cpu).unwrap_err().contains("engine cpu compiles nothing"));
    }
}
