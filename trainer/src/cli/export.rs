//! `dormouse export`: a bundle from a run's checkpoint.

use super::output::print_result;
use super::text::bytes;
use super::video_search::VideoSearchArgs;
use crate::output::write_atomically;
use crate::session::{RunFolder, build_bundle, new_net, open_sources, stage_folder};
use crate::terminal::tell;
use crate::train::load_weights;
use anyhow::bail;
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
    let model_type = config.model.model_type;
    if args.checkpoint.is_some() && model_type.stages().len() > 1 {
        bail!(
            "a {} model has two networks, each with its checkpoint in the run folder: leave out --checkpoint",
            model_type.name()
        );
    }
    let mut nets = Vec::new();
    for &stage in model_type.stages() {
        let mut trained = new_net(&config, stage, &facts, &Device::default())?;
        let best = stage_folder(&folder, model_type, stage).join("best.ckpt");
        load_weights(args.checkpoint.as_ref().unwrap_or(&best), &mut trained.net)?;
        nets.push(trained);
    }
    let frames = match open_sources(&config.data, &args.search.to_search()?, &mut |_, _, _| {}) {
        Ok(sources) => {
            (0..sources.val.len().min(16)).map(|i| Ok(sources.val.sample(i)?.image)).collect::<crate::Result<Vec<_>>>()?
        }
        Err(error) => {
            tell(format_args!("warning: no self-test frame, the run's labels cannot be opened: {error}"));
            Vec::new()
        }
    };
    let name = folder.name(&config);
    let built = build_bundle(&nets, &config, &name, &facts, &frames)?;
    if !built.has_self_test {
        tell("warning: the bundle has no self-test");
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
