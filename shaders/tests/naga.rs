//! Every kernel is valid WGSL, binds what the table says, and reads the structs that Rust writes. No GPU is needed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail by panicking")]

use dormouse_shaders::{
    Access, BinaryParams, ClassParams, ConvParams, CropParams, Kernel, LineParams, PairParams, PeakParams, PoolParams,
    PreprocessParams, Reads,
};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, Module, StorageAccess, TypeInner};
use std::collections::BTreeSet;

fn parse(kernel: Kernel) -> Module {
    let source = kernel.source().concat();
    let module = naga::front::wgsl::parse_str(&source).unwrap_or_else(|e| panic!("{kernel}: {}", e.emit_to_string(&source)));
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
    validator.validate(&module).unwrap_or_else(|e| panic!("{kernel}: {}", e.emit_to_string(&source)));
    module
}

#[test]
fn kernels_are_valid_and_complete() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/kernels");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut expected: BTreeSet<String> = Kernel::ALL.iter().map(|k| format!("{k}.wgsl")).collect();
    assert_eq!(expected.len(), Kernel::ALL.len());
    // The one that stands before others.
    expected.insert("activation.wgsl".into());
    assert_eq!(BTreeSet::from_iter(files), expected);
    for kernel in Kernel::ALL {
        assert_eq!(parse(kernel).entry_points.len(), 1, "{kernel}");
    }
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
