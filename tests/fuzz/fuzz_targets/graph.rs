//! Loading, planning and running of hostile networks; see the README of this folder.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let _ = dormouse_fuzz::graph::exercise(file);
});
