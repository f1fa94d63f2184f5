//! Options that several commands share: where videos went since they were labelled.

use crate::dataset::VideoSearch;
use clap::Args;
use std::path::PathBuf;

/// Where to look for videos that moved.
#[derive(Debug, Args)]
pub(super) struct VideoSearchArgs {
    /// Folder to search for videos by file name (repeatable)
    #[arg(long = "video-dir", value_name = "DIR")]
    video_dirs: Vec<PathBuf>,
    /// Replace the beginning of stored video paths (repeatable), for example 'Z:\data=/mnt/data'
    #[arg(long = "map-prefix", value_name = "OLD=NEW")]
    map_prefixes: Vec<String>,
}

impl VideoSearchArgs {
    /// The search as the library wants it.
    pub(super) fn to_search(&self) -> anyhow::Result<VideoSearch> {
        let pairs = self.map_prefixes.iter().map(|pair| {
            let (old, new) = pair.split_once('=').ok_or_else(|| anyhow::anyhow!("--map-prefix {pair}: OLD=NEW is expected"))?;
            Ok((old.to_owned(), new.to_owned()))
        });
        Ok(VideoSearch { folders: self.video_dirs.clone(), prefix_map: pairs.collect::<anyhow::Result<_>>()? })
    }
}
