//! Which engine measures.

use dormouse::engine::cpu::CpuNetwork;
use dormouse::{Backend, Bundle};

/// The engine on the CPU that runs a bundle: our own if it knows the operators of all its networks, tract otherwise.
///
/// For figures and self-tests that go into reports or bundles: these must not depend on the GPU of the machine that makes them, which
/// [`Backend::Auto`] would take.
pub fn cpu_backend(bundle: &Bundle<'_>) -> Backend {
    let knows = |name: &str| bundle.network_bytes(name).is_ok_and(|onnx| CpuNetwork::load_whole(onnx, 1).is_ok());
    if bundle.config().networks.iter().all(|network| knows(&network.name)) { Backend::Cpu } else { Backend::Tract }
}
