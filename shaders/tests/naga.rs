//! Every kernel is valid WGSL, binds what the table says, and reads the structs that Rust writes. No GPU is needed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

use dormouse_shaders::{
    Access, BinaryParams, ClassParams, ConvParams, CropParams, Halves, Kernel, LineParams, PairParams, PeakParams, PoolParams,
    PreprocessParams, Reads,
};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Module, StorageAccess, TypeInner};
use std::collections::BTreeSet;

fn parse(kernel: Kernel) -> Module {
    parse_with(kernel, Halves::NONE)
}

fn parse_with(kernel: Kernel, halves: Halves) -> Module {
    let source = kernel.source(halves);
    let module = naga::front::wgsl::parse_str(&source).unwrap_or_else(|e| panic!("{kernel}: {}", e.emit_to_string(&source)));
    let capabilities = if halves.any() { Capabilities::SHADER_FLOAT16 } else { Capabilities::empty() };
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    validator.validate(&module).unwrap_or_else(|e| panic!("{kernel}: {}", e.emit_to_string(&source)));
    module
}

#[test]
fn kernels_are_valid_and_complete() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/kernels");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut expected: BTreeSet<String> = Kernel::ALL.iter().map(|k| format!("{k}.wgsl")).collect();
    assert_eq!(expected.len(), Kernel::ALL.len());
    // Those that stand before others.
    expected.extend(["activation.wgsl", "stored.wgsl", "stored_half.wgsl"].map(String::from));
    assert_eq!(BTreeSet::from_iter(files), expected);
    for kernel in Kernel::ALL {
        assert_eq!(parse(kernel).entry_points.len(), 1, "{kernel}");
    }
}

/// Bytes of a number in each buffer whose numbers may have 16 bits, by name.
fn number_bytes(module: &Module) -> Vec<(String, u32)> {
    let storage = module.global_variables.iter().filter(|(_, global)| matches!(global.space, AddressSpace::Storage { .. }));
    let of = |(_, global): (_, &naga::GlobalVariable)| {
        let TypeInner::Array { base, .. } = module.types[global.ty].inner else { return None };
        let scalar = module.types[base].inner.scalar().filter(|scalar| scalar.kind == naga::ScalarKind::Float)?;
        Some((global.name.clone()?, u32::from(scalar.width)))
    };
    storage.filter_map(of).collect()
}

/// Every choice of buffers with 16 bits is valid, and changes those buffers alone.
#[test]
fn numbers_of_16_bits_stand_where_they_were_asked_for() {
    let mut halved = 0;
    for kernel in Kernel::ALL {
        let can = kernel.halvable();
        let whole = number_bytes(&parse(kernel));
        assert!(whole.iter().all(|(_, bytes)| *bytes == 4), "{kernel}: {whole:?}");
        for choice in 0..16u32 {
            let bit = |bit: u32| choice >> bit & 1 == 1;
            let halves = Halves { input: bit(0), other_input: bit(1), output: bit(2), weights: bit(3) };
            let asked = [
                (halves.input, can.input, ["maps_in", "a_in"]),
                (halves.other_input, can.other_input, ["b_in", ""]),
                (halves.output, can.output, ["maps_out", "numbers_out"]),
                (halves.weights, can.weights, ["weights", ""]),
            ];
            if asked.iter().any(|(wanted, can, _)| *wanted && !can) {
                continue;
            }
            let is_half = |name: &str| asked.iter().any(|(wanted, _, names)| *wanted && names.contains(&name));
            let expected: Vec<_> = whole.iter().map(|(name, _)| (name.clone(), if is_half(name) { 2 } else { 4 })).collect();
            assert_eq!(number_bytes(&parse_with(kernel, halves)), expected, "{kernel}, {halves:?}");
            halved += expected.iter().filter(|(_, bytes)| *bytes == 2).count();
        }
    }
    assert!(halved > 100, "{halved} buffers with 16 bits were seen");
}

#[test]
fn bindings_are_those_of_the_table() {
    for kernel in Kernel::ALL {
        let module = parse(kernel);
        let mut found: Vec<(u32, Access)> = Vec::new();
        for (_, global) in module.global_variables.iter() {
            let access = match global.space {
                AddressSpace::Uniform => Access::Params,
                AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => Access::Write,
                AddressSpace::Storage { .. } => Access::Read,
                _ => continue,
            };
            let binding = global.binding.expect("a binding");
            assert_eq!(binding.group, 0, "{kernel}");
            found.push((binding.binding, access));
        }
        found.sort_by_key(|(binding, _)| *binding);
        let expected: Vec<_> = (0..).zip(kernel.bindings().iter().copied()).collect();
        assert_eq!(found, expected, "{kernel}");
    }
}

/// The largest workgroup memory that WebGPU promises everywhere is 16 KiB, and 256 invocations.
#[test]
fn workgroups_keep_to_what_every_device_has() {
    for kernel in Kernel::ALL {
        let module = parse(kernel);
        let layouts = module.global_variables.iter().filter(|(_, g)| g.space == AddressSpace::WorkGroup);
        let bytes: u32 = layouts.map(|(_, g)| module.types[g.ty].inner.size(module.to_ctx())).sum();
        assert!(bytes <= 16 * 1024, "{kernel}: {bytes} bytes of workgroup memory");
        let invocations: u32 = module.entry_points[0].workgroup_size.iter().product();
        assert!((64..=256).contains(&invocations), "{kernel}: {invocations} invocations");
    }
}

/// Name and offset of every field, and the size.
type Layout = (Vec<(String, usize)>, usize);

fn wgsl_layout(module: &Module, name: &str) -> Option<Layout> {
    let (_, found) = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name))?;
    let TypeInner::Struct { members, span } = &found.inner else { return None };
    let fields = members.iter().map(|m| (m.name.clone().unwrap(), m.offset as usize));
    Some((fields.collect(), *span as usize))
}

/// Fields and their offsets, read off the Debug form of a value: every field is 4 bytes, so that their order says all.
fn rust_layout<T: std::fmt::Debug + Default + bytemuck::Pod>() -> Layout {
    let text = format!("{:?}", T::default());
    let inside = text.split_once('{').unwrap().1.trim_end_matches('}');
    let names: Vec<_> = inside.split(',').map(|field| field.split(':').next().unwrap().trim().to_owned()).collect();
    assert_eq!(size_of::<T>(), 4 * names.len());
    (names.into_iter().enumerate().map(|(index, name)| (name, 4 * index)).collect(), size_of::<T>())
}

#[test]
fn structs_are_the_same_on_both_sides() {
    let expected = [
        ("Conv", rust_layout::<ConvParams>()),
        ("Pool", rust_layout::<PoolParams>()),
        ("Binary", rust_layout::<BinaryParams>()),
        ("Pair", rust_layout::<PairParams>()),
        ("Reads", rust_layout::<Reads>()),
        ("Preprocess", rust_layout::<PreprocessParams>()),
        ("Peak", rust_layout::<PeakParams>()),
        ("Line", rust_layout::<LineParams>()),
        ("Class", rust_layout::<ClassParams>()),
        ("Crop", rust_layout::<CropParams>()),
    ];
    let mut seen = BTreeSet::new();
    for kernel in Kernel::ALL {
        let module = parse(kernel);
        for (name, layout) in &expected {
            if let Some(found) = wgsl_layout(&module, name) {
                assert_eq!(&found, layout, "{kernel}: struct {name}");
                seen.insert(*name);
            }
        }
    }
    assert_eq!(seen.len(), expected.len(), "a struct that no kernel reads");
}
