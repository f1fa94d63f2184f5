//! `dormouse import-model`: a bundle from models that SLEAP trained.

use super::output::print_result;
use super::text::{bytes, written};
use super::video_search::VideoSearchArgs;
use crate::dataset::Image;
use crate::import::sleap_model::{SleapModel, build_imported, read_sleap_model};
use crate::output::{check_place, write_atomically};
use crate::predict::{FrameReader, PredictInput};
use crate::terminal::tell;
use anyhow::{bail, ensure};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Frames that are looked at for the self-test.
const SELF_TEST_FRAMES: usize = 16;

/// Most characters of a model's name.
const MAX_NAME: usize = 256;

/// Arguments of `dormouse import-model`.
#[derive(Debug, Args)]
#[command(after_help = "Reads the model folders of classic SLEAP (1.0 to 1.4): training_config.json and best_model.h5.
A centroid and a centered-instance model, in either order, make one top-down bundle.
Two engines run the networks and are compared before the bundle is written.
Peaks are refined by their neighbourhood; learned offsets are left out.
Models of SLEAP-NN (.ckpt) are not read.

Examples:
  dormouse import-model models/250101.multi_instance -o flies.dorm
  dormouse import-model models/250101.centroid models/250101.centered_instance -o flies.dorm
  dormouse import-model models/250101.multi_instance -o flies.dorm --self-test labels.slp
  dormouse predict -m flies.dorm video.mp4 -o video.slp")]
pub(super) struct ImportModelArgs {
    /// Model folder, or the path of its best_model.h5 or training_config.json
    model: PathBuf,
    /// Second folder of a top-down model
    second: Option<PathBuf>,
    /// Bundle to write (.dorm)
    #[arg(short, long)]
    out: PathBuf,
    /// Name of the model in the bundle (default: the name of OUT)
    #[arg(long)]
    name: Option<String>,
    /// Video, image, folder of images or labels with animals: one frame and its poses become the bundle's self-test
    #[arg(long, value_name = "INPUT")]
    self_test: Option<PathBuf>,
    #[command(flatten)]
    search: VideoSearchArgs,
    /// Replace OUT if it is there
    #[arg(long)]
    force: bool,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ImportModelArgs) -> anyhow::Result<u8> {
    let ending = args.out.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("dorm"));
    ensure!(ending, "{}: the ending must be .dorm", args.out.display());
    let name = checked_name(args)?;
    ensure!(args.force || !args.out.exists(), "{} is already there; --force replaces it", args.out.display());
    check_place(&args.out)?;
    let first = read_sleap_model(&args.model)?;
    let second = args.second.as_ref().map(|path| read_sleap_model(path)).transpose()?;
    check_out(args, [Some(&first), second.as_ref()].into_iter().flatten())?;
    let frames = match &args.self_test {
        Some(path) => self_test_frames(path, args)?,
        None => Vec::new(),
    };
    let built = build_imported(&first, second.as_ref(), &name, &frames)?;
    let mut notes: Vec<String> = first.notes().to_vec();
    notes.extend(second.iter().flat_map(|model| model.notes()).filter(|note| !first.notes().contains(note)).cloned());
    notes.extend(built.notes.iter().cloned());
    notes.extend(match (built.has_self_test, &args.self_test) {
        (true, _) => None,
        (false, None) => Some("the bundle has no self-test; --self-test INPUT adds one".to_owned()),
        (false, Some(path)) => Some(format!("the bundle has no self-test: no animal was found in {}", path.display())),
    });
    notes.iter().for_each(|note| tell(format_args!("note: {note}")));
    write_atomically(&args.out, |file| file.write_all(&built.bytes))?;
    let parameters: usize = [Some(&first), second.as_ref()].into_iter().flatten().map(|model| model.network().parameters).sum();
    let value = json!({
        "bundle": args.out,
        "bundle_bytes": built.bytes.len(),
        "model_type": written(&built.config.model_type),
        "nodes": built.config.skeleton.nodes,
        "parameters": parameters,
        "engine_difference": built.engine_difference,
        "self_test": built.has_self_test,
        "notes": notes,
    });
    let nodes = built.config.skeleton.nodes.len();
    let text = format!(
        "{} ({}): {}, {nodes} {}, {parameters} parameters; engine cpu and tract differ by at most {:.1e}",
        args.out.display(),
        bytes(built.bytes.len()),
        written(&built.config.model_type),
        if nodes == 1 { "node" } else { "nodes" },
        built.engine_difference
    );
    print_result(args.json, &value, &text)?;
    Ok(0)
}

/// Refuses to write over what is read, also through a link: it may be the only copy of somebody's weights.
fn check_out<'a>(args: &'a ImportModelArgs, models: impl Iterator<Item = &'a SleapModel>) -> anyhow::Result<()> {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let Some(out) = real(&args.out) else { return Ok(()) };
    let read = models.flat_map(SleapModel::files).chain(args.self_test.as_deref());
    for path in read {
        if real(path).is_some_and(|path| path == out) {
            bail!("{} is {}, which is read: name another file to write", args.out.display(), path.display());
        }
    }
    Ok(())
}

/// The model's name, which terminals and reports show.
fn checked_name(args: &ImportModelArgs) -> anyhow::Result<String> {
    let stem = || args.out.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = args.name.clone().unwrap_or_else(stem);
    let count = name.chars().count();
    ensure!((1..=MAX_NAME).contains(&count), "a model's name has 1 to {MAX_NAME} characters, this one has {count}: --name");
    ensure!(!name.chars().any(char::is_control), "a model's name has no control characters, as {name:?} has: --name");
    Ok(name)
}

/// Frames spread over the input.
fn self_test_frames(path: &Path, args: &ImportModelArgs) -> anyhow::Result<Vec<Image>> {
    let input = PredictInput::open(path, None, &args.search.to_search()?)?;
    let count = input.frames.len().min(SELF_TEST_FRAMES);
    let mut reader = FrameReader::default();
    let places = (0..count).map(|i| input.frames[i * input.frames.len() / count]);
    Ok(places.map(|(video, index)| reader.frame(&input.videos, video, index)).collect::<crate::Result<_>>()?)
}
