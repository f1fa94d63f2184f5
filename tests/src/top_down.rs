//! A top-down model whose networks look at colours, and scenes for it: a blue spot is a centre, red and green spots are parts.

use crate::networks::{ColorHead, color_network};
use crate::onnx::numbers;
use dormouse::Skeleton;
use dormouse::bundle::{BundleWriter, SelfTest};
use dormouse::config::*;

/// Width of the scenes.
pub const WIDTH: usize = 120;
/// Height of the scenes.
pub const HEIGHT: usize = 88;
/// Side of the crops in pixels.
pub const CROP_PX: u32 = 32;
/// Spread of the spots in pixels; one cell of the maps of parts.
const SIGMA_PX: f32 = 1.0;
/// Spread of the centres; one cell of the centroid map (half scale, stride 2).
const CENTRE_SIGMA_PX: f32 = 4.0;

/// The configuration: parts `a` (red) and `b` (green), centres at half scale, parts at full scale and stride 1; with
/// `identity` the class of a crop is the stronger colour of its two parts.
pub fn config(identity: bool, max_instances: u32) -> Config {
    let head = |kind, output: &str, stride_px| HeadConfig { kind, output: output.into(), stride_px };
    let preprocess = |input_scale, pad_to_stride_px| PreprocessConfig {
        color: InputColor::Rgb,
        input_scale,
        resize: ResizeFilter::Bilinear,
        pad_to_stride_px,
    };
    let mut heads = vec![head(HeadKind::ConfidenceMaps, "parts", 1)];
    heads.extend(identity.then(|| head(HeadKind::ClassVectors, "classes", 8)));
    Config {
        name: "colours".into(),
        model_type: if identity { ModelType::TopDownId } else { ModelType::TopDown },
        skeleton: Skeleton {
            name: "pair".into(),
            nodes: ["a", "b"].map(String::from).to_vec(),
            edges: vec![(0, 1)],
            symmetries: vec![],
        },
        networks: vec![
            NetworkConfig {
                name: CENTROID_NETWORK.into(),
                preprocess: preprocess(0.5, 4),
                heads: vec![head(HeadKind::Centroids, "centres", 2)],
            },
            NetworkConfig { name: INSTANCE_NETWORK.into(), preprocess: preprocess(1.0, 8), heads },
        ],
        peaks: PeakConfig::default(),
        grouping: GroupingConfig::default(),
        limits: Limits { max_instances, max_peaks: 16 },
        provenance: Provenance::default(),
        top_down: Some(TopDownConfig {
            anchor_part: None,
            crop_size_px: CROP_PX,
            centroid_threshold: 0.2,
            min_centroid_distance_px: 0.0,
        }),
        identity: identity.then(|| IdentityConfig { classes: ["red", "green"].map(String::from).to_vec() }),
    }
}

/// Both networks of a [`config`], as ONNX files.
pub fn networks(config: &Config) -> [Vec<u8>; 2] {
    let (red, green, blue) = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]);
    let stride_px = |network: usize| Some(config.networks[network].heads[0].stride_px as usize);
    let centroid = [ColorHead { name: "centres", weights: vec![blue], stride_px: stride_px(0) }];
    let mut instance = vec![ColorHead { name: "parts", weights: vec![red, green], stride_px: stride_px(1) }];
    if config.identity.is_some() {
        instance.push(ColorHead { name: "classes", weights: vec![red, green], stride_px: None });
    }
    [color_network(&centroid), color_network(&instance)]
}

/// The bundle of a [`config`].
pub fn bundle(config: &Config, self_test: Option<&SelfTest>) -> Vec<u8> {
    bundle_of(config, networks(config), self_test)
}

/// The bundle of a configuration and its two networks.
pub fn bundle_of(config: &Config, [centroid, instance]: [Vec<u8>; 2], self_test: Option<&SelfTest>) -> Vec<u8> {
    let writer = BundleWriter::new(config).unwrap();
    let writer = writer.network(CENTROID_NETWORK, centroid).network(INSTANCE_NETWORK, instance);
    let writer = match self_test {
        Some(test) => writer.self_test(test).unwrap(),
        None => writer,
    };
    writer.finish().unwrap()
}

/// As many animals as asked for, anywhere in the scene and a little beyond its edges, with parts of any brightness.
pub fn herd(count: usize, seed: u32) -> Vec<Animal> {
    let numbers = numbers(4 * count, seed);
    let place = |x: f32, side: usize| (0.55 * x + 0.5) * side as f32;
    let animal =
        |n: &[f32]| Animal { light: [0.6 + 0.4 * n[2], 0.6 + 0.4 * n[3]], ..Animal::at(place(n[0], WIDTH), place(n[1], HEIGHT)) };
    numbers.chunks_exact(4).map(animal).collect()
}

/// One animal of a scene; places in pixels.
#[derive(Debug, Clone, Copy)]
pub struct Animal {
    /// Centre.
    pub centre: (f32, f32),
    /// Parts `a` and `b`.
    pub parts: [(f32, f32); 2],
    /// Brightness of the two parts, 0 to 1.
    pub light: [f32; 2],
}

impl Animal {
    /// An animal of the usual shape with full brightness.
    pub fn at(x: f32, y: f32) -> Self {
        Self { centre: (x, y), parts: [(x - 6.3, y + 2.1), (x + 5.4, y - 3.2)], light: [1.0; 2] }
    }
}

/// Packed red, green and blue pixels of a scene.
pub fn scene(animals: &[Animal]) -> Vec<u8> {
    let mut pixels = vec![0_u8; WIDTH * HEIGHT * 3];
    for animal in animals {
        let spots = [
            (animal.parts[0], SIGMA_PX, animal.light[0]),
            (animal.parts[1], SIGMA_PX, animal.light[1]),
            (animal.centre, CENTRE_SIGMA_PX, 1.0),
        ];
        for (color, ((cx, cy), sigma, light)) in spots.into_iter().enumerate() {
            for (index, pixel) in pixels.chunks_exact_mut(3).enumerate() {
                let (dx, dy) = ((index % WIDTH) as f32 - cx, (index / WIDTH) as f32 - cy);
                let value = light * (-(dx * dx + dy * dy) / (2.0 * sigma * sigma)).exp();
                pixel[color] = pixel[color].max((255.0 * value).round() as u8);
            }
        }
    }
    pixels
}
