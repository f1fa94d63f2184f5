//! How much of the image one cell of the deepest map sees.

use super::unet::UnetConfig;

/// Side in input pixels of the square seen by a cell behind the encoder: 1 + sum over layers of (kernel - 1) times the
/// product of the strides before it, over the down blocks (SLEAP's preview; reference T section 6.3). Stem and middle block
/// are not counted, as there.
pub fn receptive_field_px(unet: &UnetConfig) -> usize {
    let stem = unet.stem_stride.unwrap_or(1).max(1);
    let blocks = (unet.max_stride.max(1) / stem).max(1).ilog2();
    let (mut field, mut jump) = (1, 1);
    for _ in 0..blocks {
        field += (unet.convs_per_block * 2 + 1) * jump;
        jump *= 2;
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_sleaps_preview() {
        for (max_stride, expected) in [(2, 6), (4, 16), (8, 36), (16, 76), (32, 156), (64, 316), (128, 636)] {
            assert_eq!(receptive_field_px(&UnetConfig { max_stride, ..UnetConfig::default() }), expected);
        }
        for (max_stride, expected) in [(2, 8), (4, 22), (8, 50), (16, 106), (32, 218), (64, 442), (128, 890)] {
            let three = UnetConfig { max_stride, convs_per_block: 3, ..UnetConfig::default() };
            assert_eq!(receptive_field_px(&three), expected);
        }
    }
}
