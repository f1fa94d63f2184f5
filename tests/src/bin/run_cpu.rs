//! Runs ONNX files on engine `cpu` with every set of instructions that this machine has, for scripts of other languages:
//! `run_cpu FOLDER...`, see [`dormouse_tests::node_files`].

use dormouse::engine::cpu::{CpuNetwork, Isa};
use dormouse_tests::node_files::answer;

/// Threads of the engine; their number changes no result, which other tests prove.
const THREADS: usize = 2;

fn main() {
    let isas: Vec<_> = Isa::all().map(Isa::name).collect();
    answer(&isas, |case| {
        let mut network = CpuNetwork::load_whole(&case.onnx, THREADS)?;
        let mut outputs = Vec::new();
        for isa in Isa::all() {
            network = network.with_isa(isa);
            outputs = case.run(isa.name(), &mut network.prepare_cpu(case.input, case.images)?)?;
        }
        Ok(outputs)
    });
}
