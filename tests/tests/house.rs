//! The rules of the house, read off the sources: which way imports flow, sizes, and words that must not appear.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// design.md, section 1: a module imports only what stands to its left. `error` to `bundle` are what all stages share.
const RUNTIME_ORDER: &[&str] = &[
    "error",
    "geometry",
    "frame",
    "skeleton",
    "config",
    "tensor",
    "instances",
    "bundle",
    "preprocess",
    "graph",
    "engine",
    "decode",
    "track",
];
/// Modules of the runtime that see everything.
const RUNTIME_TOP: &[&str] = &["pipeline", "ffi", "cli", "bin", "main", "lib"];

/// The trainer's stages in the order of the flow; its other modules (`config`, `error`, `batch`, ...) serve any stage.
const TRAINER_STAGES: &[&str] = &["dataset", "augment", "targets", "model", "loss", "export"];
/// Modules of the trainer that see everything, so that no stage may import them.
const TRAINER_TOP: &[&str] = &["train", "page", "cli", "main", "lib"];

const MAX_LINES: usize = 400;
const MAX_MACROS: usize = 3;

struct Source {
    /// Path from the root of the repository.
    path: String,
    text: String,
}

impl Source {
    /// First module of the path inside `src`.
    fn module(&self) -> &str {
        let inside = self.path.split("/src/").nth(1).unwrap_or(&self.path);
        inside.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// The text without comments and without the tests at its end.
    fn code(&self) -> String {
        let shipped = self.text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let shipped = shipped.split("#[cfg(test)]\npub(super) mod tests").next().unwrap();
        shipped.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// All Rust files of the given crates, in order of their paths.
fn sources(crates: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = crates.iter().map(|name| root().join(name)).filter(|path| path.is_dir()).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().unwrap() != "target" {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
                found.push(Source { path: name, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty());
    found
}

fn all_sources() -> Vec<Source> {
    sources(&["runtime", "trainer", "shaders", "tests", "benches"])
}

/// Names that follow `crate::` in code, with names in braces one by one.
fn crate_paths(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(identifier(rest));
            continue;
        };
        let (mut depth, mut item) = (1, String::new());
        for c in list.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 || (depth == 1 && c == ',') {
                names.insert(identifier(item.trim()));
                item.clear();
            } else {
                item.push(c);
            }
            if depth == 0 {
                break;
            }
        }
    }
    names.remove("");
    names
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The module behind a name at the crate's root: itself, or the one that `lib.rs` re-exports it from.
fn module_of(name: &str, lib: &str) -> String {
    for line in lib.split("pub use ").skip(1) {
        let line = line.split(';').next().unwrap();
        let Some((module, names)) = line.split_once("::") else { continue };
        if names.split(|c: char| !c.is_alphanumeric() && c != '_').any(|n| n == name) {
            return identifier(module.trim_start_matches("crate::"));
        }
    }
    name.to_owned()
}

fn lib_of(sources: &[Source]) -> String {
    sources.iter().find(|s| s.path.ends_with("/src/lib.rs")).unwrap().code()
}

#[test]
fn the_runtime_flows_one_way() {
    let sources = sources(&["runtime/src"]);
    let lib = lib_of(&sources);
    let mut faults = Vec::new();
    for source in sources.iter().filter(|s| !RUNTIME_TOP.contains(&s.module())) {
        let place = |module: &str| RUNTIME_ORDER.iter().position(|m| *m == module);
        let Some(own) = place(source.module()) else {
            faults.push(format!("{}: give the module a place in RUNTIME_ORDER or RUNTIME_TOP", source.path));
            continue;
        };
        for name in crate_paths(&source.code()) {
            let module = module_of(&name, &lib);
            if place(&module).is_none_or(|other| other > own) {
                faults.push(format!("{} imports {module}, which does not stand to its left", source.path));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_trainer_flows_one_way() {
    let sources = sources(&["trainer/src"]);
    let lib = lib_of(&sources);
    let mut faults = Vec::new();
    let place = |module: &str| TRAINER_STAGES.iter().position(|m| *m == module);
    for source in &sources {
        let Some(own) = place(source.module()) else { continue };
        for name in crate_paths(&source.code()) {
            let module = module_of(&name, &lib);
            if TRAINER_TOP.contains(&module.as_str()) || place(&module).is_some_and(|other| other > own) {
                faults.push(format!("{} imports {module}, which does not stand to its left", source.path));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_runtime_does_not_know_the_trainer() {
    for source in sources(&["runtime", "shaders"]) {
        let code = source.code();
        for name in ["dormouse_trainer", "burn::", "use burn"] {
            assert!(!code.contains(name), "{}: {name}", source.path);
        }
    }
    let manifest = fs::read_to_string(root().join("runtime/Cargo.toml")).unwrap();
    assert!(!manifest.contains("trainer") && !manifest.contains("burn"), "runtime/Cargo.toml");
}

/// These end the program where nobody reads the line any more: a closed terminal or a full disk under the log.
#[test]
fn no_line_of_a_log_ends_a_training() {
    for source in sources(&["trainer/src", "runtime/src"]).iter().filter(|s| !s.path.ends_with("tests.rs")) {
        let code = source.code();
        for name in ["println!", "eprint!", " print!"] {
            assert!(!code.contains(name), "{}: {name} instead of terminal::tell or print_result", source.path);
        }
    }
}

#[test]
fn files_are_short() {
    let long: Vec<String> = all_sources()
        .iter()
        .map(|s| (s.text.lines().count(), &s.path))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines, at most {MAX_LINES}"))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn roots_of_modules_only_declare() {
    for source in all_sources() {
        if source.path.ends_with("/mod.rs") || source.path.ends_with("/lib.rs") {
            for word in ["fn ", "impl ", "struct ", "enum ", "trait "] {
                let found = source.code().lines().any(|line| line.trim_start().trim_start_matches("pub ").starts_with(word));
                assert!(!found, "{}: has a `{word}`", source.path);
            }
        }
    }
}

/// The lint that forbids it is lifted for leaf kernels, for allocators that count, and for the one call by which wgpu trusts a file.
#[test]
fn unsafe_code_has_its_places() {
    const TRUSTS: &str = "runtime/src/engine/wgpu/pipeline_cache.rs";
    let places = ["runtime/src/engine/cpu/", TRUSTS, "tests/src/heap.rs", "tests/tests/alloc.rs", "tests/tests/house.rs"];
    for source in all_sources() {
        let lifts = source.text.contains("unsafe_code");
        assert!(!lifts || places.iter().any(|place| source.path.starts_with(place)), "{} lifts unsafe_code", source.path);
        if source.path == TRUSTS {
            let code = source.code();
            assert_eq!(
                (code.matches("unsafe {").count(), code.matches("#![").count()),
                (1, 0),
                "{TRUSTS}: one call, one function"
            );
        }
    }
}

#[test]
fn macros_stay_few() {
    let count: usize = all_sources().iter().map(|s| s.code().matches(concat!("macro_", "rules!")).count()).sum();
    assert!(count <= MAX_MACROS, "{count} macros, at most {MAX_MACROS}");
}

#[test]
fn nothing_is_left_undone() {
    let banned = [concat!("to", "do!"), concat!("unimple", "mented!"), concat!("TO", "DO"), concat!("FIX", "ME")];
    for source in all_sources() {
        for word in banned {
            assert!(!source.text.contains(word), "{}: {word}", source.path);
        }
    }
}

#[test]
fn the_reader_of_imports_reads_them() {
    let code =
        "use crate::a::{B, C};\nuse crate::{d, e::{F, G},\n  H as I};\n fn x() { crate::j::k(); $crate::l!(); mycrate::m() }";
    assert_eq!(Vec::from_iter(crate_paths(code)), ["H", "a", "d", "e", "j"]);
    assert_eq!(module_of("H", "pub use z::{H, Y};"), "z");
    assert_eq!(module_of("d", "pub use z::{H, Y};"), "d");
}
