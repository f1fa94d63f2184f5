//! The fuzz target of the graph on a stable compiler: our own files, changed at random but the same way every time.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

#[path = "../fuzz/src/graph.rs"]
mod graph;

use dormouse_tests::heap::{CountingHeap, heap_use};
use dormouse_tests::hostile::{Mutator, corpus};
use graph::{Reached, exercise};
use std::time::{Duration, Instant};

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

/// Changed files per file of the corpus, unless `DORMOUSE_FUZZ_SECONDS` asks for a time instead.
const ROUNDS: usize = 1500;
/// Most that one request for memory may be: the arena of the largest network that is run, and what reading a constant may ask.
const LARGEST_REQUEST: usize = 1 << 28;

#[test]
fn the_corpus_runs() {
    for (name, file) in corpus() {
        assert_eq!(exercise(&file), Ok(Reached::Run), "{name}");
    }
}

/// A panic or a request for much memory names the file that caused it, which is left in the folder for temporary files.
#[test]
fn changed_files_never_panic() {
    let seconds = std::env::var("DORMOUSE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let seed = std::env::var("DORMOUSE_FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let corpus: Vec<Vec<u8>> = corpus().into_iter().map(|(_, file)| file).collect();
    let (mut mutator, start, mut counts) = (Mutator::new(seed), Instant::now(), [0usize; 5]);
    let suspect = std::env::temp_dir().join("dormouse-graph-fuzz.onnx");
    for round in 0.. {
        let done = match seconds {
            Some(seconds) => start.elapsed() > Duration::from_secs(seconds),
            None => round >= ROUNDS * corpus.len(),
        };
        if done {
            break;
        }
        let file = mutator.change(&corpus[round % corpus.len()], &corpus);
        let (result, heap) = match std::panic::catch_unwind(|| heap_use(|| exercise(&file))) {
            Ok(result) => result,
            Err(panic) => {
                std::fs::write(&suspect, &file).unwrap();
                println!("round {round} of seed {seed}: {}", suspect.display());
                std::panic::resume_unwind(panic);
            }
        };
        if heap.largest > LARGEST_REQUEST {
            std::fs::write(&suspect, &file).unwrap();
            panic!("round {round} of seed {seed}: {heap:?}, {}", suspect.display());
        }
        counts[result.map_or(0, |reached| 1 + reached as usize)] += 1;
    }
    let [refused, read, shaped, planned, run] = counts;
    println!(
        "{refused} refused, {read} read, {shaped} with shapes, {planned} planned, {run} run in {:.1} s",
        start.elapsed().as_secs_f64()
    );
    // Files that are all refused would test nothing but the first bytes.
    assert!(run > refused / 50 && refused > 0, "{counts:?}");
}
