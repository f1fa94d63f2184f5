//! The decode stage on planted scenes of 15 nodes on 96x128 maps: its parts, and the whole for 1, 5, 20 and 50 animals.

#![allow(clippy::unwrap_used, reason = "a bench may fail by panicking")]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use dormouse::config::{Config, Limits};
use dormouse::decode::{Assigner, Connection, Decoder, Grouper, PafScorer, PeakBuffer, PeakId, local_peaks, refine_peak};
use dormouse::{ImageMap, ImagePoint, Poses};
use dormouse_benches::scene::{NODES, STRIDE_PX, Scene, config, edges};
use std::hint::black_box;

const COUNTS: [usize; 4] = [1, 5, 20, 50];
const SEED: u32 = 7;
const MAX_PEAKS: usize = 128;

fn peaks_of(scene: &Scene, config: &Config) -> PeakBuffer {
    let mut peaks = PeakBuffer::new(NODES, MAX_PEAKS);
    local_peaks(&scene.confmaps().unwrap(), config.peaks.threshold, &mut peaks);
    for node in 0..NODES {
        for peak in peaks.channel_mut(node) {
            *peak = refine_peak(&scene.confmaps().unwrap(), node, config.peaks.refinement, *peak);
        }
    }
    assert!((0..NODES).all(|node| peaks.channel(node).len() == scene.animals.len()), "one peak per node and animal");
    peaks
}

fn peaks(c: &mut Criterion) {
    let config = config();
    let mut group = c.benchmark_group("peaks");
    for count in COUNTS {
        let scene = Scene::new(count, SEED);
        let mut peaks = peaks_of(&scene, &config);
        let confmaps = scene.confmaps().unwrap();
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| local_peaks(black_box(&confmaps), config.peaks.threshold, &mut peaks));
        });
    }
}

fn paf_scores(c: &mut Criterion) {
    let config = config();
    let scorer = PafScorer::new(&config.grouping, STRIDE_PX, STRIDE_PX);
    let mut group = c.benchmark_group("paf_scores");
    for count in COUNTS {
        let scene = Scene::new(count, SEED);
        let peaks = peaks_of(&scene, &config);
        let pafs = scene.pafs().unwrap();
        let mut scores = vec![0.0; count * count];
        let score_all = |scores: &mut [f32]| {
            for (edge, &(source, destination)) in edges().iter().enumerate() {
                scorer.score(&pafs, edge, peaks.channel(source.into()), peaks.channel(destination.into()), scores);
            }
        };
        score_all(&mut scores);
        let good = scores.iter().filter(|&&s| s >= config.grouping.min_line_score).count();
        assert!(good >= count, "each animal has the last edge, but only {good} of {count} are good enough");
        group.bench_function(BenchmarkId::from_parameter(count), |b| b.iter(|| score_all(black_box(&mut scores))));
    }
}

/// Assignment and grouping, on scores that were computed before.
fn grouping(c: &mut Criterion) {
    let config = config();
    let scorer = PafScorer::new(&config.grouping, STRIDE_PX, STRIDE_PX);
    let mut bench = c.benchmark_group("grouping");
    for count in COUNTS {
        let scene = Scene::new(count, SEED);
        let peaks = peaks_of(&scene, &config);
        let pafs = scene.pafs().unwrap();
        let mut scores = vec![vec![0.0; count * count]; edges().len()];
        for ((edge, &(source, destination)), scores) in edges().iter().enumerate().zip(&mut scores) {
            scorer.score(&pafs, edge, peaks.channel(source.into()), peaks.channel(destination.into()), scores);
        }
        let mut assigner = Assigner::new(MAX_PEAKS);
        let mut grouper = Grouper::new(NODES, MAX_PEAKS, 0, 64);
        let mut poses = Decoder::new(&config).unwrap().new_poses();
        let edges = edges();
        let scale = STRIDE_PX as f32;
        let mut group = |scores: &[Vec<f32>], poses: &mut Poses| {
            grouper.clear();
            for (&(source, destination), scores) in edges.iter().zip(scores) {
                for (s, d) in assigner.solve(scores, count, count) {
                    let (source, destination) = (usize::from(source), usize::from(destination));
                    let (source, destination) = (PeakId { node: source, index: s }, PeakId { node: destination, index: d });
                    grouper.connect(Connection { source, destination, score: scores[s * count + d] });
                }
            }
            grouper.finish(&peaks, |p| ImagePoint { x_px: p.x * scale, y_px: p.y * scale }, poses);
        };
        group(&scores, &mut poses);
        assert_eq!(scene.check(&poses), Ok(()), "{count} animals");
        bench.bench_function(BenchmarkId::from_parameter(count), |b| b.iter(|| group(black_box(&scores), &mut poses)));
    }
}

fn whole(c: &mut Criterion) {
    let config = Config { limits: Limits { max_instances: 64, max_peaks: MAX_PEAKS as u32 }, ..config() };
    let mut group = c.benchmark_group("decode");
    for count in COUNTS {
        let scene = Scene::new(count, SEED);
        let (confmaps, pafs) = (scene.confmaps().unwrap(), scene.pafs());
        let mut decoder = Decoder::new(&config).unwrap();
        let mut poses = decoder.new_poses();
        decoder.decode(confmaps, pafs, ImageMap::new(1.0), &mut poses).unwrap();
        assert_eq!(scene.check(&poses), Ok(()), "{count} animals");
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| decoder.decode(black_box(confmaps), black_box(pafs), ImageMap::new(1.0), &mut poses));
        });
    }
}

criterion_group!(benches, peaks, paf_scores, grouping, whole);
criterion_main!(benches);
