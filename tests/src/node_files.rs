//! Networks and images in folders, for scripts of other languages that compare an engine with something.
//!
//! Each folder holds `net.onnx`, `sides` (the sides of its input as text, 4 or 2 of them, in the file's order) and `image.f32`
//! (its numbers, little-endian). Outputs are written beside them as `<engine>.<index>.f32` in the file's order of sides.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test tool may fail by panicking")]

use dormouse::Error;
use dormouse::engine::Engine;
use dormouse::graph::{Graph, Port};
use dormouse::preprocess::InputShape;
use dormouse::tensor::Maps;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// A network and its image, in the engines' order of sides.
pub struct NodeCase {
    /// The file.
    pub onnx: Vec<u8>,
    /// Sides of one image.
    pub input: InputShape,
    /// Number of images.
    pub images: usize,
    numbers: Vec<f32>,
    outputs: Vec<Port>,
    folder: PathBuf,
}

impl NodeCase {
    /// Reads a folder.
    ///
    /// # Errors
    /// What the graph's reader says of the network.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let onnx = fs::read(folder.join("net.onnx")).unwrap();
        let sides = fs::read_to_string(folder.join("sides")).unwrap();
        let sides: Vec<usize> = sides.split_whitespace().map(|side| side.parse().unwrap()).collect();
        let image = fs::read(folder.join("image.f32")).unwrap();
        let image: Vec<f32> = image.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let graph = Graph::from_onnx(&onnx)?;
        let form = graph.inputs()[0].form;
        let [images, channels, height, width] = match sides[..] {
            [batch, height, width, channels] if form.channels_last => [batch, channels, height, width],
            [batch, channels, height, width] => [batch, channels, height, width],
            [batch, channels] => [batch, channels, 1, 1],
            _ => panic!("{}: an input must have 4 sides or 2", folder.display()),
        };
        let numbers = if form.channels_last { reordered(&image, [images, height, width, channels], [0, 3, 1, 2]) } else { image };
        let outputs = graph.outputs().to_vec();
        let input = InputShape { channels, height, width };
        Ok(Self { onnx, input, images, numbers, outputs, folder: folder.to_owned() })
    }

    /// Runs an engine and writes its outputs under that name; gives name and sides of each.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn run(&self, name: &str, engine: &mut dyn Engine) -> Result<Vec<Value>, Error> {
        engine.run(&self.numbers, self.images)?;
        let described = self.outputs.iter().enumerate().map(|(index, port)| {
            let maps: Vec<Maps<'_>> = (0..self.images).map(|image| engine.output(index, image).unwrap()).collect();
            write(&self.folder.join(format!("{name}.{index}.f32")), port, &maps)
        });
        Ok(described.collect())
    }
}

/// Calls `run` for each folder of the program's arguments and prints one line of JSON for each: what it wrote for the engines of
/// these names, or why it refuses the file. A panic ends the program: the folders without a line show where.
pub fn answer(engines: &[&str], mut run: impl FnMut(&NodeCase) -> Result<Vec<Value>, Error>) {
    for folder in std::env::args_os().skip(1).map(PathBuf::from) {
        let name = folder.display().to_string();
        let answer = match NodeCase::read(&folder).and_then(|case| run(&case)) {
            Ok(outputs) => json!({"folder": name, "outputs": outputs, "isas": engines}),
            Err(error) => json!({"folder": name, "refused": error.to_string()}),
        };
        println!("{answer}");
    }
}

/// Writes an output of all images in the file's order and describes it.
fn write(path: &Path, port: &Port, maps: &[Maps<'_>]) -> Value {
    let sides = [maps.len(), maps[0].channels(), maps[0].height(), maps[0].width()];
    let numbers: Vec<f32> = maps.iter().flat_map(|m| (0..m.channels()).flat_map(|c| m.channel(c).to_vec())).collect();
    let (sides, numbers) = if port.form.channels_last {
        ([sides[0], sides[2], sides[3], sides[1]], reordered(&numbers, sides, [0, 2, 3, 1]))
    } else {
        (sides, numbers)
    };
    fs::write(path, numbers.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
    json!({"name": port.name, "sides": sides})
}

/// The numbers with side `i` of the result being side `order[i]` of the input.
fn reordered(numbers: &[f32], sides: [usize; 4], order: [usize; 4]) -> Vec<f32> {
    let strides = [sides[1] * sides[2] * sides[3], sides[2] * sides[3], sides[3], 1];
    let [a, b, c, d] = order.map(|side| sides[side]);
    let [sa, sb, sc, sd] = order.map(|side| strides[side]);
    let mut result = Vec::with_capacity(numbers.len());
    for i in 0..a {
        for j in 0..b {
            for k in 0..c {
                result.extend((0..d).map(|l| numbers[i * sa + j * sb + k * sc + l * sd]));
            }
        }
    }
    result
}
