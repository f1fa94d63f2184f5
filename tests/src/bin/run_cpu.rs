//! Runs ONNX files on engine `cpu` for scripts of other languages: `run_cpu FOLDER...`
//!
//! Each folder holds `net.onnx`, `sides` (the sides of its input as text, 4 or 2 of them, in the file's order) and `image.f32`
//! (its numbers, little-endian). Outputs are written beside them as `<instructions>.<index>.f32` in the file's order of sides,
//! for every set of instructions that this machine has. One line of JSON per folder tells what was written, or why the engine
//! refuses the file. A panic ends the program: the folders without a line show where.

#![allow(clippy::unwrap_used, reason = "a test tool may fail by panicking")]

use dormouse::Error;
use dormouse::engine::Engine as _;
use dormouse::engine::cpu::{CpuNetwork, Isa};
use dormouse::graph::{Graph, Port};
use dormouse::preprocess::InputShape;
use dormouse::tensor::Maps;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Threads of the engine; their number changes no result, which other tests prove.
const THREADS: usize = 2;

fn main() {
    for folder in std::env::args_os().skip(1).map(PathBuf::from) {
        let name = folder.display().to_string();
        println!(
            "{}",
            match run(&folder) {
                Ok(outputs) => {
                    let isas: Vec<_> = Isa::all().map(Isa::name).collect();
                    json!({"folder": name, "outputs": outputs, "isas": isas})
                }
                Err(error) => json!({"folder": name, "refused": error.to_string()}),
            }
        );
    }
}

/// Sides of each output.
fn run(folder: &Path) -> Result<Vec<Value>, Error> {
    let onnx = fs::read(folder.join("net.onnx")).unwrap();
    let sides = fs::read_to_string(folder.join("sides")).unwrap();
    let sides: Vec<usize> = sides.split_whitespace().map(|side| side.parse().unwrap()).collect();
    let image = fs::read(folder.join("image.f32")).unwrap();
    let image: Vec<f32> = image.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();

    let mut network = CpuNetwork::load_whole(&onnx, THREADS)?;
    let graph = Graph::from_onnx(&onnx)?;
    let form = graph.inputs()[0].form;
    let [batch, channels, height, width] = match sides[..] {
        [batch, height, width, channels] if form.channels_last => [batch, channels, height, width],
        [batch, channels, height, width] => [batch, channels, height, width],
        [batch, channels] => [batch, channels, 1, 1],
        _ => panic!("{}: an input must have 4 sides or 2", folder.display()),
    };
    let image = if form.channels_last { reordered(&image, [batch, height, width, channels], [0, 3, 1, 2]) } else { image };
    let mut described = Vec::new();
    for isa in Isa::all() {
        network = network.with_isa(isa);
        let mut engine = network.prepare_cpu(InputShape { channels, height, width }, batch)?;
        engine.run(&image, batch)?;
        described.clear();
        for (index, port) in graph.outputs().iter().enumerate() {
            let maps: Vec<Maps<'_>> = (0..batch).map(|image| engine.output(index, image).unwrap()).collect();
            let path = folder.join(format!("{isa}.{index}.f32"));
            described.push(write(&path, port, &maps));
        }
    }
    Ok(described)
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
