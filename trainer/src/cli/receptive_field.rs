//! `dormouse receptive-field`: what the network of a configuration sees, beside the size of the animals.

use super::output::print_result;
use super::video_search::VideoSearchArgs;
use crate::config::{Stage, TrainConfig};
use crate::dataset::{Image, Point, open_path};
use crate::draw::{animal_color, captioned, draw_square, save_png};
use crate::report::{AnimalSizes, FieldAdvice};
use crate::session::{open_sources, training_animals};
use crate::terminal::tell;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `dormouse receptive-field`.
#[derive(Debug, Args)]
#[command(
    after_help = "The receptive field is the square of pixels that can influence one cell of the deepest map. It should be about as large as
the animals: could you tell from the pixels inside the drawn box what is at its centre?

Examples:
  dormouse receptive-field flies.toml
  dormouse receptive-field flies.toml -o field.png
  dormouse receptive-field flies.toml --set model.max_stride=32 --image video.mp4 -o field.png"
)]
pub(super) struct ReceptiveFieldArgs {
    /// Training configuration (TOML)
    config: PathBuf,
    /// Set a key of the configuration (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Image, folder of images or video to draw on: its first frame, with the box in the middle (default: the first training
    /// sample, with the box on its first animal)
    #[arg(long, value_name = "FRAME", requires = "out")]
    image: Option<PathBuf>,
    /// Picture to write (PNG)
    #[arg(short, long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    search: VideoSearchArgs,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ReceptiveFieldArgs) -> anyhow::Result<u8> {
    let config = TrainConfig::load(&args.config, &args.set)?;
    let animals = training_animals(&config.data, &args.search.to_search()?)?;
    let sizes = AnimalSizes::of_points(animals.iter());
    let stages = config.model.model_type.stages();
    let advice = |stage: &Stage| Ok((*stage, FieldAdvice::new(&config.stage(*stage)?, sizes)));
    let advices = stages.iter().map(advice).collect::<crate::Result<Vec<_>>>()?;
    if let Some(out) = &args.out {
        let (mut image, center) = ground(args, &config)?;
        let mut captions = Vec::new();
        for (index, (stage, advice)) in advices.iter().enumerate() {
            image = draw_square(&image, center, advice.side_px as f32, animal_color(index))?;
            captions.push(format!("{} network {1} x {1} px", stage.name(), advice.side_px));
        }
        save_png(&captioned(&image, &captions.join(", "), animal_color(0))?, out)?;
        tell(format_args!("picture: {}", out.display()));
    }
    let value: serde_json::Map<_, _> = advices
        .iter()
        .map(|(stage, advice)| Ok((stage.name().to_owned(), serde_json::to_value(advice)?)))
        .collect::<anyhow::Result<_>>()?;
    let text = advices.iter().map(|(stage, advice)| match stages.len() {
        1 => advice.to_string(),
        _ => format!("{} network\n{advice}", stage.name()),
    });
    print_result(args.json, &value, &text.collect::<Vec<_>>().join("\n"))?;
    Ok(0)
}

/// The frame to draw on and where the box goes.
fn ground(args: &ReceptiveFieldArgs, config: &TrainConfig) -> anyhow::Result<(Image, Point)> {
    if let Some(path) = &args.image {
        let mut source = open_path(path)?;
        let first = source.frame_numbers().and_then(|n| n.first().copied()).unwrap_or(0);
        let image = source.frame(first)?;
        let center = middle(&image);
        return Ok((image, center));
    }
    let sample = open_sources(&config.data, &args.search.to_search()?, &mut |_, _, _| {})?.train.sample(0)?;
    let center = sample.animals.first().and_then(|a| box_middle(&a.points)).unwrap_or_else(|| middle(&sample.image));
    Ok((sample.image, center))
}

fn middle(image: &Image) -> Point {
    [(image.width_px() as f32 - 1.0) / 2.0, (image.height_px() as f32 - 1.0) / 2.0]
}

/// Middle of the box around the parts that are there.
fn box_middle(points: &[Point]) -> Option<Point> {
    let placed = || points.iter().filter(|p| p[0].is_finite() && p[1].is_finite());
    placed().next()?;
    let half = |axis: usize| {
        let values = || placed().map(|p| p[axis]);
        (values().fold(f32::INFINITY, f32::min) + values().fold(f32::NEG_INFINITY, f32::max)) / 2.0
    };
    Some([half(0), half(1)])
}
