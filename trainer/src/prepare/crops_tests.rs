use super::*;
use crate::augment::AugmentConfig;
use dormouse::Skeleton;
use dormouse::config::{HeadKind, InputColor, ResizeFilter};

const SIDE: usize = 96;

/// One image with a bright dot on every part of two animals.
struct Dots {
    skeleton: Skeleton,
    animals: Vec<Animal>,
    names: Vec<String>,
}

impl Dots {
    fn new(shift: f32) -> Self {
        let animal = |points: [[f32; 2]; 2], identity| Animal { points: points.map(|p| [p[0] + shift, p[1]]).to_vec(), identity };
        let animals = vec![
            animal([[30.0, 40.0], [52.0, 33.0]], Some(1)),
            animal([[70.0, 40.0], [60.0, 66.0]], Some(0)),
            Animal::from(vec![MISSING; 2]),
        ];
        let skeleton = Skeleton { nodes: vec!["a".into(), "b".into()], ..Skeleton::default() };
        Self { skeleton, animals, names: vec!["x".into(), "y".into(), "z".into()] }
    }
}

impl SampleSource for Dots {
    fn skeleton(&self) -> &Skeleton {
        &self.skeleton
    }

    fn identities(&self) -> &[String] {
        &self.names
    }

    fn len(&self) -> usize {
        1
    }

    fn sample(&self, _: usize) -> Result<Sample> {
        let mut pixels = vec![0.0_f32; SIDE * SIDE];
        for p in self.animals.iter().flat_map(|a| &a.points).filter(|p| p[0].is_finite()) {
            for (i, value) in pixels.iter_mut().enumerate() {
                let (dx, dy) = ((i % SIDE) as f32 - p[0], (i / SIDE) as f32 - p[1]);
                *value += 250.0 * (-(dx * dx + dy * dy) / (2.0 * 2.0 * 2.0)).exp();
            }
        }
        let image = Image::new(SIDE, SIDE, 1, pixels.iter().map(|v| v.round() as u8).collect()).unwrap();
        Ok(Sample { image, animals: self.animals.clone() })
    }
}

fn batches(shift: f32, augment: Option<AugmentConfig>, input_scale: f32, size_px: usize, jitter_px: f32) -> CropBatches {
    let source = Arc::new(Dots::new(shift));
    let augment = augment.map(|config| Augment::new(config, source.skeleton()).unwrap());
    let preprocess =
        PreprocessConfig { color: InputColor::Gray, input_scale, resize: ResizeFilter::Bilinear, pad_to_stride_px: 8 };
    let plan = CropPlan { preprocess, size_px, anchor: Some(0), jitter_px };
    let target = |kind, stride_px| TargetSpec { kind, sigma: 1.5, stride_px };
    let targets = vec![target(HeadKind::ConfidenceMaps, 1), target(HeadKind::ClassVectors, 8)];
    CropBatches::new(source, augment, plan, targets, (4, 5)).unwrap()
}

/// Where a crop's dot nearest to its middle is, to a fraction of a pixel: the mean place of the brightness around `near`.
fn dot(values: &[f32], side: usize, near: [f32; 2]) -> [f32; 2] {
    let (mut sum, mut at) = (0.0, [0.0, 0.0]);
    for (i, value) in values.iter().enumerate() {
        let p = [(i % side) as f32, (i / side) as f32];
        if (p[0] - near[0]).abs() < 5.0 && (p[1] - near[1]).abs() < 5.0 {
            sum += value;
            at = [at[0] + value * p[0], at[1] + value * p[1]];
        }
    }
    at.map(|v| v / sum)
}

/// Cell of the largest value of a map.
fn peak(map: &[f32], side: usize) -> [f32; 2] {
    let best = map.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
    [(best % side) as f32, (best / side) as f32]
}

#[test]
fn each_animal_is_a_crop_with_its_own_parts_and_name() {
    let batch = batches(0.0, None, 1.0, 48, 3.0).batch(0, 0).unwrap();
    assert_eq!((batch.images.1, batch.targets[0].1, batch.targets[1].1), ([2, 1, 48, 48], [2, 2, 48, 48], [2, 3, 1, 1]));
    assert_eq!(batch.targets[1].0, [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
    // Part 0 is the anchor and lies in the middle, up to the pixel grid.
    for crop in 0..2 {
        let anchor = peak(&batch.targets[0].0[crop * 2 * 2304..][..2304], 48);
        assert!(anchor.iter().all(|v| (v - 23.5).abs() <= 0.5), "{anchor:?}");
    }
    // Part 1 of the second animal, 26 px below, is outside of its crop; the other animal's parts are in sight but not in the target.
    assert!(batch.targets[0].0[3 * 2304..].iter().all(|&v| v == 0.0));
}

#[test]
fn quarter_pixels_stay_in_the_keypoints() {
    for quarter in 0..8 {
        let shift = 0.25 * quarter as f32;
        for scale in [1.0, 0.5] {
            let batch = batches(shift, None, scale, 48, 0.0).batch(0, 0).unwrap();
            let target = &batch.targets[0].0[..2304];
            // The bump's own centre is found to a fraction of a pixel, as is the dot's.
            let drawn = dot(target, 48, peak(target, 48));
            let seen = dot(&batch.images.0[..2304], 48, drawn);
            // Resized images are displaced by (scale - 1) / 2, as everywhere in SLEAP's convention.
            let bias = (scale - 1.0) / 2.0;
            let off = [seen[0] - bias - drawn[0], seen[1] - bias - drawn[1]];
            assert!(off.iter().all(|v| v.abs() < 0.06), "{shift} {scale} {off:?}");
        }
    }
}

#[test]
fn varied_crops_show_the_dots_where_the_targets_say() {
    let augment = AugmentConfig { rotation_deg: [-180.0, 180.0], scale: [0.8, 1.2], ..AugmentConfig::none() };
    let source = batches(0.0, Some(augment), 1.0, 64, 4.0);
    let (mut checked, mut farthest) = (0, 0.0_f32);
    for index in 0..10 {
        let batch = source.batch(3, index).unwrap();
        assert_eq!(batch.images.0, source.batch(3, index).unwrap().images.0, "the same batch every time");
        assert_eq!(batch.len(), 4);
        for crop in 0..4 {
            let pixels = &batch.images.0[crop * 4096..(crop + 1) * 4096];
            let target = &batch.targets[0].0[2 * crop * 4096..(2 * crop + 1) * 4096];
            let drawn = dot(target, 64, peak(target, 64));
            let seen = dot(pixels, 64, drawn);
            assert!((0..2).all(|i| (seen[i] - drawn[i]).abs() < 0.15), "{index} {crop}: {seen:?} {drawn:?}");
            let off = drawn.map(|v| (v - 31.5).abs());
            farthest = farthest.max(off[0]).max(off[1]);
            assert!(off.iter().all(|v| *v <= 4.6), "within the jitter and half a pixel: {drawn:?}");
            checked += 1;
        }
    }
    assert!(checked == 40 && farthest > 2.0, "the centre is shifted: {farthest}");
}

#[test]
fn nothing_to_crop_is_an_error() {
    struct Empty(Skeleton);
    impl SampleSource for Empty {
        fn skeleton(&self) -> &Skeleton {
            &self.0
        }
        fn len(&self) -> usize {
            0
        }
        fn sample(&self, _: usize) -> Result<Sample> {
            Err(Error::Data("empty".into()))
        }
    }
    let preprocess =
        PreprocessConfig { color: InputColor::Gray, input_scale: 1.0, resize: ResizeFilter::Bilinear, pad_to_stride_px: 8 };
    let plan = CropPlan { preprocess, size_px: 8, anchor: None, jitter_px: 0.0 };
    assert!(CropBatches::new(Arc::new(Empty(Skeleton::default())), None, plan, Vec::new(), (1, 1)).is_err());
}
