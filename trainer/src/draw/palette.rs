//! Colours.

/// Red, green, blue.
pub type Color = [u8; 3];

/// Okabe and Ito's palette (2008), which people with the common kinds of colour blindness can tell apart, in an order in which
/// neighbours differ most; without black and with its blue made lighter, because both get lost on dark frames.
const ANIMALS: [Color; 7] =
    [[230, 159, 0], [86, 180, 233], [204, 121, 167], [240, 228, 66], [0, 158, 115], [213, 94, 0], [64, 128, 230]];

pub(super) const BACKGROUND: Color = [24, 27, 33];
pub(super) const OUTLINE: Color = [12, 12, 14];
pub(super) const TEXT: Color = [226, 229, 234];
pub(super) const MUTED_TEXT: Color = [150, 156, 166];

/// Colour of animal `index`; repeats after 7.
pub fn animal_color(index: usize) -> Color {
    ANIMALS[index % ANIMALS.len()]
}

/// A ramp from black over purple and orange to pale yellow, evenly growing in lightness; `value` 0 to 1.
pub(super) fn heat(value: f32) -> Color {
    const STOPS: [[f32; 3]; 6] = [
        [0.0, 0.0, 4.0],
        [66.0, 10.0, 104.0],
        [147.0, 38.0, 103.0],
        [221.0, 81.0, 58.0],
        [252.0, 165.0, 10.0],
        [252.0, 255.0, 164.0],
    ];
    let place = value.clamp(0.0, 1.0) * (STOPS.len() - 1) as f32;
    let i = (place as usize).min(STOPS.len() - 2);
    let t = place - i as f32;
    [0, 1, 2].map(|c| (STOPS[i][c] + t * (STOPS[i + 1][c] - STOPS[i][c]) + 0.5) as u8)
}
