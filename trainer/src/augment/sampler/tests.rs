use super::*;
use crate::dataset::image::Image;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const SIZE: [usize; 2] = [97, 80];

fn skeleton() -> Skeleton {
    let nodes = ["nose", "left", "right"].map(String::from).to_vec();
    Skeleton { name: "test".into(), nodes, edges: vec![(0, 1), (0, 2)], symmetries: vec![(1, 2)] }
}

/// One bright Gaussian per point on black, all channels alike.
fn dots(points: &[Point], channels: usize) -> Image {
    let mut pixels = Vec::new();
    for y in 0..SIZE[1] {
        for x in 0..SIZE[0] {
            let value: f32 = points
                .iter()
                .map(|p| 250.0 * (-((x as f32 - p[0]).powi(2) + (y as f32 - p[1]).powi(2)) / (2.0 * 2.5 * 2.5)).exp())
                .sum();
            pixels.extend(std::iter::repeat_n(value.round() as u8, channels));
        }
    }
    Image::new(SIZE[0], SIZE[1], channels, pixels).unwrap()
}

fn centroid(image: &Image) -> [f64; 2] {
    let mut sums = [0.0; 3];
    for (i, pixel) in image.pixels().chunks_exact(image.channels()).enumerate() {
        let weight = f64::from(pixel[0]);
        let at = [(i % image.width_px()) as f64, (i / image.width_px()) as f64];
        sums = [sums[0] + weight * at[0], sums[1] + weight * at[1], sums[2] + weight];
    }
    [sums[0] / sums[2], sums[1] / sums[2]]
}

fn strong() -> AugmentConfig {
    AugmentConfig {
        rotation_deg: [-180.0, 180.0],
        scale: [0.7, 1.3],
        translate_fraction: [-0.1, 0.1],
        flip_horizontal_probability: 0.5,
        flip_vertical_probability: 0.5,
        crop_px: [80, 70],
        ..AugmentConfig::default()
    }
}

proptest! {
    /// Draw a dot, vary the sample: the dot is where the point says.
    #[test]
    fn pixels_and_points_move_together(seed in any::<u64>(), x in 38.0_f32..58.0, y in 30.0_f32..50.0, rgb in any::<bool>()) {
        let sample = Sample { image: dots(&[[x, y]], if rgb { 3 } else { 1 }), animals: vec![vec![[x, y], MISSING, MISSING].into()] };
        let augment = Augment::new(strong(), &skeleton()).unwrap();
        let varied = augment.apply(&sample, &mut ChaCha8Rng::seed_from_u64(seed));
        let point = varied.animals[0].points[0];
        // The whole dot must be inside for its centroid to be unbiased.
        let (room, ends) = (12.0, [varied.image.width_px(), varied.image.height_px()]);
        prop_assume!((0..2).all(|i| point[i] > room && point[i] < ends[i] as f32 - 1.0 - room));
        let seen = centroid(&varied.image);
        prop_assert!((seen[0] - f64::from(point[0])).abs() < 0.05 && (seen[1] - f64::from(point[1])).abs() < 0.05, "{seen:?} {point:?}");
        prop_assert!(varied.animals[0].points[1..].iter().flatten().all(|v| v.is_nan()));
    }
}

#[test]
fn a_mirror_is_exact_and_swaps_sides() {
    let config = AugmentConfig { flip_horizontal_probability: 1.0, ..AugmentConfig::none() };
    let sample = Sample { image: dots(&[[10.0, 20.0]], 1), animals: vec![vec![[10.0, 20.0], [30.25, 40.0], MISSING].into()] };
    let flipped = Augment::new(config, &skeleton()).unwrap().apply(&sample, &mut ChaCha8Rng::seed_from_u64(3));
    // x' = (W - 1) - x
    assert_eq!(flipped.animals[0].points[0], [86.0, 20.0]);
    assert!(flipped.animals[0].points[1][0].is_nan(), "the left part was the missing right part");
    assert_eq!(flipped.animals[0].points[2], [65.75, 40.0]);
    for (new, old) in flipped.image.pixels().chunks_exact(SIZE[0]).zip(sample.image.pixels().chunks_exact(SIZE[0])) {
        assert!(new.iter().eq(old.iter().rev()));
    }
}

#[test]
fn two_mirrors_keep_the_sides() {
    let config = AugmentConfig { flip_horizontal_probability: 1.0, flip_vertical_probability: 1.0, ..AugmentConfig::none() };
    let sample = Sample { image: dots(&[], 1), animals: vec![vec![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]].into()] };
    let turned = Augment::new(config, &skeleton()).unwrap().apply(&sample, &mut ChaCha8Rng::seed_from_u64(3));
    assert_eq!(turned.animals[0].points, vec![[95.0, 77.0], [93.0, 75.0], [91.0, 73.0]]);
}

#[test]
fn a_quarter_turn_goes_clockwise() {
    let config = AugmentConfig { rotation_deg: [90.0, 90.0], ..AugmentConfig::none() };
    let sample = Sample { image: dots(&[], 1), animals: vec![vec![[58.0, 39.5], MISSING, MISSING].into()] };
    let turned = Augment::new(config, &skeleton()).unwrap().apply(&sample, &mut ChaCha8Rng::seed_from_u64(3));
    // 10 px right of the centre (48, 39.5) comes to lie 10 px below it.
    let [x, y] = turned.animals[0].points[0];
    assert!((x - 48.0).abs() < 1e-4 && (y - 49.5).abs() < 1e-4);
}

#[test]
fn parts_that_leave_the_image_are_dropped_or_kept() {
    let away = AugmentConfig { translate_fraction: [0.5, 0.5], ..AugmentConfig::none() };
    let animals = vec![vec![[10.0, 10.0], [90.0, 10.0], MISSING].into(), vec![[90.0, 70.0], MISSING, MISSING].into()];
    let sample = Sample { image: dots(&[], 1), animals };
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let dropped = Augment::new(away.clone(), &skeleton()).unwrap().apply(&sample, &mut rng);
    assert_eq!(dropped.animals.len(), 1);
    assert_eq!(dropped.animals[0].points[0], [58.5, 50.0]);
    assert!(dropped.animals[0].points[1][0].is_nan());
    let kept = Augment::new(AugmentConfig { drop_parts_outside: false, ..away }, &skeleton()).unwrap().apply(&sample, &mut rng);
    assert_eq!(kept.animals.len(), 2);
    assert_eq!(kept.animals[1].points[0], [138.5, 110.0]);
}

#[test]
fn parts_that_were_never_in_the_image_do_not_come_in() {
    // Shrunk to half its size, the image shows what was outside of it as black.
    let half = AugmentConfig { scale: [0.5, 0.5], ..AugmentConfig::none() };
    let animals = vec![vec![[10.0, 10.0], [-20.0, 10.0], MISSING].into()];
    let sample = Sample { image: dots(&[], 1), animals };
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let points = |config: &AugmentConfig, rng: &mut ChaCha8Rng| {
        Augment::new(config.clone(), &skeleton()).unwrap().apply(&sample, rng).animals[0].points.clone()
    };
    let dropped = points(&half, &mut rng);
    assert!(dropped[0][0] > 0.0 && dropped[1][0].is_nan(), "{dropped:?}");
    let kept = points(&AugmentConfig { drop_parts_outside: false, ..half }, &mut rng);
    assert!(kept[1][0] > 0.0, "{kept:?}");
}

#[test]
fn nothing_changes_without_variation() {
    let sample = Sample { image: dots(&[[40.0, 30.0]], 3), animals: vec![vec![[40.0, 30.0], [1.5, 2.5], [3.0, 3.0]].into()] };
    let augment = Augment::new(AugmentConfig::none(), &skeleton()).unwrap();
    assert_eq!(augment.apply(&sample, &mut ChaCha8Rng::seed_from_u64(9)), sample);
}

#[test]
fn mirroring_needs_symmetries() {
    let config = AugmentConfig { flip_horizontal_probability: 0.5, scale: [2.0, 1.0], ..AugmentConfig::default() };
    let text = Augment::new(config, &Skeleton { symmetries: vec![], ..skeleton() }).unwrap_err().to_string();
    assert!(text.contains("has no symmetries") && text.contains("augment.scale"), "{text}");
}

#[test]
fn rotations_have_names() {
    let of = |text: &str| toml::from_str::<AugmentConfig>(text);
    assert_eq!(of("rotation_deg = \"top\"").unwrap().rotation_deg, [-180.0, 180.0]);
    assert_eq!(of("rotation_deg = \"side\"").unwrap().rotation_deg, [-15.0, 15.0]);
    let text = of("rotation_deg = \"back\"").unwrap_err().to_string();
    assert!(text.contains("side") && text.contains("top"), "{text}");
}

#[test]
fn ranges_at_fault_come_together() {
    let config = AugmentConfig {
        gamma: [0.0, 2.0],
        uniform_noise: [0.5, 0.1],
        erase_area: [0.0, 2.0],
        erase_probability: f32::NAN,
        crop_px: [0, 20_000],
        ..AugmentConfig::default()
    };
    assert_eq!(config.faults().len(), 5, "{:?}", config.faults());
    assert!(AugmentConfig::default().faults().is_empty());
}

#[test]
fn windows_keep_small_images_whole() {
    let config = AugmentConfig { crop_px: [50, 500], ..AugmentConfig::none() };
    let sample = Sample { image: dots(&[[40.0, 30.0]], 1), animals: vec![vec![[40.0, 30.0], MISSING, MISSING].into()] };
    let augment = Augment::new(config, &skeleton()).unwrap();
    let mut lefts = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let varied = augment.apply(&sample, &mut ChaCha8Rng::seed_from_u64(seed));
        assert_eq!([varied.image.width_px(), varied.image.height_px()], [50, SIZE[1]]);
        if let Some(animal) = varied.animals.first() {
            lefts.insert(40 - animal.points[0][0] as i32);
        }
    }
    assert!(lefts.len() > 10 && lefts.iter().all(|l| (0..=47).contains(l)), "{lefts:?}");
}

#[test]
fn unknown_settings_are_refused() {
    assert!(toml::from_str::<AugmentConfig>("rotation = [0, 1]").is_err());
    let config: AugmentConfig = toml::from_str("rotation_deg = [-90, 90]").unwrap();
    assert_eq!(config, AugmentConfig { rotation_deg: [-90.0, 90.0], ..AugmentConfig::default() });
}

#[test]
fn tiny_images_and_strong_settings_are_survived() {
    let config = AugmentConfig { scale: [0.1, 10.0], translate_fraction: [-1.0, 1.0], noise_probability: 0.5, ..strong() };
    let augment = Augment::new(config, &skeleton()).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 2), (300, 2)] {
        let image = Image::new(width, height, 1, vec![200; width * height]).unwrap();
        // One point only, an infinite one, and more points than the skeleton has nodes.
        let animals =
            vec![vec![[0.0, 0.0]].into(), vec![[f32::INFINITY, 0.0], [f32::NAN, 1.0]].into(), vec![[0.5, 0.5]; 5].into()];
        for _ in 0..50 {
            let varied = augment.apply(&Sample { image: image.clone(), animals: animals.clone() }, &mut rng);
            assert!(varied.animals.iter().flat_map(|a| &a.points).all(|p| p[0].is_nan() == p[1].is_nan()));
        }
    }
}
