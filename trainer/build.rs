//! What this program is made of, for run folders and `--version`: the commit of the sources and the versions of the crates that decide
//! numbers.

use std::process::Command;

/// Crates that training, export and evaluation compute with.
const CRATES: [&str; 6] = ["burn", "tract-onnx", "hdf5-pure", "image", "rand", "rand_chacha"];

fn main() {
    for changed in ["build.rs", "src", "../runtime/src", "../Cargo.lock"] {
        println!("cargo::rerun-if-changed={changed}");
    }
    println!("cargo::rustc-env=DORMOUSE_GIT={}", commit().unwrap_or_else(|| "unknown".into()));
    let lock = std::fs::read_to_string("../Cargo.lock").unwrap_or_default();
    println!("cargo::rustc-env=DORMOUSE_CRATES={}", versions(&lock).join(" "));
}

/// The commit, with `+changes` where the sources differ from it; `None` outside of a clone.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = output.status.success().then(|| String::from_utf8(output.stdout))?.ok()?;
        Some(text.trim().to_owned())
    };
    let hash = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = !git(&["status", "--porcelain", "--", ".", "../runtime", "../Cargo.lock"])?.is_empty();
    Some(if changed { format!("{hash}+changes") } else { hash })
}

/// `NAME=VERSION` of the [`CRATES`] in a lock file.
fn versions(lock: &str) -> Vec<String> {
    let of = |name: &&str| {
        let is_it = |entry: &&str| entry.lines().any(|line| line == format!("name = \"{name}\""));
        // Older versions, which stand first, are those of other crates.
        let entry = lock.split("[[package]]").filter(is_it).last()?;
        let version = entry.lines().find_map(|line| line.strip_prefix("version = \""))?.trim_end_matches('"');
        Some(format!("{name}={version}"))
    };
    CRATES.iter().filter_map(of).collect()
}
