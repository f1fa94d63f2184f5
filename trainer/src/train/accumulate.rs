//! Gradients of several small batches as those of one large batch.

use crate::model::Layer;

/// Running sums over the batches of one step.
#[derive(Debug, Clone)]
pub struct Accumulated {
    images: usize,
    losses: Vec<f64>,
    gradients: Vec<Layer>,
}

impl Accumulated {
    /// Begins with the mean losses and gradients of a batch of `images` images.
    pub fn new(images: usize, losses: Vec<f64>, gradients: Vec<Layer>) -> Self {
        Self { images, losses, gradients }
    }

    /// Takes in another batch. Means are weighted by the number of images, so that the result is that of one batch of all images
    /// wherever a loss is a mean over images.
    pub fn add(&mut self, images: usize, losses: &[f64], gradients: Vec<Layer>) {
        let total = (self.images + images).max(1) as f64;
        let (old, new) = (self.images as f64 / total, images as f64 / total);
        for (sum, loss) in self.losses.iter_mut().zip(losses) {
            *sum = *sum * old + loss * new;
        }
        for (sum, g) in self.gradients.iter_mut().zip(gradients) {
            sum.weight = sum.weight.clone() * old + g.weight * new;
            sum.bias = sum.bias.clone() * old + g.bias * new;
        }
        self.images += images;
    }

    /// Images, mean losses per head and mean gradients.
    pub fn into_parts(self) -> (usize, Vec<f64>, Vec<Layer>) {
        (self.images, self.losses, self.gradients)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use crate::model::pose_net::read;
    use crate::model::{HeadSpec, PoseNetConfig, UnetConfig};
    use crate::train::gradients::{Objective, loss_and_gradients};
    use burn::tensor::Device;
    use dormouse::config::HeadKind;

    fn part(images: std::ops::Range<usize>) -> Batch {
        let numbers = |per_image: usize, seed: usize| -> Vec<f32> {
            let all = images.start * per_image..images.end * per_image;
            all.map(|i| ((i * 7919 + seed) % 97) as f32 / 97.0).collect()
        };
        let n = images.len();
        Batch { images: (numbers(256, 1), [n, 1, 16, 16]), targets: vec![(numbers(128, 2), [n, 2, 8, 8])] }
    }

    #[test]
    fn parts_give_the_gradients_of_the_whole() {
        let heads = vec![HeadSpec::new(HeadKind::ConfidenceMaps, "a", 2, 2)];
        let unet = UnetConfig { filters: 4, max_stride: 4, ..UnetConfig::default() };
        let net = PoseNetConfig { in_channels: 1, backbone: unet.into(), heads }.init(3, &Device::default()).unwrap();
        let of = |images: std::ops::Range<usize>| loss_and_gradients(&net, &part(images), &Objective::plain(&[1.0])).unwrap();
        let (losses, gradients) = of(0..2);
        let mut sum = Accumulated::new(2, losses, gradients);
        for images in [2..3, 3..7] {
            let (losses, gradients) = of(images.clone());
            sum.add(images.len(), &losses, gradients);
        }
        let (images, losses, gradients) = sum.into_parts();
        let (whole_losses, whole) = of(0..7);
        assert_eq!(images, 7);
        assert!((losses[0] - whole_losses[0]).abs() < 1e-7);
        for (a, b) in gradients.into_iter().zip(whole) {
            let (a, b) = (read(a.weight).unwrap(), read(b.weight).unwrap());
            let scale = b.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4 * scale));
        }
    }
}
