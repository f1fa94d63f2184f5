//! ONNX's own operator tests on engine wgpu.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::process::Command;

/// As on engine cpu, see `onnx_nodes.rs`.
const AT_LEAST: u64 = 130;

#[test]
#[cfg_attr(not(test_gpu), ignore = "needs a Vulkan driver (DORMOUSE_TEST_GPU=1), and Python with the packages onnx and numpy")]
fn published_node_tests() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/onnx_node_tests.py");
    let python = std::env::var("DORMOUSE_PYTHON").unwrap_or_else(|_| "python3".into());
    let done = Command::new(python).args([script, env!("CARGO_BIN_EXE_run_wgpu"), "--json"]).output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout);
    println!("{text}{}", String::from_utf8_lossy(&done.stderr));
    let counts: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert!(done.status.success() && counts["failed"] == 0, "{counts}");
    assert!(counts["passed"].as_u64().unwrap() >= AT_LEAST, "{counts}");
}
