//! `dormouse export`: a bundle from a run's checkpoint.

use super::output::print_result;
use super::text::bytes;
use super::video_search::VideoSearchArgs;
use crate::output::write_atomically;
use crate::session::{RunFolder, build_bundle, open_sources};
use crate::train::load_weights;
use burn::tensor::Device;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `dormouse export`.
#[derive(Debug, Args)]
#[command(
    after_help = "burn and tract are compared on the exported network before the bundle is written. The labels of the run are opened
for a self-test frame; without them the bundle has no self-test, and this is said.

Examples:
  dormouse export runs/flies
  dormouse export runs/flies --checkpoint runs/flies/last.ckpt -o flies.dorm"
)]
pub(super) struct ExportArgs {
    /// Run folder
    run: PathBuf,
    /// Checkpoint (default: best.ckpt of the run)
    #[arg(long)]
    checkpoint: Option<PathBuf>,
    /// Bundle to write (default: in the run folder)
    #[arg(short, long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    search: VideoSearchArgs,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<u8> {
    let folder = RunFolder::new(&args.run);
    let (config, facts) = folder.read()?;
    let preprocess = config.preprocess.to_runtime(config.model.max_stride);
    let network = config.model.network(preprocess.color, &facts.skeleton);
    let mut net = network.init(config.train.seed, &Device::default())?;
    let checkpoint = args.checkpoint.clone().unwrap_or_else(|| folder.file("best.ckpt"));
    load_weights(&checkpoint, &mut net)?;
    let frames = match open_sources(&config.data, &args.search.to_search()?, &mut |_, _, _| {}) {
        Ok(sources) => {
            (0..sources.val.len().min(16)).map(|i| Ok(sources.val.sample(i)?.image)).collect::<crate::Result<Vec<_>>>()?
        }
        Err(error) => {
            eprintln!("warning: no self-test frame, the run's labels cannot be opened: {error}");
            Vec::new()
        }
    };
    let name = folder.name(&config);
    let built = build_bundle(&net, &config, &name, &facts, &frames)?;
    if !built.has_self_test {
        eprintln!("warning: the bundle has no self-test");
    }
    let path = args.out.clone().unwrap_or_else(|| folder.bundle(&name));
    write_atomically(&path, |file| file.write_all(&built.bytes))?;
    let value = json!({
        "bundle": path,
        "bundle_bytes": built.bytes.len(),
        "export_difference": built.export_difference,
        "self_test": built.has_self_test,
    });
    let text = format!(
        "{} ({}), burn and tract differ by at most {:.1e}",
        path.display(),
        bytes(built.bytes.len()),
        built.export_difference
    );
    print_result(args.json, &value, &text)?;
    Ok(0)
}
