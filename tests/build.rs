//! `DORMOUSE_TEST_GPU=1` promises a Vulkan driver: the tests of engine wgpu then run, and fail without an adapter. Otherwise they
//! are shown as ignored.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(test_gpu)");
    println!("cargo::rerun-if-env-changed=DORMOUSE_TEST_GPU");
    if std::env::var("DORMOUSE_TEST_GPU").is_ok_and(|value| value == "1") {
        println!("cargo::rustc-cfg=test_gpu");
    }
}
