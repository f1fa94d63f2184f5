//! What the suite of the CPU engine shares, from the files of the workspace's own tests.

#[path = "../../src/cpu_suite.rs"]
pub mod cpu_suite;
#[path = "../../src/heap.rs"]
pub mod heap;
#[path = "../../src/onnx.rs"]
pub mod onnx;
#[path = "../../src/tolerance.rs"]
pub mod tolerance;
