//! Random erasing: a rectangle of one colour, as if something stood in front of the animal (SLEAP-NN; reference
//! sleap-training.md, section 4.2). Only the image changes; parts below it must be guessed from the rest.

use crate::dataset::image::Image;
use rand::{Rng, RngExt};

/// Paints a rectangle of `area_fraction` of the image and `aspect` (width / height) at a random place in a random colour. Sides are
/// rounded, and cut to those of the image.
pub(super) fn erase<R: Rng + ?Sized>(image: &mut Image, area_fraction: f32, aspect: f32, rng: &mut R) {
    let (width, height, channels) = (image.width_px(), image.height_px(), image.channels());
    let area = area_fraction * (width * height) as f32;
    let side = |length: f32, most: usize| (length.round() as usize).clamp(1, most);
    let (w, h) = (side((area * aspect).sqrt(), width), side((area / aspect).sqrt(), height));
    let (left, top) = (rng.random_range(0..=width - w), rng.random_range(0..=height - h));
    let color: [u8; 3] = std::array::from_fn(|_| rng.random());
    for row in image.pixels_mut().chunks_exact_mut(width * channels).skip(top).take(h) {
        for pixel in row[left * channels..(left + w) * channels].chunks_exact_mut(channels) {
            pixel.copy_from_slice(&color[..channels]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_rectangle_of_the_asked_size_changes() {
        for (seed, channels) in [(1, 1), (2, 3), (5, 3)] {
            let mut image = Image::new(100, 50, channels, vec![7; 5000 * channels]).unwrap();
            // 8 % of 5000 px with width / height 4: 40 x 10.
            erase(&mut image, 0.08, 4.0, &mut ChaCha8Rng::seed_from_u64(seed));
            let changed: Vec<usize> =
                (0..5000).filter(|i| image.pixels()[i * channels..(i + 1) * channels].iter().any(|v| *v != 7)).collect();
            let columns = changed.iter().map(|i| i % 100);
            let rows = changed.iter().map(|i| i / 100);
            assert_eq!(changed.len(), 400, "seed {seed}");
            assert_eq!(columns.clone().max().unwrap() - columns.min().unwrap(), 39);
            assert_eq!(rows.clone().max().unwrap() - rows.min().unwrap(), 9);
        }
    }

    #[test]
    fn never_leaves_the_image() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for (width, height) in [(1, 1), (3, 40), (40, 3)] {
            for (area, aspect) in [(1e-4, 1.0), (1.0, 0.1), (1.0, 10.0)] {
                let mut image = Image::new(width, height, 1, vec![0; width * height]).unwrap();
                erase(&mut image, area, aspect, &mut rng);
            }
        }
    }
}
