//! How much of the image one cell of the deepest map sees.

use super::backbone::Backbone;

/// Side in input pixels of the square seen by a cell behind the last pooling: 1 + sum over layers of (kernel - 1) times the
/// product of the strides before it (SLEAP's preview; reference T section 6.3). What follows the last pooling (the UNet's middle
/// block, the compact backbone's deepest units) and the UNet's stem are not counted, as there.
pub fn receptive_field_px(backbone: &Backbone) -> usize {
    let (mut field, mut jump) = (1, 1);
    for reach in reaches(backbone) {
        // One cell more for the maximum over two.
        field += (reach + 1) * jump;
        jump *= 2;
    }
    field
}

/// Cells that the layers in front of each pooling add to the field.
fn reaches(backbone: &Backbone) -> Vec<usize> {
    match backbone {
        Backbone::Unet(unet) => {
            let stem = unet.stem_stride.unwrap_or(1).max(1);
            let blocks = (unet.max_stride.max(1) / stem).max(1).ilog2();
            vec![unet.convs_per_block * 2; blocks as usize]
        }
        Backbone::Compact(compact) => {
            let units = compact.convs_per_block * compact.kernel.saturating_sub(1);
            let level = |level| if level == 0 { 2 } else { units };
            (0..compact.max_stride.max(1).ilog2()).map(level).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CompactConfig, UnetConfig};

    #[test]
    fn equals_sleaps_preview() {
        for (max_stride, expected) in [(2, 6), (4, 16), (8, 36), (16, 76), (32, 156), (64, 316), (128, 636)] {
            assert_eq!(receptive_field_px(&UnetConfig { max_stride, ..UnetConfig::default() }.into()), expected);
        }
        for (max_stride, expected) in [(2, 8), (4, 22), (8, 50), (16, 106), (32, 218), (64, 442), (128, 890)] {
            let three = UnetConfig { max_stride, convs_per_block: 3, ..UnetConfig::default() };
            assert_eq!(receptive_field_px(&three.into()), expected);
        }
    }

    #[test]
    fn compact_counts_its_stem_and_all_units_before_the_last_pooling() {
        // Stem 3x3 and pooling: 1 + 3; two 5x5 and a pooling at stride 2: + 9 * 2; at stride 4: + 9 * 4; at stride 8: + 9 * 8.
        for (max_stride, expected) in [(2, 4), (4, 22), (8, 58), (16, 130)] {
            assert_eq!(receptive_field_px(&CompactConfig { max_stride, kernel: 5, ..CompactConfig::default() }.into()), expected);
        }
        let small = CompactConfig { kernel: 3, convs_per_block: 1, ..CompactConfig::default() };
        assert_eq!(receptive_field_px(&small.into()), 1 + 3 + 3 * 2 + 3 * 4 + 3 * 8);
    }
}
