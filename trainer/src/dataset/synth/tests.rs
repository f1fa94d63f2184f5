use super::{Species, SynthConfig, SynthScenes};
use crate::dataset::image::Image;
use crate::dataset::sample::{Sample, SampleSource};
use crate::draw::{DrawOptions, DrawnAnimal, contact_sheet, draw_poses, save_png};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

fn scenes(species: Species, side: usize, animals: (usize, usize)) -> SynthScenes {
    SynthScenes::new(SynthConfig {
        species,
        width_px: side,
        height_px: side,
        animals,
        count: 64,
        seed: 7,
        ..SynthConfig::default()
    })
    .unwrap()
}

fn same(a: &Sample, b: &Sample) -> bool {
    let bits = |s: &Sample| s.animals.iter().flat_map(|a| &a.points).flatten().map(|v| v.to_bits()).collect::<Vec<_>>();
    a.image == b.image && bits(a) == bits(b)
}

#[test]
fn skeletons_are_trees_of_13_nodes() {
    for species in [Species::Fly, Species::Mouse] {
        let scenes = scenes(species, 64, (1, 1));
        let skeleton = scenes.skeleton();
        skeleton.validate().unwrap();
        assert_eq!((skeleton.nodes.len(), skeleton.edges.len()), (13, 12));
        let children: BTreeSet<u16> = skeleton.edges.iter().map(|e| e.1).collect();
        assert_eq!(children.len(), 12, "every node but the root has one parent");
        let pair = |&(a, b): &(u16, u16)| {
            let (a, b) = (&skeleton.nodes[usize::from(a)], &skeleton.nodes[usize::from(b)]);
            a.strip_suffix('L') == b.strip_suffix('R')
        };
        assert!(skeleton.symmetries.iter().all(pair));
    }
}

#[test]
fn a_scene_depends_on_its_index_only() {
    let source = scenes(Species::Fly, 96, (1, 4));
    let forward: Vec<Sample> = (0..32).map(|i| source.sample(i).unwrap()).collect();
    let parallel: Vec<Sample> = (0..32_usize).into_par_iter().rev().map(|i| source.sample(i).unwrap()).collect();
    assert!(forward.iter().zip(parallel.iter().rev()).all(|(a, b)| same(a, b)));
    assert!(!same(&forward[0], &forward[1]));
    assert!(source.sample(64).is_err());
}

#[test]
fn individuals_bear_their_marks() {
    let known = SynthConfig { animals: (2, 4), individuals: 4, count: 48, seed: 7, ..SynthConfig::default() };
    let source = SynthScenes::new(known.clone()).unwrap();
    assert_eq!(source.identities(), ["plain", "front", "rear", "both"]);
    // The marks are the only difference to scenes of strangers where the camera's noise is off.
    let quiet = SynthConfig { noise: (0.0, 0.0), animals: (1, 1), bright_on_dark: 0.0, ..known };
    let marked = SynthScenes::new(quiet.clone()).unwrap();
    let plain = SynthScenes::new(SynthConfig { individuals: 0, ..quiet }).unwrap();
    let mut seen = [0; 4];
    for i in 0..source.len() {
        let sample = source.sample(i).unwrap();
        let mut identities: Vec<usize> = sample.animals.iter().map(|a| a.identity.unwrap()).collect();
        assert_eq!(source.animals(i).unwrap().iter().filter_map(|a| a.identity).collect::<Vec<_>>(), identities);
        identities.sort_unstable();
        identities.dedup();
        assert_eq!(identities.len(), sample.animals.len(), "nobody is there twice");
        let (with, without) = (marked.sample(i).unwrap(), plain.sample(i).unwrap());
        assert!(without.animals[0].identity.is_none() && without.animals[0].points[3] == with.animals[0].points[3]);
        let who = with.animals[0].identity.unwrap();
        let brightest = |sample: &Sample| {
            let at = sample.animals[0].points[3].map(|v| v.round() as usize);
            sample.image.pixels()[at[1] * 192 + at[0]]
        };
        if with.animals[0].points[3][0].is_finite() {
            assert_eq!(brightest(&with) > brightest(&without).saturating_add(40), who & 1 == 1, "scene {i}, individual {who}");
            seen[who] += 1;
        }
    }
    assert!(seen.iter().all(|&n| n > 3), "{seen:?}");
    assert!(SynthScenes::new(SynthConfig { individuals: 2, animals: (1, 3), ..SynthConfig::default() }).is_err());
}

#[test]
fn labels_are_inside_and_animals_apart() {
    for species in [Species::Fly, Species::Mouse] {
        let source = scenes(species, 192, (2, 4));
        let middle = source.skeleton().node_index(if species == Species::Fly { "thorax" } else { "spine" }).unwrap();
        let (mut animals, mut close, mut parts) = (0, 0, 0);
        for i in 0..source.len() {
            let sample = source.sample(i).unwrap();
            assert!((1..=4).contains(&sample.animals.len()));
            animals += sample.animals.len();
            let inside = |p: &[f32; 2]| p.iter().all(|v| (-0.5..191.5).contains(v));
            for points in sample.animals.iter().map(|a| &a.points) {
                assert_eq!(points.len(), 13);
                assert!(points.iter().all(|p| p.iter().all(|v| v.is_nan()) || inside(p)));
                parts += points.iter().filter(|p| p[0].is_finite()).count();
            }
            for (a, first) in sample.animals.iter().enumerate() {
                for second in &sample.animals[..a] {
                    let [p, q] = [first, second].map(|a| a.points[middle]);
                    let distance = (p[0] - q[0]).hypot(p[1] - q[1]);
                    assert!(distance.is_nan() || distance > 12.0, "two bodies coincide in scene {i}");
                    close += usize::from(distance < 67.0);
                }
            }
        }
        assert!(animals > 150 && close > 20, "{animals} animals, {close} pairs close together");
        assert!(parts * 10 > animals * 13 * 8, "most parts are visible");
    }
}

/// Without noise the thin feet of dark flies must be darker than what lies around them: labels lie on the drawing.
#[test]
fn labels_lie_on_the_animal() {
    let config = SynthConfig {
        width_px: 256,
        height_px: 256,
        animals: (1, 1),
        noise: (0.0, 0.0),
        bright_on_dark: 0.0,
        contrast: (0.8, 0.9),
        length_fraction: 0.5,
        count: 40,
        ..SynthConfig::default()
    };
    let source = SynthScenes::new(config).unwrap();
    let feet: Vec<usize> = (0..13).filter(|&n| source.skeleton().nodes[n].contains("leg")).collect();
    let (mut darker, mut all) = (0, 0);
    for i in 0..source.len() {
        let sample = source.sample(i).unwrap();
        for point in feet.iter().map(|&n| sample.animals[0].points[n]).filter(|p| p[0].is_finite()) {
            let around = ring_median(&sample.image, point, 9);
            let here = ring_median(&sample.image, point, 0);
            darker += usize::from(here < around);
            all += 1;
        }
    }
    assert!(darker * 20 > all * 18, "{darker} of {all}");
}

/// Feet and wings reach about 0.7 body lengths from the thorax, and a body may be 15 % longer than asked.
#[test]
fn with_a_wide_margin_whole_animals_are_in_view() {
    let lone = |margin| SynthConfig { animals: (1, 1), length_fraction: 0.25, count: 60, margin, ..SynthConfig::default() };
    let missing = |margin| -> usize {
        let source = SynthScenes::new(lone(margin)).unwrap();
        let animals = (0..source.len()).flat_map(|i| source.animals(i).unwrap());
        animals.map(|a| a.points.iter().filter(|p| p[0].is_nan()).count()).sum()
    };
    assert_eq!(missing(1.0), 0);
    assert!(missing(0.0) > 60);
    assert!(SynthScenes::new(lone(2.5)).is_err());
}

/// Median of the pixels on a square ring.
fn ring_median(image: &Image, point: [f32; 2], reach: i64) -> u8 {
    let (cx, cy) = (point[0].round() as i64, point[1].round() as i64);
    let mut values = Vec::new();
    for y in (cy - reach)..=(cy + reach) {
        for x in (cx - reach)..=(cx + reach) {
            let on_ring = (x - cx).abs().max((y - cy).abs()) == reach;
            if on_ring && (0..image.width_px() as i64).contains(&x) && (0..image.height_px() as i64).contains(&y) {
                values.push(image.pixels()[y as usize * image.width_px() + x as usize]);
            }
        }
    }
    values.sort_unstable();
    values[values.len() / 2]
}

#[test]
fn bad_settings_are_all_named() {
    let config = SynthConfig { width_px: 1, animals: (3, 2), closeness: 2.0, ..SynthConfig::default() };
    let text = SynthScenes::new(config).unwrap_err().to_string();
    assert!(text.contains("width_px") && text.contains("animals") && text.contains("closeness"), "{text}");
}

/// The fastest scene counts, generously, because the machine may be busy. Leaves sheets of scenes to look at.
#[test]
fn drawing_is_quick() {
    for (species, side) in [(Species::Fly, 192), (Species::Mouse, 192), (Species::Fly, 384), (Species::Mouse, 384)] {
        let source = scenes(species, side, (1, 4));
        let timed = |i: usize| {
            let start = std::time::Instant::now();
            (source.sample(i).unwrap(), start.elapsed())
        };
        let (samples, mut times): (Vec<Sample>, Vec<Duration>) = (0..source.len()).map(timed).unzip();
        times.sort_unstable();
        println!("{species:?} {side}: fastest {:?}, median {:?}, slowest {:?}", times[0], times[32], times[63]);
        assert!(times[0] < Duration::from_millis(30), "a scene of {side} px takes {:?}", times[0]);
        let images: Vec<Image> = samples.iter().take(12).map(|s| s.image.clone()).collect();
        let sheet = contact_sheet(&images, 4).unwrap();
        assert_eq!(sheet.width_px(), 4 * side + 5 * 6);
        save_png(&sheet, &std::env::temp_dir().join(format!("dormouse-{species:?}-{side}.png"))).unwrap();
    }
}

#[test]
fn labels_can_be_drawn_over_a_scene() {
    for species in [Species::Fly, Species::Mouse] {
        let source = scenes(species, 192, (3, 4));
        let sample = source.sample(3).unwrap();
        let points: Vec<Vec<(f32, f32, f32)>> =
            sample.animals.iter().map(|animal| animal.points.iter().map(|p| (p[0], p[1], 1.0)).collect()).collect();
        let animals: Vec<DrawnAnimal<'_>> =
            points.iter().enumerate().map(|(i, points)| DrawnAnimal::new(points, format!("animal {}", i + 1), i)).collect();
        let options = DrawOptions { title: format!("{species:?}, scene 3"), ..DrawOptions::default() };
        let drawn = draw_poses(&sample.image, source.skeleton(), &animals, &options).unwrap();
        for animal in &animals {
            assert!(drawn.pixels().chunks_exact(3).filter(|p| *p == animal.color).count() > 300, "{}", animal.label);
        }
        save_png(&drawn, &std::env::temp_dir().join(format!("dormouse-{species:?}-labels.png"))).unwrap();
    }
}

/// Anatomy on the screen (y down): left parts lie to the left of the direction of view.
#[test]
fn left_is_left() {
    for (species, tail, front, pairs) in [
        (Species::Fly, "thorax", "head", [("eyeL", "eyeR"), ("midlegL", "midlegR")]),
        (Species::Mouse, "tailBase", "neck", [("earL", "earR"), ("hindpawL", "hindpawR")]),
    ] {
        let source = scenes(species, 128, (1, 1));
        let node = |name: &str| source.skeleton().node_index(name).unwrap();
        let mut seen = 0;
        for i in 0..source.len() {
            let points = &source.sample(i).unwrap().animals[0].points;
            let (from, to) = (points[node(tail)], points[node(front)]);
            for (left, right) in pairs {
                let (l, r) = (points[node(left)], points[node(right)]);
                let cross = (to[0] - from[0]) * (r[1] - l[1]) - (to[1] - from[1]) * (r[0] - l[0]);
                // Turning from the view to the right-hand side is clockwise on the screen: a positive cross product.
                assert!(cross.is_nan() || cross > 0.0, "{species:?} {i} {left}");
                seen += usize::from(cross > 0.0);
            }
        }
        assert!(seen > 80, "{seen}");
    }
}

#[test]
fn parts_under_another_body_are_missing() {
    use rand::SeedableRng;
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let lower = super::fly::pose([60.0, 60.0], 0.0, 60.0, 0.2, &mut rng);
    let upper = super::fly::pose([60.0, 60.0], 1.5, 60.0, 0.2, &mut rng);
    let away = super::mouse::pose([300.0, 60.0], 1.5, 60.0, 0.2, &mut rng);
    let labels = lower.labels(120, 120, std::slice::from_ref(&upper));
    assert!(labels[3][0].is_nan(), "the thorax is covered");
    assert_eq!(labels[9], lower.points[9], "a foot is not");
    assert!(lower.labels(120, 120, &[away]).iter().all(|p| p[0].is_finite()));
    assert!(lower.labels(62, 120, &[])[0][0].is_nan(), "the head is outside a narrower image");
}

/// Every label lies on a painted solid of its animal, within a pixel.
#[test]
fn points_touch_solids() {
    use rand::SeedableRng;
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(6);
    for i in 0..100_u8 {
        let heading = f32::from(i) / 7.0;
        let animals = [
            super::fly::pose([0.0, 0.0], heading, 100.0, 0.2, &mut rng),
            super::mouse::pose([0.0, 0.0], heading, 100.0, 0.2, &mut rng),
        ];
        for animal in animals {
            for (node, &point) in animal.points.iter().enumerate() {
                let nearest = animal.parts.iter().map(|part| part.shape.distance(point)).fold(f32::INFINITY, f32::min);
                assert!(nearest < 1.0, "node {node} is {nearest} px away");
            }
        }
    }
}
