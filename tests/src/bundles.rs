//! Bundles put together byte by byte, independently of the runtime's writer, so that any of their numbers can be wrong.

use dormouse::config::{
    CENTROID_NETWORK, Config, GroupingConfig, HeadConfig, HeadKind, INSTANCE_NETWORK, IdentityConfig, InputColor, Limits,
    ModelType, NetworkConfig, PeakConfig, PreprocessConfig, Provenance, ResizeFilter, TopDownConfig,
};
use dormouse::skeleton::Skeleton;

/// Bytes of header and of each table entry.
pub const BLOCK: usize = 64;

/// CRC-32C bit by bit, from the polynomial.
pub fn naive_crc32c(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    !crc
}

/// A single-instance configuration that uses every field once.
pub fn small_config() -> Config {
    let head = HeadConfig { kind: HeadKind::ConfidenceMaps, output: "c".into(), stride_px: 4 };
    let preprocess =
        PreprocessConfig { color: InputColor::Gray, input_scale: 0.5, resize: ResizeFilter::Bilinear, pad_to_stride_px: 16 };
    Config {
        name: "m".into(),
        model_type: ModelType::SingleInstance,
        skeleton: Skeleton {
            name: "s".into(),
            nodes: ["a", "b"].map(String::from).to_vec(),
            edges: vec![(0, 1)],
            symmetries: vec![(1, 0)],
        },
        networks: vec![NetworkConfig { name: "pose".into(), preprocess, heads: vec![head] }],
        peaks: PeakConfig::default(),
        grouping: GroupingConfig::default(),
        limits: Limits::default(),
        provenance: Provenance { producer: "p".into(), config_hash: "h".into(), labels: "l".into(), seed: 300 },
        top_down: None,
        identity: None,
    }
}

/// A configuration of any model type: that of [`small_config`] with the networks, heads and parts that the type needs.
pub fn config_of(model_type: ModelType) -> Config {
    let mut config = Config { model_type, ..small_config() };
    let head = |kind, output: &str| HeadConfig { kind, output: output.into(), stride_px: 4 };
    let network = |name: &str, heads: &[HeadConfig]| {
        let preprocess = config.networks[0].preprocess;
        NetworkConfig { name: name.into(), preprocess, heads: heads.to_vec() }
    };
    let confmaps = head(HeadKind::ConfidenceMaps, "c");
    let centroid = network(CENTROID_NETWORK, &[head(HeadKind::Centroids, "t")]);
    let networks = match model_type {
        ModelType::SingleInstance => vec![network("pose", &[confmaps])],
        ModelType::BottomUp => vec![network("pose", &[confmaps, head(HeadKind::PartAffinityFields, "f")])],
        ModelType::BottomUpId => vec![network("pose", &[confmaps, head(HeadKind::ClassMaps, "i")])],
        ModelType::Centroid => vec![centroid],
        ModelType::TopDown => vec![centroid, network(INSTANCE_NETWORK, &[confmaps])],
        ModelType::TopDownId => {
            vec![centroid, network(INSTANCE_NETWORK, &[confmaps, head(HeadKind::ClassVectors, "v")])]
        }
    };
    config.networks = networks;
    config.top_down = model_type.has_centroids().then(|| TopDownConfig {
        anchor_part: None,
        crop_size_px: if model_type.has_crops() { 48 } else { 0 },
        centroid_threshold: 0.5,
        min_centroid_distance_px: 2.0,
    });
    config.identity = model_type.has_identity().then(|| IdentityConfig { classes: ["f", "m"].map(String::from).to_vec() });
    if model_type == ModelType::Centroid {
        config.skeleton = Skeleton { name: "s".into(), nodes: vec!["centroid".into()], ..Skeleton::default() };
    }
    config
}

/// One section of a hand-made bundle.
#[derive(Debug, Clone)]
pub struct Section {
    /// Up to 40 bytes; the rest of the field is zero.
    pub name: Vec<u8>,
    /// Content.
    pub bytes: Vec<u8>,
}

impl Section {
    /// A section.
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }
}

/// Lays sections out as the format says: version 1.0, 64-byte alignment, right checksums.
pub fn build(sections: &[Section]) -> Vec<u8> {
    let mut table = Vec::new();
    let mut body = Vec::new();
    let start = BLOCK * (1 + sections.len());
    for section in sections {
        while body.len() % BLOCK != 0 {
            body.push(0);
        }
        let mut entry = section.name.clone();
        entry.resize(40, 0);
        entry.extend(((start + body.len()) as u64).to_le_bytes());
        entry.extend((section.bytes.len() as u64).to_le_bytes());
        entry.extend(naive_crc32c(&section.bytes).to_le_bytes());
        entry.extend([0; 4]);
        table.extend(entry);
        body.extend(&section.bytes);
    }
    let mut file = Vec::new();
    file.extend(b"DORMOUSE");
    file.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    file.extend((sections.len() as u32).to_le_bytes());
    file.extend([0; 4]);
    file.extend(((start + body.len()) as u64).to_le_bytes());
    file.resize(BLOCK, 0);
    file.extend(table);
    file.extend(body);
    seal(&mut file);
    file
}

/// Makes the checksums of body and header right again, over whatever they now say.
pub fn seal(file: &mut [u8]) {
    let body = naive_crc32c(&file[BLOCK..]);
    file[56..60].copy_from_slice(&body.to_le_bytes());
    let header = naive_crc32c(&file[..60]);
    file[60..64].copy_from_slice(&header.to_le_bytes());
}

/// Overwrites bytes and seals the file: damage that no checksum of header or body shows.
pub fn forge(file: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut forged = file.to_vec();
    forged[at..at + bytes.len()].copy_from_slice(bytes);
    seal(&mut forged);
    forged
}

/// Position of a field of table entry `index`: 0 name, 40 offset, 48 length, 56 checksum.
pub fn entry_field(index: usize, field: usize) -> usize {
    BLOCK * (1 + index) + field
}
