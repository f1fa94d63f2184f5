//! `dormouse preview`: contact sheets of what training shows the network.

use super::output::print_result;
use super::video_search::VideoSearchArgs;
use crate::config::{Stage, TrainConfig};
use crate::dataset::{Animal, Image, Sample};
use crate::draw::{DrawOptions, DrawnAnimal, animal_color, captioned, contact_sheet, draw_heatmap, draw_poses, save_png};
use crate::error::{Error, Result};
use crate::report::number_of;
use crate::session::{HeadView, PreviewRow, preview_rows};
use clap::Args;
use dormouse::Skeleton;
use dormouse::config::HeadKind;
use serde_json::json;
use std::path::PathBuf;

/// Narrower pictures are enlarged to at least this width.
const LEAST_WIDTH_PX: usize = 320;
/// Sheets end at about this height.
const SHEET_PX: usize = 2400;

/// Arguments of `dormouse preview`.
#[derive(Debug, Args)]
#[command(
    after_help = "One row per sample: the augmented frame with its parts, then the network's input under each target (the largest value over
the channels; for part affinity fields the length of the arrows), with the parts as small dots. Bright spots must lie on the
parts, at any rotation. Models with two networks get rows of frames with centroids and rows of crops.

Examples:
  dormouse preview flies.toml -o preview
  dormouse preview flies.toml -o preview --samples 4 --set augment.rotation_deg=[-180.0,180.0]"
)]
pub(super) struct PreviewArgs {
    /// Training configuration (TOML)
    config: PathBuf,
    /// Folder for the pictures
    #[arg(short, long)]
    out: PathBuf,
    /// Number of samples, 1 to 200
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=200))]
    samples: u32,
    /// Set a key of the configuration (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    search: VideoSearchArgs,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &PreviewArgs) -> anyhow::Result<u8> {
    let config = TrainConfig::load(&args.config, &args.set)?;
    let (skeleton, rows) = preview_rows(&config, &args.search.to_search()?, args.samples as usize)?;
    std::fs::create_dir_all(&args.out).map_err(|e| Error::io("create folder", &args.out, e))?;
    let mut written = Vec::new();
    // Each network has its own sheets.
    for rows in rows.chunk_by(|a, b| a.stage == b.stage) {
        let pictures = rows.iter().map(|row| row_pictures(row, &skeleton)).collect::<Result<Vec<_>>>()?;
        let tallest = pictures.iter().flatten().map(Image::height_px).max().unwrap_or(1);
        for rows in pictures.chunks((SHEET_PX / tallest).max(1)) {
            let path = args.out.join(format!("preview-{}.png", written.len() + 1));
            let columns = rows.first().map_or(1, Vec::len);
            save_png(&contact_sheet(&rows.concat(), columns)?, &path)?;
            written.push(path);
        }
    }
    let text = written.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join("\n");
    print_result(args.json, &json!({ "sheets": written, "samples": rows.len() }), &text)?;
    Ok(0)
}

fn row_pictures(row: &PreviewRow, skeleton: &Skeleton) -> Result<Vec<Image>> {
    let animals = row.augmented.animals.len();
    let title = match row.stage {
        Stage::Instance => format!("crop {}{}", row.index, row.identity.as_ref().map_or(String::new(), |n| format!(", {n}"))),
        _ => format!("sample {}, {}", row.index, number_of(animals, "animal")),
    };
    let mut pictures = vec![captioned(&posed(&row.augmented, skeleton)?, &title, animal_color(3))?];
    for head in row.heads.iter().filter(|head| head.kind != HeadKind::ClassVectors) {
        let maps = lengths(head);
        let picture = draw_heatmap(&row.input, &maps, head.size, head.stride_px as f32, LEAST_WIDTH_PX)?;
        let picture = marked(&picture, picture.width_px() as f32 / row.input.width_px() as f32, &row.marks)?;
        pictures.push(captioned(&picture, &format!("{}, stride {}", name(head.kind), head.stride_px), animal_color(3))?);
    }
    Ok(pictures)
}

/// A map, enlarged by `factor`, with the parts as dots so small that the map stays visible.
fn marked(map: &Image, factor: f32, animals: &[Animal]) -> Result<Image> {
    // Pixel centres are whole numbers, so that pixel p of the input covers the pixels from p * factor on.
    let place = |v: f32| (v + 0.5) * factor - 0.5;
    let points: Vec<Vec<(f32, f32, f32)>> =
        animals.iter().map(|a| a.points.iter().map(|p| (place(p[0]), place(p[1]), 1.0)).collect()).collect();
    let animals: Vec<DrawnAnimal<'_>> =
        points.iter().enumerate().map(|(i, points)| DrawnAnimal::new(points, String::new(), i)).collect();
    let options = DrawOptions { least_width_px: 1, legend: false, node_numbers: false, line_px: 0.7, ..DrawOptions::default() };
    draw_poses(map, &Skeleton::default(), &animals, &options)
}

/// The augmented frame with its parts.
fn posed(sample: &Sample, skeleton: &Skeleton) -> Result<Image> {
    let points: Vec<Vec<(f32, f32, f32)>> =
        sample.animals.iter().map(|a| a.points.iter().map(|p| (p[0], p[1], 1.0)).collect()).collect();
    let animals: Vec<DrawnAnimal<'_>> =
        points.iter().enumerate().map(|(i, points)| DrawnAnimal::new(points, String::new(), i)).collect();
    let options = DrawOptions {
        least_width_px: LEAST_WIDTH_PX,
        legend: false,
        node_numbers: false,
        line_px: 1.5,
        ..DrawOptions::default()
    };
    draw_poses(&sample.image, skeleton, &animals, &options)
}

/// Maps as they are; of vector fields the length of every arrow.
fn lengths(head: &HeadView) -> Vec<f32> {
    let cells = head.size[0] * head.size[1];
    if head.kind != HeadKind::PartAffinityFields || cells == 0 {
        return head.values.clone();
    }
    let edges = head.values.chunks_exact(2 * cells);
    edges.flat_map(|edge| edge[..cells].iter().zip(&edge[cells..]).map(|(x, y)| x.hypot(*y))).collect()
}

fn name(kind: HeadKind) -> &'static str {
    match kind {
        HeadKind::ConfidenceMaps => "confidence maps",
        HeadKind::PartAffinityFields => "part affinity fields",
        HeadKind::Centroids => "centroids",
        HeadKind::ClassMaps => "class maps",
        HeadKind::ClassVectors => "class vectors",
    }
}
