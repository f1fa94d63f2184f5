//! Loss and gradients of one batch: by hand on the CPU, by burn's automatic differentiation elsewhere.

use super::precision::Precision;
use crate::batch::{Batch, Block};
use crate::device::is_cpu;
use crate::error::{Error, Result};
use crate::loss::{head_loss, mines};
use crate::model::direct::{DirectNet, Map, channel_errors, cross_entropy};
use crate::model::pose_net::read;
use crate::model::{HardKeypoints, HeadSpec, Layer, PoseNet};
use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use dormouse::config::HeadKind;
use rayon::prelude::*;
use std::ops::Range;

/// What is minimised.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Objective {
    /// Weight of each head's loss.
    pub weights: Vec<f32>,
    /// Online hard keypoint mining.
    pub hard_keypoints: HardKeypoints,
    /// Numbers of the maps, where the device has a choice.
    pub precision: Precision,
}

impl Objective {
    /// Heads with these weights, without mining.
    pub fn plain(weights: &[f32]) -> Self {
        Self { weights: weights.to_vec(), ..Self::default() }
    }
}

/// Loss per head, and the gradient of the weighted sum per layer.
///
/// # Errors
/// When the batch does not fit the network or the device fails.
pub fn loss_and_gradients(net: &PoseNet, batch: &Batch, objective: &Objective) -> Result<(Vec<f64>, Vec<Layer>)> {
    check(net, batch)?;
    match is_cpu(net.device()) {
        true => direct(net, batch, objective),
        false => automatic(net, batch, objective, objective.precision.of_maps(net.device())),
    }
}

/// Loss per head, without gradients.
///
/// # Errors
/// As [`loss_and_gradients`].
pub fn losses(net: &PoseNet, batch: &Batch, hard: &HardKeypoints) -> Result<Vec<f64>> {
    check(net, batch)?;
    if is_cpu(net.device()) {
        let flat = net.to_flat()?;
        let direct = DirectNet::new(net.plan(), &flat)?;
        let outputs = in_pool(|| direct.forward(map(&batch.images)))?;
        let pairs = outputs.iter().zip(&batch.targets).zip(&net.config().heads);
        return Ok(pairs.map(|((output, target), head)| plain_loss(head, output, &map(target), hard)).collect());
    }
    let outputs = net.forward(tensor(&batch.images, net.device()));
    let pairs = outputs.into_iter().zip(&batch.targets).zip(&net.config().heads);
    pairs.map(|((output, target), head)| number(head_loss(head.kind, output, tensor(target, net.device()), hard)?)).collect()
}

fn plain_loss(head: &HeadSpec, output: &Map, target: &Map, hard: &HardKeypoints) -> f64 {
    match head.kind {
        HeadKind::ClassVectors => cross_entropy(&output.data, &target.data, output.batch),
        kind if hard.enabled && mines(kind) => {
            let sums = channel_errors(output, target);
            let weighted = sums.iter().zip(hard.factors(&sums)).map(|(sum, factor)| sum * f64::from(factor));
            weighted.sum::<f64>() / output.data.len().max(1) as f64
        }
        _ => squared_error(&output.data, &target.data),
    }
}

fn squared_error(output: &[f32], target: &[f32]) -> f64 {
    let sum: f64 = output.iter().zip(target).map(|(o, t)| f64::from(o - t).powi(2)).sum();
    sum / output.len().max(1) as f64
}

fn check(net: &PoseNet, batch: &Batch) -> Result<()> {
    batch.check()?;
    let config = net.config();
    let [b, c, h, w] = batch.images.1;
    let side = config.backbone.max_stride();
    if c != config.in_channels || h % side != 0 || w % side != 0 {
        let need = config.in_channels;
        return Err(Error::Train(format!("images are {c}x{h}x{w}; {need} channels and sides in multiples of {side} are needed")));
    }
    if batch.targets.len() != config.heads.len() {
        return Err(Error::Train(format!("{} targets for {} heads", batch.targets.len(), config.heads.len())));
    }
    for (head, (_, dims)) in config.heads.iter().zip(&batch.targets) {
        let [rows, columns] = head.output_size([h, w]);
        let expected = [b, head.channels, rows, columns];
        if *dims != expected {
            return Err(Error::Train(format!("the target of {} is {dims:?}; {expected:?} is needed", head.output)));
        }
    }
    Ok(())
}

fn map((data, dims): &Block) -> Map {
    Map::from_batch_first(data, *dims)
}

fn tensor((data, dims): &Block, device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(data.clone(), *dims), device)
}

fn number(tensor: Tensor<1>) -> Result<f64> {
    Ok(read(tensor)?.first().copied().map_or(f64::NAN, f64::from))
}

/// Runs `work` on a thread of the pool. A step has hundreds of short parallel loops: started from a thread outside of the pool,
/// each would put that thread to sleep and wake it up again.
fn in_pool<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| work())
}

/// Parts of a batch at most that go through the network side by side. A fixed number: the order in which gradients are added, and
/// with it their last bits, must not depend on the number of threads.
const PARTS: usize = 4;

/// The gradients written out by hand.
///
/// Every part of the batch goes through the whole network on its own, so that threads wait for each other once per step and not
/// once per layer, and the maps of an image stay in one core's cache. Losses are means over the batch, so parts count by their
/// number of images. Hard keypoint mining looks at the whole batch at once.
pub(crate) fn direct(net: &PoseNet, batch: &Batch, objective: &Objective) -> Result<(Vec<f64>, Vec<Layer>)> {
    let flat = net.to_flat()?;
    let direct = DirectNet::new(net.plan(), &flat)?.with_hard_keypoints(objective.hard_keypoints);
    let images = batch.images.1[0];
    let per_part = if objective.hard_keypoints.enabled { images } else { images.div_ceil(PARTS) };
    let ranges: Vec<Range<usize>> =
        (0..images).step_by(per_part.max(1)).map(|first| first..(first + per_part).min(images)).collect();
    let part = |range: &Range<usize>| {
        let targets: Vec<Map> = batch.targets.iter().map(|target| images_of(target, range)).collect();
        direct.loss_gradients(images_of(&batch.images, range), &targets, &objective.weights)
    };
    let results = in_pool(|| ranges.par_iter().map(part).collect::<Result<Vec<_>>>())?;
    let mut losses = vec![0.0; batch.targets.len()];
    let mut sum = vec![0.0f32; flat.len()];
    for (range, result) in ranges.iter().zip(results) {
        let share = range.len() as f64 / images as f64;
        losses.iter_mut().zip(&result.losses).for_each(|(sum, loss)| *sum += share * loss);
        sum.iter_mut().zip(&result.flat).for_each(|(sum, gradient)| *sum += share as f32 * gradient);
    }
    let gradients = net.config().with_weights(&sum, net.device())?;
    Ok((losses, gradients.layers().to_vec()))
}

/// Some images of a block as a map.
fn images_of((data, dims): &Block, images: &Range<usize>) -> Map {
    let [_, channels, height, width] = *dims;
    let len = channels * height * width;
    Map::from_batch_first(&data[images.start * len..images.end * len], [images.len(), channels, height, width])
}

/// The gradients from burn, with maps of this type. Losses and gradients are f32 whatever the maps are.
pub(crate) fn automatic(net: &PoseNet, batch: &Batch, objective: &Objective, maps: FloatDType) -> Result<(Vec<f64>, Vec<Layer>)> {
    let device = net.device().clone().autodiff();
    let tracked = |l: &Layer| Layer {
        weight: Tensor::from_inner(l.weight.clone()).require_grad(),
        bias: Tensor::from_inner(l.bias.clone()).require_grad(),
    };
    let layers: Vec<Layer> = net.layers().iter().map(tracked).collect();
    // The gradient of a cast is a cast back: the leaves are the f32 weights.
    let cast = |l: &Layer| Layer { weight: l.weight.clone().cast(maps), bias: l.bias.clone().cast(maps) };
    let computing: Vec<Layer> = layers.iter().map(cast).collect();
    let outputs = net.forward_with(&computing, tensor(&batch.images, &device).cast(maps));
    let outputs = outputs.into_iter().map(|output| output.cast(FloatDType::F32));
    let pairs = outputs.zip(&batch.targets).zip(&net.config().heads);
    let loss = |((output, target), head): ((Tensor<4>, &Block), &HeadSpec)| {
        head_loss(head.kind, output, tensor(target, &device), &objective.hard_keypoints)
    };
    let parts: Vec<Tensor<1>> = pairs.map(loss).collect::<Result<_>>()?;
    let sum = parts.iter().zip(&objective.weights).map(|(p, &w)| p.clone() * w).reduce(|a, b| a + b);
    let mut grads = sum.ok_or_else(|| Error::Train("the network has no heads".into()))?.backward();
    let gradients = layers.iter().map(|l| {
        let missing = || Error::Train("burn returned no gradient for a layer".into());
        let weight = l.weight.grad_remove(&mut grads).ok_or_else(missing)?;
        Ok(Layer { weight, bias: l.bias.grad_remove(&mut grads).ok_or_else(missing)? })
    });
    let gradients = gradients.collect::<Result<Vec<_>>>()?;
    let losses = parts.into_iter().map(|p| number(p.inner())).collect::<Result<Vec<_>>>()?;
    Ok((losses, gradients))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Backbone, CompactConfig, PoseNetConfig, Skip, UnetConfig, Upsampling};

    fn noise(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn both_ways_agree() {
        let base = UnetConfig { filters: 5, max_stride: 8, ..UnetConfig::default() };
        let compact = CompactConfig { filters: 8, filters_rate: 1.5, max_stride: 8, ..CompactConfig::default() };
        let other =
            CompactConfig { kernel: 5, expansion: 2, skip: Skip::Add, upsampling: Upsampling::Nearest, ..compact.clone() };
        let backbones: [Backbone; 6] = [
            base.clone().into(),
            UnetConfig { upsampling: Upsampling::Transposed, filters_rate: 1.5, ..base.clone() }.into(),
            UnetConfig { upsampling: Upsampling::Nearest, ..base.clone() }.into(),
            UnetConfig { stem_stride: Some(2), middle_block: false, ..base }.into(),
            compact.into(),
            other.into(),
        ];
        for (backbone, enabled) in backbones.into_iter().flat_map(|backbone| [(backbone.clone(), false), (backbone, true)]) {
            let head = HeadSpec::new;
            let classes = HeadSpec { hidden: vec![6], ..head(HeadKind::ClassVectors, "class_vectors", 3, 8) };
            let heads = vec![
                head(HeadKind::ConfidenceMaps, "confmaps", 3, 2),
                head(HeadKind::PartAffinityFields, "pafs", 4, 4),
                head(HeadKind::ClassMaps, "class_maps", 2, 4),
                classes,
            ];
            let net = PoseNetConfig { in_channels: 1, backbone, heads }.init(5, &Device::default()).unwrap();
            // Five images: parts of two, two and one.
            let batch = Batch {
                images: (noise(5 * 16 * 24, 1), [5, 1, 16, 24]),
                targets: vec![
                    (noise(5 * 3 * 8 * 12, 2), [5, 3, 8, 12]),
                    (noise(5 * 4 * 4 * 6, 3), [5, 4, 4, 6]),
                    (noise(5 * 2 * 4 * 6, 4), [5, 2, 4, 6]),
                    ([0.0, 1.0, 0.0, 0.0, 0.0, 0.0].repeat(3)[..15].to_vec(), [5, 3, 1, 1]),
                ],
            };
            let hard_keypoints = HardKeypoints { enabled, hard_to_easy_ratio: 1.05, min_hard_keypoints: 1, ..Default::default() };
            let objective = Objective { hard_keypoints, ..Objective::plain(&[1.0, 0.5, 2.0, 0.1]) };
            let (loss_a, grad_a) = direct(&net, &batch, &objective).unwrap();
            let (loss_b, grad_b) = automatic(&net, &batch, &objective, FloatDType::F32).unwrap();
            let close = |a: &f64, b: &f64| (a - b).abs() < 1e-6 * b.abs().max(1.0);
            assert!(loss_a.iter().zip(&loss_b).all(|(a, b)| close(a, b)), "{loss_a:?} {loss_b:?}");
            assert!(losses(&net, &batch, &hard_keypoints).unwrap().iter().zip(&loss_b).all(|(a, b)| close(a, b)));
            for (i, (a, b)) in grad_a.into_iter().zip(grad_b).enumerate() {
                for (a, b) in [(read(a.weight).unwrap(), read(b.weight).unwrap()), (read(a.bias).unwrap(), read(b.bias).unwrap())]
                {
                    let scale = b.iter().fold(1e-4f32, |m, v| m.max(v.abs()));
                    let worst = a.iter().zip(&b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
                    assert!(worst <= 1e-4 * scale, "layer {i}: {worst} of {scale}");
                }
            }
        }
    }

    /// bfloat16 keeps 8 bits: losses and whole gradients are right to some percent, and both stay f32.
    #[test]
    fn mixed_precision_has_nearly_the_same_gradients() {
        let unet = UnetConfig { filters: 8, max_stride: 8, ..UnetConfig::default() };
        let heads = vec![
            HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", 3, 2),
            HeadSpec::new(HeadKind::PartAffinityFields, "pafs", 4, 4),
        ];
        let net = PoseNetConfig { in_channels: 1, backbone: unet.into(), heads }.init(5, &Device::default()).unwrap();
        let targets = vec![(noise(3 * 3 * 8 * 12, 2), [3, 3, 8, 12]), (noise(3 * 4 * 4 * 6, 3), [3, 4, 4, 6])];
        let batch = Batch { images: (noise(3 * 16 * 24, 1), [3, 1, 16, 24]), targets };
        let objective = Objective::plain(&[1.0, 0.5]);
        let of = |maps| {
            let (losses, layers) = automatic(&net, &batch, &objective, maps).unwrap();
            let flat = layers.into_iter().flat_map(|l| [read(l.weight).unwrap(), read(l.bias).unwrap()].concat());
            (losses, flat.collect::<Vec<f32>>())
        };
        let ((full_losses, full), (mixed_losses, mixed)) = (of(FloatDType::F32), of(FloatDType::BF16));
        assert!(full_losses.iter().zip(&mixed_losses).all(|(a, b)| (a - b).abs() < 0.02 * a), "{full_losses:?} {mixed_losses:?}");
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let (cosine, ratio) =
            (dot(&full, &mixed) / (dot(&full, &full) * dot(&mixed, &mixed)).sqrt(), dot(&mixed, &mixed) / dot(&full, &full));
        println!("cosine {cosine}, squared length {ratio}");
        assert!(cosine > 0.995 && (ratio - 1.0).abs() < 0.1 && full != mixed, "{cosine} {ratio}");
        // The CPU is not such a device.
        assert_eq!(Precision::Mixed.of_maps(net.device()), FloatDType::F32);
        assert!(Precision::Mixed.remark(net.device()).is_some() && Precision::F32.remark(net.device()).is_none());
    }

    /// Along random directions, because a single weight's effect on the loss drowns in rounding.
    #[test]
    fn small_steps_change_the_loss_as_the_gradients_say() {
        let heads = || vec![HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", 2, 2)];
        let compact = CompactConfig { filters: 8, max_stride: 8, expansion: 2, ..CompactConfig::default() };
        let net = PoseNetConfig { in_channels: 1, backbone: compact.into(), heads: heads() }.init(5, &Device::default()).unwrap();
        let batch =
            Batch { images: (noise(2 * 32 * 32, 1), [2, 1, 32, 32]), targets: vec![(noise(2 * 2 * 16 * 16, 2), [2, 2, 16, 16])] };
        let (_, gradients) = direct(&net, &batch, &Objective::plain(&[1.0])).unwrap();
        let gradients: Vec<f32> =
            gradients.into_iter().flat_map(|l| [read(l.weight).unwrap(), read(l.bias).unwrap()].concat()).collect();
        let flat = net.to_flat().unwrap();
        let loss_at = |direction: &[f32], step: f32| {
            let moved: Vec<f32> = flat.iter().zip(direction).map(|(w, d)| w + step * d).collect();
            losses(&net.config().with_weights(&moved, net.device()).unwrap(), &batch, &HardKeypoints::default()).unwrap()[0]
        };
        for seed in 1..=4 {
            // Partly along the gradient, so that the change of the loss is not itself rounding.
            let length = gradients.iter().map(|g| g * g).sum::<f32>().sqrt();
            let random = noise(flat.len(), seed);
            let direction: Vec<f32> =
                gradients.iter().zip(&random).map(|(g, r)| g / length + (r - 0.5) / (flat.len() as f32).sqrt()).collect();
            let expected: f64 = gradients.iter().zip(&direction).map(|(g, d)| f64::from(g * d)).sum();
            let step = 1e-3;
            let measured = (loss_at(&direction, step) - loss_at(&direction, -step)) / f64::from(2.0 * step);
            assert!((measured / expected - 1.0).abs() < 0.01, "{measured} instead of {expected}");
        }
    }

    #[test]
    fn threads_do_not_change_the_numbers() {
        let unet = UnetConfig { filters: 16, max_stride: 8, ..UnetConfig::default() };
        let compact = CompactConfig { filters: 16, max_stride: 8, ..CompactConfig::default() };
        for backbone in [Backbone::Unet(unet), Backbone::Compact(compact)] {
            let heads = vec![HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", 2, 2)];
            let net = PoseNetConfig { in_channels: 1, backbone, heads }.init(5, &Device::default()).unwrap();
            let batch = Batch {
                images: (noise(2 * 96 * 96, 1), [2, 1, 96, 96]),
                targets: vec![(noise(2 * 2 * 48 * 48, 2), [2, 2, 48, 48])],
            };
            let with = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let (_, layers) = pool.install(|| direct(&net, &batch, &Objective::plain(&[1.0]))).unwrap();
                layers.into_iter().flat_map(|l| read(l.weight).unwrap()).collect::<Vec<f32>>()
            };
            let one = with(1);
            assert!(with(2) == one && with(5) == one);
        }
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let heads = vec![HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", 1, 2)];
        let unet = UnetConfig { filters: 2, max_stride: 4, ..UnetConfig::default() };
        let net = PoseNetConfig { in_channels: 1, backbone: unet.into(), heads }.init(5, &Device::default()).unwrap();
        let batch = |image: [usize; 4], target: [usize; 4]| Batch {
            images: (vec![0.0; image.iter().product()], image),
            targets: vec![(vec![0.0; target.iter().product()], target)],
        };
        assert!(losses(&net, &batch([1, 1, 8, 8], [1, 1, 4, 4]), &HardKeypoints::default()).is_ok());
        for (image, target) in [([1, 1, 9, 8], [1, 1, 4, 4]), ([1, 3, 8, 8], [1, 1, 4, 4]), ([1, 1, 8, 8], [1, 1, 8, 8])] {
            assert!(losses(&net, &batch(image, target), &HardKeypoints::default()).is_err());
        }
    }
}
