//! A mouse seen from above.

use super::animal::{Animal, Part};
use super::canvas::Material;
use super::egg::Egg;
use super::geom::{V, add, around_zero, left_of, polar, scale, smoothstep, sub, uniform};
use super::shape::Shape;
use dormouse::Skeleton;
use rand_chacha::ChaCha8Rng;

const NODES: [&str; 13] = [
    "nose", "head", "earL", "earR", "neck", "spine", "tailBase", "tailMid", "tailTip", "forepawL", "forepawR", "hindpawL",
    "hindpawR",
];

/// Half width of the body, in body lengths, at equal steps from the tail base to the nose.
const GIRTH: [f32; 17] =
    [0.045, 0.105, 0.150, 0.178, 0.188, 0.186, 0.178, 0.168, 0.158, 0.148, 0.136, 0.120, 0.106, 0.104, 0.088, 0.058, 0.022];

/// Parts, edges (a tree from the neck) and symmetries.
pub(super) fn skeleton() -> Skeleton {
    let edges = vec![(1, 0), (1, 2), (1, 3), (4, 1), (5, 4), (5, 6), (6, 7), (7, 8), (4, 9), (4, 10), (6, 11), (6, 12)];
    let symmetries = vec![(2, 3), (9, 10), (11, 12)];
    Skeleton { name: "synthetic mouse".into(), nodes: NODES.map(String::from).to_vec(), edges, symmetries }
}

/// The curved backbone, from the tail base (0) to the nose (1).
struct Spine {
    joints: Vec<V>,
    headings: Vec<f32>,
    length_px: f32,
}

impl Spine {
    fn new(center: V, heading: f32, length_px: f32, rng: &mut ChaCha8Rng) -> Self {
        let (bend, nod) = (around_zero(rng, 1.5), around_zero(rng, 0.8));
        let steps = GIRTH.len() - 1;
        let heading_at = |s: f32| heading + bend * (s - 0.5) + nod * smoothstep(0.6, 0.85, s);
        let headings: Vec<f32> = (0..=steps).map(|i| heading_at(i as f32 / steps as f32)).collect();
        let mut joints = vec![[0.0, 0.0]];
        for i in 0..steps {
            let mean = (headings[i] + headings[i + 1]) / 2.0;
            joints.push(add(joints[i], scale(polar(mean), length_px / steps as f32)));
        }
        let shift = sub(center, joints[steps / 2]);
        Self { joints: joints.into_iter().map(|p| add(p, shift)).collect(), headings, length_px }
    }

    /// The point at `s` (0 tail base to 1 nose), `forward` and `left` body lengths away in the frame of that place.
    fn at(&self, s: f32, forward: f32, left: f32) -> V {
        let ahead = polar(self.heading(s));
        let place = s * (self.joints.len() - 1) as f32;
        let i = (place as usize).min(self.joints.len() - 2);
        let on = add(self.joints[i], scale(sub(self.joints[i + 1], self.joints[i]), place - i as f32));
        add(on, scale(add(scale(ahead, forward), scale(left_of(ahead), left)), self.length_px))
    }

    fn heading(&self, s: f32) -> f32 {
        let place = s * (self.headings.len() - 1) as f32;
        let i = (place as usize).min(self.headings.len() - 2);
        self.headings[i] + (place - i as f32) * (self.headings[i + 1] - self.headings[i])
    }
}

/// A mouse of random posture. `tone` is that of its fur.
pub(super) fn pose(center: V, heading: f32, length_px: f32, tone: f32, rng: &mut ChaCha8Rng) -> Animal {
    let spine = Spine::new(center, heading, length_px, rng);
    // Skin is of a middle tone, whatever the fur.
    let skin = 0.25 + 0.6 * tone;
    let mut parts = Vec::with_capacity(24);
    let mut points = vec![[0.0, 0.0]; NODES.len()];
    for (node, s) in [(0, 1.0), (1, 0.84), (4, 0.72), (5, 0.42), (6, 0.0)] {
        points[node] = spine.at(s, 0.0, 0.0);
    }
    push_tail(&mut parts, &spine, &mut points, skin, rng);
    push_paws(&mut parts, &spine, &mut points, tone, skin, rng);
    push_whiskers(&mut parts, &spine, skin, rng);
    let plump = uniform(rng, 0.88, 1.1);
    let joints = spine.joints.iter().zip(GIRTH).map(|(&p, girth)| (p, girth * plump * length_px)).collect();
    let fur = Material { streaks: 0.13, relief: 0.75, gloss: 0.05, ..Material::new(tone) };
    parts.push(Part { shape: Shape::tube(joints), material: fur, is_body: true });
    push_face(&mut parts, &spine, &mut points, tone, skin);
    let samples = [(0.05, 0.0), (0.2, 0.0), (0.2, 0.1), (0.2, -0.1), (0.35, 0.0), (0.4, 0.12), (0.4, -0.12), (0.55, 0.0)];
    let front = [(0.6, 0.1), (0.6, -0.1), (0.7, 0.0), (0.85, 0.0), (0.95, 0.0)];
    let body_samples = samples.iter().chain(&front).map(|&(s, left)| spine.at(s, 0.0, left)).collect();
    Animal { parts, points, body_samples, center, heading, identity: None, length_px }
}

fn push_tail(parts: &mut Vec<Part>, spine: &Spine, points: &mut [V], skin: f32, rng: &mut ChaCha8Rng) {
    const STEPS: usize = 20;
    let unit = spine.length_px;
    let step = uniform(rng, 0.65, 0.85) * unit / STEPS as f32;
    let (curl, wave, phase) = (around_zero(rng, 1.8), uniform(rng, 0.1, 0.9), uniform(rng, 0.0, std::f32::consts::TAU));
    let start = spine.heading(0.0) + std::f32::consts::PI + around_zero(rng, 0.4);
    let mut at = spine.at(0.0, 0.0, 0.0);
    let mut joints = vec![(at, 0.034 * unit)];
    for i in 1..=STEPS {
        let s = i as f32 / STEPS as f32;
        let heading = start + curl * s + wave * ((4.5 * s + phase).sin() - phase.sin()) * s.sqrt();
        at = add(at, scale(polar(heading), step));
        joints.push((at, ((0.030 - 0.021 * s) * unit).max(0.4)));
    }
    points[7] = joints[STEPS / 2].0;
    points[8] = at;
    let material = Material { bands: (26.0, 0.12), relief: 0.7, ..Material::new(skin) };
    parts.push(Part { shape: Shape::tube(joints), material, is_body: false });
}

fn push_paws(parts: &mut Vec<Part>, spine: &Spine, points: &mut [V], tone: f32, skin: f32, rng: &mut ChaCha8Rng) {
    let unit = spine.length_px;
    let fur = Material { streaks: 0.12, relief: 0.5, ..Material::new(tone * 0.92) };
    // Place on the spine, how far aside the leg starts and the paw stands, and the paw's half length and half width.
    let kinds = [(9, 0.64, 0.09, 0.185, 0.042, 0.026), (11, 0.22, 0.13, 0.225, 0.075, 0.030)];
    for (node, s, root, stand, half_length, half_width) in kinds {
        for (k, side) in [1.0, -1.0].into_iter().enumerate() {
            let stride = around_zero(rng, 0.11);
            let aside = stand + around_zero(rng, 0.03);
            let paw = spine.at(s, stride + 0.06, aside * side);
            points[node + k] = paw;
            let leg = vec![(spine.at(s, 0.0, root * side), 0.055 * unit), (paw, 0.026 * unit)];
            parts.push(Part { shape: Shape::tube(leg), material: fur, is_body: false });
            let axis = polar(spine.heading(s) - (0.35 + around_zero(rng, 0.3)) * side);
            let center = paw;
            let egg = Egg { center, axis, half_length: half_length * unit, half_width: half_width * unit, taper: 0.35 };
            parts.push(Part {
                shape: Shape::Egg(egg),
                material: Material { relief: 0.5, ..Material::new(skin) },
                is_body: false,
            });
        }
    }
}

fn push_whiskers(parts: &mut Vec<Part>, spine: &Spine, skin: f32, rng: &mut ChaCha8Rng) {
    let material = Material { opacity: 0.35, relief: 0.0, ..Material::new(skin) };
    for side in [1.0, -1.0] {
        for reach in [0.02, -0.03, -0.07] {
            let root = spine.at(0.95, 0.0, 0.04 * side);
            let tip = spine.at(0.95, reach + around_zero(rng, 0.02), 0.16 * side);
            let joints = vec![(root, 0.004 * spine.length_px), (tip, 0.1)];
            parts.push(Part { shape: Shape::tube(joints), material, is_body: false });
        }
    }
}

fn push_face(parts: &mut Vec<Part>, spine: &Spine, points: &mut [V], tone: f32, skin: f32) {
    let unit = spine.length_px;
    for (k, side) in [1.0, -1.0].into_iter().enumerate() {
        let center = spine.at(0.77, 0.0, 0.105 * side);
        points[2 + k] = center;
        let axis = polar(spine.heading(0.77) - 0.9 * side);
        let ear =
            |grow: f32| Egg { center, axis, half_length: 0.068 * grow * unit, half_width: 0.056 * grow * unit, taper: 0.15 };
        let rim = Material { relief: 0.4, ..Material::new(tone * 0.8) };
        parts.push(Part { shape: Shape::Egg(ear(1.0)), material: rim, is_body: true });
        let inner = Material { relief: 0.5, ..Material::new(skin * 0.95) };
        parts.push(Part { shape: Shape::Egg(ear(0.72)), material: inner, is_body: true });
        let eye = Egg {
            center: spine.at(0.89, 0.0, 0.062 * side),
            axis: polar(spine.heading(0.89)),
            half_length: 0.020 * unit,
            half_width: 0.016 * unit,
            taper: 0.0,
        };
        parts.push(Part { shape: Shape::Egg(eye), material: Material { gloss: 0.5, ..Material::new(0.03) }, is_body: true });
    }
    let snout = Egg {
        center: points[0],
        axis: polar(spine.heading(1.0)),
        half_length: 0.024 * unit,
        half_width: 0.022 * unit,
        taper: 0.0,
    };
    parts.push(Part { shape: Shape::Egg(snout), material: Material::new(skin), is_body: true });
}
