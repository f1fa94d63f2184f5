//! `dormouse predict`: poses of videos, images and labelled frames.

use super::output::print_result;
use super::overlay;
use super::pipelines::PipelineArgs;
use super::text::{self, default_threads};
use super::video_search::VideoSearchArgs;
use crate::dataset::{Image, LabelInstance, LabeledFrame, Labels, write_labels};
use crate::error::Error;
use crate::output::{TrackMeaning, check_place, write_csv, write_json};
use crate::predict::{FrameList, FrameReader, PredictInput, Predictor, class_names};
use crate::report::number_of;
use crate::terminal::tell;
use anyhow::{Context as _, bail, ensure};
use clap::Args;
use dormouse::{Backend, Bundle, Options, Precision};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Arguments of `dormouse predict`.
#[derive(Debug, Args)]
#[command(
    after_help = "The ending of OUT decides the format: .slp (opens in SLEAP), .json or .csv. Frames without an animal are kept.
Models that know individuals give their names as tracks, and in .json and .csv also as class and class score.

Examples:
  dormouse predict -m flies.dorm video.mp4 -o video.slp
  dormouse predict -m flies.dorm labels.slp -o predicted.slp --overlay pictures
  dormouse predict -m flies.dorm video.mp4 -o poses.csv --frames 0-999:10
  dormouse predict -m flies.dorm frame.png -o frame.json --overlay pictures
  dormouse predict -m flies.dorm video.mp4 --backend cpu                # the same on every machine
  dormouse predict -m flies.dorm video.mp4 --pipeline-cache             # a GPU's compiled pipelines in flies.dorm.pipelines"
)]
pub(super) struct PredictArgs {
    /// Bundle (.dorm)
    #[arg(short, long)]
    model: PathBuf,
    /// Video, image, folder of images, or labels file (.slp: its labelled frames)
    input: PathBuf,
    /// File to write (default: the input's name with .predictions.slp)
    #[arg(short, long)]
    out: Option<PathBuf>,
    /// Frames of the (first) video, for example 0,5,10-20,100-200:10
    #[arg(long)]
    frames: Option<FrameList>,
    /// Folder for pictures of the poses, one PNG per frame
    #[arg(long, value_name = "DIR")]
    overlay: Option<PathBuf>,
    /// Threads of the network (default: all cores)
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Engine: auto (a GPU if this build has engine wgpu and all of it works here, the CPU otherwise), cpu, tract or wgpu
    #[arg(long, default_value = "auto")]
    backend: Backend,
    /// Let engines auto and wgpu take a software adapter where there is no GPU
    #[arg(long)]
    allow_software: bool,
    /// Let engine wgpu keep maps and weights in 16 bits, if the bundle's self-test shows that poses stay the same
    #[arg(long)]
    half: bool,
    #[command(flatten)]
    pipelines: PipelineArgs,
    #[command(flatten)]
    search: VideoSearchArgs,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &PredictArgs) -> anyhow::Result<u8> {
    let out = args.out.clone().unwrap_or_else(|| args.input.with_extension("predictions.slp"));
    let format = Format::of(&out)?;
    check_out(args, &out)?;
    let bundle = Bundle::open(&args.model).with_context(|| args.model.display().to_string())?;
    let input = PredictInput::open(&args.input, args.frames.as_ref(), &args.search.to_search()?)?;
    if let Some(end) = input.cut_at {
        tell(format_args!("note: there are no frames from {end} on; those asked for are left out"));
    }
    if format == Format::Csv && input.frames.iter().any(|(video, _)| *video != input.frames[0].0) {
        bail!("a .csv file holds one video, but the frames come from several: write a .slp or .json file");
    }
    if let Some(folder) = &args.overlay {
        std::fs::create_dir_all(folder).map_err(|e| Error::io("create folder", folder, e))?;
    }
    let threads = args.threads.map_or_else(default_threads, usize::from);
    let (backend, allow_software) = (args.backend, args.allow_software);
    let gpu = matches!(backend, Backend::Auto | Backend::Wgpu);
    ensure!(gpu || !allow_software, "--allow-software is for --backend auto and wgpu");
    ensure!(gpu || !args.half, "--half is for --backend auto and wgpu");
    let pipeline_cache = args.pipelines.path(&args.model, backend)?;
    let mut reader = FrameReader::default();
    let (width_px, height_px) = reader.frame_px(&input.videos, input.frames[0].0)?;
    let frame_px = u32::try_from(width_px).ok().zip(u32::try_from(height_px).ok());
    let precision = if args.half { Precision::Half } else { Precision::Single };
    let options = Options { backend, allow_software, precision, threads, frame_px, pipeline_cache, ..Options::default() };
    let mut predictor = Predictor::with_options(&bundle, &options)?;
    if let Some(reason) = predictor.fallback() {
        let instead = if predictor.backend() == Backend::Wgpu { "in single precision" } else { "not a GPU" };
        tell(format_args!("note: engine {}, {instead}: {reason}", predictor.backend()));
    }
    args.pipelines.tell(predictor.pipeline_cache(), predictor.backend());
    let mut labels = input.empty_labels(&bundle.config().skeleton);
    labels.tracks = class_names(bundle.config());
    labels.provenance = provenance(args, &bundle);
    let fallback = predict_frames(&Job { args, input: &input, bundle: &bundle, options }, reader, &mut predictor, &mut labels)?;
    let fallback = fallback.or_else(|| predictor.fallback()).map(|reason| reason.to_string());
    let meaning = if labels.tracks.is_empty() { TrackMeaning::Tracks } else { TrackMeaning::Classes };
    match format {
        Format::Slp => write_labels(&out, &labels)?,
        Format::Json => write_json(&labels, meaning, &out)?,
        Format::Csv => write_csv(&labels, meaning, input.frames[0].0, &out)?,
    }
    let (frames, instances) = (labels.frames.len(), labels.frames.iter().map(|f| f.instances.len()).sum::<usize>());
    let latency = predictor.latency();
    let value = json!({ "out": out, "frames": frames, "instances": instances, "engine": predictor.backend().name(),
        "precision": predictor.precision().name(), "fallback": fallback, "threads": threads, "latency": latency });
    let summary = format!(
        "{}: {} in {}, engine {}{}\n{}",
        out.display(),
        number_of(instances, "animal"),
        number_of(frames, "frame"),
        predictor.backend(),
        if predictor.precision() == Precision::Half { ", half precision" } else { "" },
        text::latency(&latency, threads)
    );
    print_result(args.json, &value, &summary)?;
    Ok(0)
}

/// Refuses a file that cannot be written, and one that is needed: labels that a person made must not be lost to predictions.
fn check_out(args: &PredictArgs, out: &Path) -> anyhow::Result<()> {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    for (what, path) in [("input", &args.input), ("model", &args.model)] {
        if real(out).is_some_and(|out| Some(out) == real(path)) {
            bail!("{} is the {what}: name another file to write", out.display());
        }
    }
    Ok(check_place(out)?)
}

/// What is predicted, and how.
struct Job<'a> {
    args: &'a PredictArgs,
    input: &'a PredictInput,
    bundle: &'a Bundle<'a>,
    options: Options,
}

impl Job<'_> {
    /// Instances of an image. A frame that the GPU has no room for is no end where the engine was left to us: the CPU goes on, and the
    /// reason is given back.
    fn instances(
        &self,
        predictor: &mut Predictor,
        image: &Image,
    ) -> anyhow::Result<(Vec<LabelInstance>, Option<dormouse::Error>)> {
        match predictor.instances(image) {
            Err(Error::Runtime(reason @ dormouse::Error::GpuLimit { .. }))
                if self.options.backend == Backend::Auto && predictor.backend() == Backend::Wgpu =>
            {
                predictor.go_on_with_cpu(self.bundle, &self.options)?;
                tell(format_args!("note: engine {} from here on, not a GPU: {reason}", predictor.backend()));
                Ok((predictor.instances(image)?, Some(reason)))
            }
            instances => Ok((instances?, None)),
        }
    }
}

/// Predicts all frames; why the GPU was given up on the way, if it was.
fn predict_frames(
    job: &Job<'_>,
    mut reader: FrameReader,
    predictor: &mut Predictor,
    labels: &mut Labels,
) -> anyhow::Result<Option<dormouse::Error>> {
    let Job { args, input, .. } = *job;
    let mut fallback = None;
    let bar = ProgressBar::new(input.frames.len() as u64);
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} frames, {per_sec}, {eta} left {msg}")?);
    let mut overflowed = 0;
    for &(video, frame_index) in &input.frames {
        let image = reader.frame(&input.videos, video, frame_index)?;
        let (instances, reason) = job.instances(predictor, &image)?;
        fallback = fallback.or(reason);
        overflowed += usize::from(predictor.overflowed());
        if let Some(folder) = &args.overlay {
            let path = folder.join(format!("video{video}_frame{frame_index:06}.png"));
            let title = format!("{}, frame {frame_index}", file_name(&args.input));
            overlay::save(&path, &image, labels, &instances, &title)?;
        }
        labels.frames.push(LabeledFrame { video, frame_index, instances });
        bar.inc(1);
    }
    bar.finish_and_clear();
    if overflowed > 0 {
        tell(format_args!(
            "warning: in {overflowed} frames there was more than the model's max_peaks or max_instances allow; the weakest were left out"
        ));
    }
    Ok(fallback)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Slp,
    Json,
    Csv,
}

impl Format {
    fn of(path: &Path) -> anyhow::Result<Self> {
        match path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("slp") => Ok(Self::Slp),
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            _ => bail!("{}: the ending must be .slp, .json or .csv", path.display()),
        }
    }
}

fn provenance(args: &PredictArgs, bundle: &Bundle<'_>) -> serde_json::Map<String, serde_json::Value> {
    let facts = json!({
        "producer": format!("dormouse {}", env!("CARGO_PKG_VERSION")),
        "model": args.model,
        "model_name": bundle.config().name,
        "config_hash": bundle.config().provenance.config_hash,
        "input": args.input,
    });
    match facts {
        serde_json::Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}
