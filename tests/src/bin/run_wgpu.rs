//! Runs ONNX files on engine `wgpu`, software adapters included, for scripts of other languages: `run_wgpu FOLDER...`, see
//! [`dormouse_tests::node_files`].

use dormouse::engine::wgpu::WgpuNetwork;
use dormouse_tests::node_files::answer;
use dormouse_tests::wgpu_suite::GPU;

fn main() {
    answer(&["wgpu"], |case| {
        let network = WgpuNetwork::load_whole(&GPU, &case.onnx)?;
        case.run("wgpu", &mut network.prepare_wgpu(case.input, case.images)?)
    });
}
