use super::*;

/// Sides by ONNX's formulas, worked out by hand.
#[test]
fn windows_by_hand() {
    let x = Shape::new([1, 1, 7, 10]);
    let window = |kernel, stride, dilation, padding| Window { kernel, stride, dilation, padding };
    let none = Padding::NONE;
    assert_eq!(windowed(x, &window([3, 3], [1, 1], [1, 1], none), false), Some([5, 8]));
    assert_eq!(windowed(x, &window([2, 2], [2, 2], [1, 1], none), false), Some([3, 5]));
    assert_eq!(windowed(x, &window([2, 2], [2, 2], [1, 1], none), true), Some([4, 5]));
    assert_eq!(windowed(x, &window([3, 3], [1, 1], [3, 3], none), false), Some([1, 4]));
    assert_eq!(windowed(x, &window([3, 3], [1, 1], [4, 4], none), false), None);
    assert_eq!(windowed(x, &window([7, 7], [2, 2], [1, 1], Padding::Explicit([3; 4])), false), Some([4, 5]));
    let same = window([3, 3], [2, 2], [1, 1], Padding::SameUpper);
    assert_eq!((windowed(x, &same, false), same.pads_px([7, 10])), (Some([4, 5]), [1, 0, 1, 1]));
    let lower = window([3, 3], [2, 2], [1, 1], Padding::SameLower);
    assert_eq!(lower.pads_px([7, 10]), [1, 1, 1, 0]);
    // A last window that would begin in the padding is left out: 3 rows, kernel 1, stride 2, one row of padding behind.
    let behind = window([1, 1], [2, 2], [1, 1], Padding::Explicit([0, 0, 1, 1]));
    assert_eq!(windowed(Shape::new([1, 1, 3, 4]), &behind, true), Some([2, 2]));
}

#[test]
fn transposed_windows_by_hand() {
    let x = Shape::new([1, 1, 5, 6]);
    let window = |kernel, padding| Window { kernel, stride: [2, 2], dilation: [1, 1], padding };
    assert_eq!(transposed(x, &window([2, 2], Padding::NONE), [0, 0]), Some([10, 12]));
    assert_eq!(transposed(x, &window([3, 3], Padding::Explicit([0, 0, 1, 1])), [0, 0]), Some([10, 12]));
    assert_eq!(transposed(x, &window([3, 3], Padding::Explicit([1; 4])), [1, 1]), Some([10, 12]));
    assert_eq!(transposed(x, &window([3, 3], Padding::SameUpper), [0, 0]), Some([10, 12]));
}

#[test]
fn shapes_that_do_not_fit() {
    let x = Shape::new([2, 3, 4, 5]);
    let fixed = |c| [Side::Keep, Side::Fixed(c), Side::Fixed(1), Side::Fixed(1)];
    assert_eq!(reshaped(x, &fixed(60)), Some(Shape::new([2, 60, 1, 1])));
    assert_eq!(reshaped(x, &fixed(59)), None);
    assert_eq!(reshaped(x, &[Side::Keep, Side::Rest, Side::Fixed(7), Side::Fixed(1)]), None);
    assert_eq!(reshaped(x, &[Side::Keep, Side::Rest, Side::Fixed(0), Side::Fixed(1)]), None);
    assert_eq!(broadcast(x, Shape::new([2, 3, 1, 1])), Some(x));
    assert_eq!(broadcast(x, Shape::new([1, 3, 4, 5])), None);
    assert_eq!(broadcast(x, Shape::new([2, 2, 4, 5])), None);
    assert!(!Shape::new([1 << 20, 1 << 20, 1 << 20, 1 << 20]).is_sound() && !Shape::new([1, 0, 1, 1]).is_sound());
}

/// ONNX's formulas at hand-picked places.
#[test]
fn places_of_a_resize() {
    let resize =
        |coordinates| Resize { target: ResizeTarget::Scales([2.0, 2.0]), coordinates, filter: super::super::Filter::Linear };
    assert_eq!(resize(Coordinates::HalfPixel).source(0, 3, 4, 8), 1.25);
    assert_eq!(resize(Coordinates::PytorchHalfPixel).source(0, 0, 1, 1), 0.0);
    assert_eq!(resize(Coordinates::Asymmetric).source(0, 3, 4, 8), 1.5);
    assert_eq!(resize(Coordinates::AlignCorners).source(0, 7, 4, 8), 3.0);
}
