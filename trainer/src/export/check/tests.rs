use super::*;
use crate::export::{metadata, to_onnx};
use crate::model::{Backbone, CompactConfig, HeadSpec, PoseNetConfig, Skip, UnetConfig, Upsampling};
use burn::tensor::Device;
use dormouse::config::HeadKind;

fn nets() -> Vec<PoseNet> {
    let base = UnetConfig { filters: 6, max_stride: 8, ..UnetConfig::default() };
    let compact = CompactConfig { filters: 8, filters_rate: 1.5, max_stride: 8, ..CompactConfig::default() };
    let backbones: [Backbone; 7] = [
        base.clone().into(),
        UnetConfig { upsampling: Upsampling::Transposed, filters_rate: 1.5, ..base.clone() }.into(),
        UnetConfig { stem_stride: Some(2), ..base.clone() }.into(),
        UnetConfig { middle_block: false, convs_per_block: 1, ..base.clone() }.into(),
        UnetConfig { upsampling: Upsampling::Nearest, ..base }.into(),
        compact.clone().into(),
        CompactConfig { kernel: 5, expansion: 2, skip: Skip::Add, upsampling: Upsampling::Nearest, ..compact }.into(),
    ];
    let head = HeadSpec::new;
    let config = |(i, backbone): (usize, Backbone)| {
        let heads = vec![
            head(HeadKind::ConfidenceMaps, "confmaps", 5, [2, 2, 1, 4, 2, 2, 1][i]),
            head(HeadKind::PartAffinityFields, "pafs", 8, [4, 2, 4, 8, 4, 4, 8][i]),
            head(HeadKind::Centroids, "centroids", 1, [4, 8][i % 2]),
            head(HeadKind::ClassMaps, "class_maps", 3, 8),
            HeadSpec { hidden: vec![7; i % 4], ..head(HeadKind::ClassVectors, "class_vectors", 3, 8) },
        ];
        PoseNetConfig { in_channels: [1, 3][usize::from(i == 1)], backbone, heads }.init(i as u64, &Device::default()).unwrap()
    };
    backbones.into_iter().enumerate().map(config).collect()
}

#[test]
fn tract_computes_what_burn_computes() {
    for net in nets() {
        let onnx = to_onnx(&net, &metadata(&net, "hash")).unwrap();
        let worst = check_export(&net, &onnx, &[[32, 32], [24, 56]]).unwrap();
        println!("largest difference {worst:e}");
        assert!(worst < 1e-5, "{worst}");
    }
}

#[test]
fn a_large_network_stays_within_the_tolerance() {
    // SLEAP's baseline_medium_rf.bottomup with its sums over 768 x 9 products; weights enlarged so that its outputs grow.
    let heads = vec![HeadSpec::new(HeadKind::ConfidenceMaps, "confmaps", 3, 4)];
    let unet = UnetConfig { max_stride: 32, ..UnetConfig::default() };
    let mut net = PoseNetConfig { in_channels: 1, backbone: unet.into(), heads }.init(1, &Device::default()).unwrap();
    let flat: Vec<f32> = net.to_flat().unwrap().iter().map(|w| w * 1.5).collect();
    net.set_flat(&flat).unwrap();
    let onnx = to_onnx(&net, &[]).unwrap();
    println!("largest difference {:e}", check_export(&net, &onnx, &[[64, 64], [32, 96]]).unwrap());
}

#[test]
fn a_wrong_file_is_refused() {
    let net = &nets()[0];
    let mut other = net.clone();
    let mut flat = net.to_flat().unwrap();
    // One weight of the head's last layer.
    let at = flat.len() - 30;
    flat[at] += 0.1;
    other.set_flat(&flat).unwrap();
    let onnx = to_onnx(&other, &[]).unwrap();
    assert!(matches!(check_export(net, &onnx, &[[32, 32]]), Err(Error::Export(_))));
    assert!(check_export(net, &onnx[..onnx.len() / 2], &[[32, 32]]).is_err());
    assert!(check_export(net, b"no model", &[[32, 32]]).is_err());
}

#[test]
fn not_a_number_is_a_difference() {
    assert!(largest_difference(0.0, &[1.0, 2.0], &[f32::NAN, 2.0]).is_nan());
}

#[test]
#[ignore = "needs onnxruntime"]
fn onnx_runtime_computes_what_burn_computes() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/python/run_onnx.py");
    let python = std::env::var("DORMOUSE_PYTHON").unwrap_or_else(|_| "python3".into());
    for net in nets() {
        for [height, width] in [[32, 32], [24, 56]] {
            let folder = tempfile::tempdir().unwrap();
            let dims = [2, net.config().in_channels, height, width];
            let images = test_images(dims);
            let at = |name: &str| folder.path().join(name);
            std::fs::write(at("net.onnx"), to_onnx(&net, &metadata(&net, "hash")).unwrap()).unwrap();
            std::fs::write(at("image.f32"), images.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
            let size = dims.map(|d| d.to_string());
            let status = std::process::Command::new(&python).arg(script).arg(folder.path()).args(size).status().unwrap();
            assert!(status.success());
            let outputs = net.forward(Tensor::from_data(TensorData::new(images, dims), net.device()));
            for (output, head) in outputs.into_iter().zip(&net.config().heads) {
                let bytes = std::fs::read(at(&format!("{}.f32", head.output))).unwrap();
                let got: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
                let expected = read(output).unwrap();
                assert_eq!(got.len(), expected.len());
                assert!(largest_difference(0.0, &expected, &got) < 1e-5);
            }
        }
    }
}
