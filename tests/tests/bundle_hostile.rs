//! Damaged and forged bundles: always a typed error, never a panic, never much memory.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use dormouse::Error;
use dormouse::bundle::Bundle;
use dormouse_tests::bundles::{BLOCK, Section, build, entry_field, forge, seal, small_config};
use dormouse_tests::heap::{CountingHeap, heap_use};
use proptest::prelude::*;

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

/// Most that reading a bundle of a few hundred bytes may ask for at once: serde reserves at most 1 MiB on a file's word.
const LARGEST_REQUEST: usize = 1 << 20;

fn config_bytes() -> Vec<u8> {
    let writer = dormouse::bundle::BundleWriter::new(&small_config()).unwrap().network("pose", vec![]);
    let bundle = Bundle::from_vec(writer.finish().unwrap()).unwrap();
    bundle.section("config").unwrap().to_vec()
}

/// Three sections: config (entry 0), network/pose (1), card (2).
fn whole() -> Vec<u8> {
    build(&[Section::new("config", &config_bytes()), Section::new("network/pose", b"onnx"), Section::new("card", b"card")])
}

fn with_config(bytes: &[u8]) -> Vec<u8> {
    build(&[Section::new("config", bytes), Section::new("network/pose", b"onnx")])
}

fn error_of(file: &[u8]) -> Error {
    let (result, heap) = heap_use(|| Bundle::from_bytes(file).map(|_| ()));
    assert!(heap.largest <= LARGEST_REQUEST, "{heap:?}");
    result.unwrap_err()
}

#[test]
fn the_whole_one_is_accepted() {
    assert!(Bundle::from_bytes(&whole()).is_ok());
}

#[test]
fn every_truncation_is_refused() {
    let file = whole();
    for len in 0..file.len() {
        let error = error_of(&file[..len]);
        let expected = matches!(error, Error::NotABundle | Error::Truncated { .. });
        assert!(expected, "{len} bytes: {error:?}");
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let file = whole();
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut damaged = file.clone();
            damaged[at] ^= 1 << bit;
            let error = error_of(&damaged);
            let expected = match at {
                0..8 => error == Error::NotABundle,
                8..10 => matches!(error, Error::UnsupportedVersion { .. }),
                10..64 => matches!(error, Error::Checksum { what: "header", .. }),
                _ => matches!(error, Error::Checksum { what: "body", .. }),
            };
            assert!(expected, "bit {bit} of byte {at}: {error:?}");
        }
    }
}

#[test]
fn a_section_with_a_wrong_checksum_is_refused_though_the_body_is_right() {
    let file = whole();
    for index in 0..3 {
        let at = entry_field(index, 56);
        let error = error_of(&forge(&file, at, &[file[at] ^ 1]));
        assert!(matches!(error, Error::Checksum { what: "section", .. }), "{error:?}");
    }
}

#[test]
fn forged_offsets_and_lengths_are_refused() {
    let file = whole();
    let numbers = [1, 63, 64, 65, 128, 192, file.len() as u64, file.len() as u64 + 64, 1 << 32, 1 << 63, u64::MAX - 63, u64::MAX];
    for index in 0..3 {
        for field in [40, 48] {
            for number in numbers {
                let at = entry_field(index, field);
                if file[at..at + 8] != number.to_le_bytes() {
                    error_of(&forge(&file, at, &number.to_le_bytes()));
                }
            }
        }
        // Offset and length together wrap round to a small end.
        let wrapping = [(u64::MAX - 63).to_le_bytes(), 128_u64.to_le_bytes()].concat();
        assert_eq!(
            error_of(&forge(&file, entry_field(index, 40), &wrapping)),
            Error::InvalidTable("a section's range overflows")
        );
    }
}

#[test]
fn sections_must_neither_overlap_nor_lie_in_the_table() {
    let file = whole();
    // The card's place and checksum given to a second entry: the same bytes twice.
    let card = file[entry_field(2, 40)..entry_field(2, 60)].to_vec();
    assert!(matches!(error_of(&forge(&file, entry_field(1, 40), &card)), Error::InvalidTable(_)));
    let mut inside = 64_u64.to_le_bytes().to_vec();
    inside.extend(0_u64.to_le_bytes());
    inside.extend([0; 4]);
    assert!(matches!(error_of(&forge(&file, entry_field(0, 40), &inside)), Error::InvalidTable(_)));
}

#[test]
fn forged_names_are_refused() {
    let file = whole();
    let rename = |index: usize, name: &[u8]| {
        let mut field = name.to_vec();
        field.resize(40, 0);
        forge(&file, entry_field(index, 0), &field)
    };
    assert!(matches!(error_of(&rename(2, b"\xff\xfe")), Error::InvalidTable(_)), "not UTF-8");
    assert!(matches!(error_of(&rename(2, b"")), Error::InvalidTable(_)), "no name");
    assert!(matches!(error_of(&rename(2, b"config")), Error::InvalidTable(_)), "twice");
    assert!(matches!(error_of(&rename(0, b"confiG")), Error::MissingSection(_)), "no configuration");
    assert!(matches!(error_of(&rename(1, b"network/posE")), Error::MissingSection(_)), "no network");
    assert!(Bundle::from_bytes(&rename(2, &[b'n'; 40])).is_ok(), "the longest name needs no zero");
}

#[test]
fn forged_counts_and_file_lengths_are_refused() {
    let file = whole();
    // Two would be a bundle without its card, and whole.
    for count in [0_u32, 1, 4, 64, 65, 1 << 26, u32::MAX] {
        error_of(&forge(&file, 16, &count.to_le_bytes()));
    }
    for len in [0, 63, 64, 255, 256, file.len() as u64 - 1, file.len() as u64 + 1, 1 << 40, u64::MAX] {
        error_of(&forge(&file, 24, &len.to_le_bytes()));
    }
}

#[test]
fn configurations_that_lie_about_lengths_get_no_memory() {
    let huge: &[&[u8]] =
        &[b"\xff\xff\xff\xff\x0f", b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"];
    let config = config_bytes();
    for length in huge {
        // Put in place of any byte, which covers every length prefix: name, nodes, edges, symmetries, networks, heads ...
        for at in 0..config.len() {
            let hostile = [&config[..at], length, &config[at + 1..]].concat();
            let (_, heap) = heap_use(|| Bundle::from_bytes(&with_config(&hostile)).map(|_| ()));
            assert!(heap.largest <= LARGEST_REQUEST, "{at}: {heap:?}");
        }
    }
}

#[test]
fn self_tests_that_lie_about_lengths_get_no_memory() {
    let huge = b"\xff\xff\xff\xff\x0f";
    let tests: [&[u8]; 3] = [b"\x00\x01\x01", b"\x00\x01\x01\x01\x09", b"\x00\x01\x01\x01\x09\x01"];
    for (index, start) in tests.iter().enumerate() {
        let content = [start, huge.as_slice()].concat();
        let file = build(&[
            Section::new("config", &config_bytes()),
            Section::new("network/pose", b""),
            Section::new("selftest", &content),
        ]);
        let bundle = Bundle::from_bytes(&file).unwrap();
        let (result, heap) = heap_use(|| bundle.self_test());
        assert!(matches!(result, Err(Error::Decode { section: "selftest", .. })), "{index}: {result:?}");
        assert!(heap.largest <= LARGEST_REQUEST, "{index}: {heap:?}");
    }
}

#[test]
fn configurations_must_be_whole_and_valid() {
    let config = config_bytes();
    for len in 0..config.len() {
        assert!(matches!(error_of(&with_config(&config[..len])), Error::Decode { .. } | Error::InvalidConfig { .. }), "{len}");
    }
    let longer = [config.as_slice(), &[0]].concat();
    assert!(matches!(error_of(&with_config(&longer)), Error::Decode { .. }));
    // Stride 0 and scale NaN decode, but must not be let in.
    let stride = config.windows(5).position(|w| w == b"\x01\x00\x01c\x04").unwrap() + 4;
    let mut zero = config.clone();
    zero[stride] = 0;
    assert!(matches!(error_of(&with_config(&zero)), Error::InvalidConfig { .. }));
    let scale = config.windows(5).position(|w| w == b"\x00\x00\x00\x00\x3f").unwrap() + 1;
    let mut nan = config.clone();
    nan[scale..scale + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(matches!(error_of(&with_config(&nan)), Error::InvalidConfig { field: "preprocess.input_scale", .. }));
}

#[test]
fn a_card_that_is_not_text_is_an_error_only_for_its_reader() {
    let sections = [Section::new("config", &config_bytes()), Section::new("network/pose", b""), Section::new("card", b"\xff")];
    let file = build(&sections);
    let bundle = Bundle::from_bytes(&file).unwrap();
    assert!(matches!(bundle.card(), Err(Error::Decode { section: "card", .. })));
}

/// Reads everything there is to read; only a panic or a large request fails.
fn exercise(file: &[u8]) {
    let (_, heap) = heap_use(|| {
        if let Ok(bundle) = Bundle::from_bytes(file) {
            let _ = (bundle.card(), bundle.self_test().map(|t| t.map(|t| t.frame().is_ok())));
            for section in bundle.sections() {
                assert_eq!(section.offset % BLOCK, 0);
                assert_eq!(bundle.section(&section.name).unwrap().len(), section.len);
            }
            assert_eq!(bundle.config().validate(), Ok(()));
        }
    });
    assert!(heap.largest <= LARGEST_REQUEST + file.len(), "{heap:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), sealed: bool) {
        exercise(&bytes);
        let mut headed = build(&[]);
        headed.extend(&bytes);
        if sealed {
            let len = headed.len() as u64;
            headed[24..32].copy_from_slice(&len.to_le_bytes());
            headed[16] = (bytes.len() / 64) as u8;
            seal(&mut headed);
        }
        exercise(&headed);
    }

    #[test]
    fn forged_bytes_never_panic(changes in proptest::collection::vec((0_usize..400, any::<u8>()), 1..6)) {
        let mut file = whole();
        for (at, value) in changes {
            let at = 10 + at % (file.len() - 10);
            file[at] = value;
        }
        seal(&mut file);
        exercise(&file);
    }

    #[test]
    fn random_configurations_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        tail in proptest::collection::vec(any::<u8>(), 0..60),
        keep in any::<prop::sample::Index>(),
    ) {
        let mut config = config_bytes();
        changes.iter().for_each(|(at, value)| { let at = at.index(config.len()); config[at] = *value; });
        config.truncate(keep.index(config.len() + 1));
        config.extend(&tail);
        exercise(&with_config(&config));
        let selftest = build(&[
            Section::new("config", &config_bytes()),
            Section::new("network/pose", b""),
            Section::new("selftest", &tail),
        ]);
        exercise(&selftest);
    }
}
