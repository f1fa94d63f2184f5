//! A fly seen from above.

use super::animal::{Animal, Part};
use super::canvas::Material;
use super::egg::Egg;
use super::geom::{Frame2, V, add, around_zero, left_of, polar, scale, uniform};
use super::shape::Shape;
use dormouse::Skeleton;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Body from the front of the head to the tip of the abdomen, in the units of this file.
const BODY: f32 = 0.92;

const NODES: [&str; 13] = [
    "head", "eyeL", "eyeR", "thorax", "abdomen", "wingL", "wingR", "forelegL", "forelegR", "midlegL", "midlegR", "hindlegL",
    "hindlegR",
];

/// Root of a leg, and its segments.
type Leg = ((f32, f32), [(f32, f32, f32); 3]);

/// Per leg: where it leaves the thorax (ahead, aside), then per segment the angle from straight ahead in degrees, its
/// random deviation and its length.
const LEGS: [Leg; 3] = [
    ((0.10, 0.08), [(62.0, 16.0, 0.17), (28.0, 20.0, 0.17), (34.0, 22.0, 0.16)]),
    ((0.01, 0.10), [(80.0, 16.0, 0.20), (104.0, 18.0, 0.21), (112.0, 20.0, 0.19)]),
    ((-0.08, 0.08), [(112.0, 14.0, 0.21), (146.0, 14.0, 0.24), (154.0, 18.0, 0.22)]),
];

/// Parts, edges (a tree from the thorax) and symmetries.
pub(super) fn skeleton() -> Skeleton {
    let edges = vec![(0, 1), (0, 2), (3, 0), (3, 4), (3, 5), (3, 6), (3, 7), (3, 8), (3, 9), (3, 10), (3, 11), (3, 12)];
    let symmetries = vec![(1, 2), (5, 6), (7, 8), (9, 10), (11, 12)];
    Skeleton { name: "synthetic fly".into(), nodes: NODES.map(String::from).to_vec(), edges, symmetries }
}

/// A fly of random posture. `tone` is that of its back.
pub(super) fn pose(center: V, heading: f32, length_px: f32, tone: f32, rng: &mut ChaCha8Rng) -> Animal {
    let frame = Frame2 { origin: center, heading, unit_px: length_px / BODY };
    let mut points = vec![[0.0, 0.0]; NODES.len()];
    let mut parts = Vec::with_capacity(40);
    points[3] = frame.origin;
    for (pair, leg) in LEGS.iter().enumerate() {
        for (k, side) in [1.0, -1.0].into_iter().enumerate() {
            points[7 + 2 * pair + k] = push_leg(&mut parts, frame, leg, side, tone, rng);
        }
    }
    let mut body_samples = push_abdomen(&mut parts, frame, &mut points, tone, rng);
    let thorax =
        Egg { center, axis: polar(heading), half_length: 0.185 * frame.unit_px, half_width: 0.14 * frame.unit_px, taper: 0.1 };
    parts.push(body(Shape::Egg(thorax), Material { gloss: 0.18, streaks: 0.12, relief: 0.75, ..Material::new(tone) }));
    push_head(&mut parts, frame, &mut points, tone, rng);
    let spread = uniform(rng, 6.0, 24.0).to_radians();
    // Now and then one wing is held out, as in courtship.
    let held_out = rng.random_bool(0.15).then(|| rng.random_range(0..2_usize));
    for (k, side) in [1.0, -1.0].into_iter().enumerate() {
        let lift = if held_out == Some(k) { uniform(rng, 0.5, 1.1) } else { around_zero(rng, 0.08) };
        points[5 + k] = push_wing(&mut parts, frame, (spread + lift).max(0.03), side, tone, rng);
    }
    body_samples.extend([(0.0, 0.0), (0.0, 0.1), (0.0, -0.1), (0.12, 0.0), (-0.1, 0.0)].map(|(a, b)| frame.at(a, b)));
    body_samples.extend([points[0], points[1], points[2]]);
    Animal { parts, points, body_samples, center, heading, identity: None, length_px }
}

fn body(shape: Shape, material: Material) -> Part {
    Part { shape, material, is_body: true }
}

fn push_leg(parts: &mut Vec<Part>, frame: Frame2, (root, segments): &Leg, side: f32, tone: f32, rng: &mut ChaCha8Rng) -> V {
    let radii = [0.026, 0.022, 0.014, 0.007].map(|r| (r * frame.unit_px).max(0.3));
    let mut joint = frame.at(root.0, root.1 * side);
    // The whole leg swings back and forth in the gait; the segments deviate a little more on their own.
    let swing = around_zero(rng, 16.0);
    let mut joints = vec![(joint, radii[0])];
    for (i, &(angle, deviation, length)) in segments.iter().enumerate() {
        let angle = (angle + swing + around_zero(rng, deviation)).to_radians();
        joint = add(joint, scale(frame.direction(angle, side), length * frame.unit_px));
        joints.push((joint, radii[i + 1]));
    }
    let material = Material { relief: 0.5, bands: (3.0, 0.25), ..Material::new((tone * 1.1).min(0.85)) };
    parts.push(Part { shape: Shape::tube(joints), material, is_body: false });
    joint
}

fn push_abdomen(parts: &mut Vec<Part>, frame: Frame2, points: &mut [V], tone: f32, rng: &mut ChaCha8Rng) -> Vec<V> {
    const RADII: [f32; 8] = [0.085, 0.125, 0.145, 0.148, 0.138, 0.112, 0.072, 0.03];
    let girth = uniform(rng, 0.85, 1.15);
    let (bend, reach) = (around_zero(rng, 0.5), 0.40 * uniform(rng, 0.9, 1.1) * frame.unit_px);
    let step = reach / (RADII.len() - 1) as f32;
    let mut at = frame.at(-0.15, 0.0);
    let mut joints = vec![(at, RADII[0] * girth * frame.unit_px)];
    for (i, radius) in RADII.iter().enumerate().skip(1) {
        let turn = bend * i as f32 / RADII.len() as f32;
        at = add(at, scale(polar(frame.heading + std::f32::consts::PI + turn), step));
        joints.push((at, radius * girth * frame.unit_px));
    }
    points[4] = at;
    let mut samples: Vec<V> = joints.iter().step_by(2).map(|&(p, _)| p).collect();
    let across = left_of(polar(frame.heading + bend / 2.0));
    samples.extend([0.7, -0.7].map(|k| add(joints[3].0, scale(across, k * joints[3].1))));
    let material = Material { bands: (5.2, 0.5), gloss: 0.12, relief: 0.8, ..Material::new((tone * 1.25).min(0.85)) };
    parts.push(body(Shape::tube(joints), material));
    samples
}

fn push_head(parts: &mut Vec<Part>, frame: Frame2, points: &mut [V], tone: f32, rng: &mut ChaCha8Rng) {
    let heading = frame.heading + around_zero(rng, 0.45);
    let head = Frame2 { origin: add(frame.at(0.16, 0.0), scale(polar(heading), 0.09 * frame.unit_px)), heading, ..frame };
    points[0] = head.origin;
    for side in [1.0, -1.0] {
        let tip = head.at(0.13, 0.05 * side);
        let antenna = vec![(head.at(0.05, 0.025 * side), 0.012 * frame.unit_px), (tip, 0.3)];
        parts.push(Part { shape: Shape::tube(antenna), material: Material::new(tone), is_body: false });
    }
    let unit = frame.unit_px;
    let skull = Egg {
        center: head.origin,
        axis: left_of(polar(heading)),
        half_length: 0.125 * unit,
        half_width: 0.08 * unit,
        taper: 0.0,
    };
    parts.push(body(Shape::Egg(skull), Material { gloss: 0.1, ..Material::new((tone * 1.15).min(0.85)) }));
    for (k, side) in [1.0, -1.0].into_iter().enumerate() {
        let center = head.at(0.005, 0.095 * side);
        points[1 + k] = center;
        let axis = polar(heading - 0.35 * side);
        let eye = Egg { center, axis, half_length: 0.072 * unit, half_width: 0.05 * unit, taper: 0.0 };
        parts.push(body(Shape::Egg(eye), Material { gloss: 0.35, ..Material::new(tone * 0.6) }));
    }
}

/// Wing as a clear membrane with veins; gives its tip. `spread` is the angle from straight back.
fn push_wing(parts: &mut Vec<Part>, frame: Frame2, spread: f32, side: f32, tone: f32, rng: &mut ChaCha8Rng) -> V {
    let unit = frame.unit_px;
    let hinge = frame.at(-0.03, 0.085 * side);
    let along = frame.direction(std::f32::consts::PI - spread, side);
    let span = 0.70 * uniform(rng, 0.93, 1.07) * unit;
    let tip = add(hinge, scale(along, span));
    let center = add(hinge, scale(along, span / 2.0));
    let membrane = Egg { center, axis: along, half_length: span / 2.0, half_width: 0.115 * unit, taper: 0.42 };
    // Thin membranes scatter light: brighter than a dark body, darker than a bright floor.
    let clear = Material { opacity: 0.24, rim: 0.22, relief: 0.2, gloss: 0.1, ..Material::new(0.25 + 0.6 * tone) };
    parts.push(Part { shape: Shape::Egg(membrane), material: clear, is_body: false });
    let vein = Material { opacity: 0.4, relief: 0.0, ..Material::new(tone) };
    for (end, offset) in [(0.95, 0.045), (0.9, 0.0), (0.75, -0.055)] {
        let across = scale(left_of(along), offset * unit * side);
        let joints = [(0.0, 0.0), (0.45, 1.0), (end, 0.85)].map(|(t, k)| {
            let p = add(add(hinge, scale(along, t * span)), scale(across, k));
            (p, 0.006 * unit)
        });
        parts.push(Part { shape: Shape::tube(joints.to_vec()), material: vein, is_body: false });
    }
    tip
}
