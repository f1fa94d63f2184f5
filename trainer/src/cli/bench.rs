//! `dormouse bench`: how fast a network runs on this machine, engine by engine.

mod interface;
mod measure;
mod report;
#[cfg(feature = "wgpu")]
mod wgpu;
mod whole;

use super::output::print_result;
use super::pipelines::PipelineArgs;
use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use dormouse::bundle::NetworkBytes;
use dormouse::engine::cpu::Isa;
use dormouse::{Backend, Bundle, Precision};
use std::fs;
use std::path::{Path, PathBuf};

#[cfg(feature = "wgpu")]
pub(super) use interface::input_channels;

/// Arguments of `dormouse bench`.
#[derive(Debug, Args)]
#[command(
    after_help = "The input is noise: the time of a network does not depend on what it sees. The first frame is reported apart.
Whole frames show the frame of the bundle's self-test again and again, or noise if it has none.

Examples:
  dormouse bench flies.dorm --size 384x384
  dormouse bench pose.onnx --size 1024x1024 --backend tract --threads 2
  dormouse bench pose.onnx --size 384x384 --frames 500 --layers
  dormouse bench pose.onnx --size 384x384 --isa avx2 --json
  dormouse bench flies.dorm --size 384x384 --whole --in-flight 2         # from a frame's bytes to poses, and as a camera loop
  dormouse bench flies.dorm --size 1280x1024 --backend wgpu --layers     # a build with --features wgpu
  dormouse bench flies.dorm --size 384x384 --backend wgpu --half         # maps and weights in 16 bits
  dormouse bench flies.dorm --size 384x384 --pipeline-cache              # twice: preparation with a GPU's compiled pipelines"
)]
pub(super) struct BenchArgs {
    /// Bundle (.dorm) or network (.onnx)
    model: PathBuf,
    /// Size of the network's input, and of whole frames, in pixels, WIDTHxHEIGHT
    #[arg(long, value_parser = parse_size)]
    size: (usize, usize),
    /// Engine: auto (a GPU if this build has engine wgpu and one serves, the CPU otherwise), cpu, tract or wgpu
    #[arg(long, default_value = "auto")]
    backend: Backend,
    /// Threads of the engine
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: u16,
    /// Frames to time, after the first
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    frames: u32,
    /// Instructions of engine cpu, to compare them; the best of this machine otherwise
    #[arg(long)]
    isa: Option<IsaName>,
    /// Show the time of each step of engine cpu, or the kernels of engine wgpu with their times where the adapter can tell them
    #[arg(long)]
    layers: bool,
    /// Let engines auto and wgpu take a software adapter where there is no GPU; its times are no GPU's
    #[arg(long)]
    allow_software: bool,
    /// Let engine wgpu keep maps and weights in 16 bits; a bundle's self-test then says whether poses stay the same
    #[arg(long)]
    half: bool,
    /// Time whole frames of a bundle too, from their bytes to poses; engine wgpu always does
    #[arg(long)]
    whole: bool,
    /// Whole frames on their way at the same time; with 2 also the rate and latency of a camera loop
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    in_flight: u8,
    #[command(flatten)]
    pipelines: PipelineArgs,
    /// Network of the bundle; its first one otherwise
    #[arg(long)]
    network: Option<String>,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

/// Instructions by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum IsaName {
    /// Plain Rust
    Portable,
    /// AVX2 and FMA
    Avx2,
    /// AVX-512
    Avx512,
}

impl IsaName {
    fn find(self) -> anyhow::Result<Isa> {
        let isa = match self {
            Self::Portable => Some(Isa::PORTABLE),
            Self::Avx2 => Isa::avx2(),
            Self::Avx512 => Isa::avx512(),
        };
        let have: Vec<_> = Isa::all().map(Isa::name).collect();
        isa.with_context(|| format!("this machine does not have the instructions asked for, only: {}", have.join(", ")))
    }
}

/// `WIDTHxHEIGHT`, as clap reads it.
pub(super) fn parse_size(text: &str) -> Result<(usize, usize), String> {
    let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let in_range = |side: usize| (1..=16_384).contains(&side);
    sides
        .filter(|(w, h)| in_range(*w) && in_range(*h))
        .ok_or_else(|| "must be WIDTHxHEIGHT, each 1 to 16384, as in 384x256".into())
}

pub(super) fn run(args: &BenchArgs) -> anyhow::Result<u8> {
    let start_bytes = measure::process_bytes("VmRSS:");
    let onnx = read_network(&args.model, args.network.as_deref())?;
    let isa = args.isa.map(IsaName::find).transpose()?;
    let other = matches!(args.backend, Backend::Tract | Backend::Wgpu);
    ensure!(args.isa.is_none() || !other, "--isa chooses the instructions of engine cpu, not of {}", args.backend);
    let for_gpu = args.half || args.allow_software || args.pipelines.is_asked();
    ensure!(
        isa.is_none() || !for_gpu,
        "--isa is for engine cpu; --half, --allow-software and --pipeline-cache are for engine wgpu"
    );
    let backend = if isa.is_some() { Backend::Cpu } else { args.backend };
    let gpu = matches!(backend, Backend::Wgpu | Backend::Auto);
    ensure!(!args.allow_software || gpu, "--allow-software is for --backend auto and wgpu");
    ensure!(!args.half || gpu, "--half is for --backend auto and wgpu");
    ensure!(is_bundle(&args.model) || !args.whole, "--whole is for bundles; {} is a network alone", args.model.display());
    ensure!(is_bundle(&args.model) || args.in_flight == 1, "--in-flight is for whole frames of a bundle");
    let whole = args.whole || args.in_flight > 1 || (is_bundle(&args.model) && backend == Backend::Wgpu);
    if args.half && whole && backend == Backend::Wgpu {
        ensure!(has_self_test(&args.model)?, "--half needs a bundle with a self-test, which shows that poses stay the same");
    }
    let order = measure::Order {
        backend,
        threads: usize::from(args.threads),
        frames: args.frames as usize,
        width_px: args.size.0,
        height_px: args.size.1,
        isa,
        allow_software: args.allow_software,
        pipeline_cache: args.pipelines.path(&args.model, backend)?,
        precision: if args.half { Precision::Half } else { Precision::Single },
        start_bytes,
    };
    let mut measured = measure::measure(onnx, &order).with_context(|| format!("{}", args.model.display()))?;
    if whole || (is_bundle(&args.model) && measured.backend == Backend::Wgpu.name()) {
        let bundle = Bundle::open(&args.model).with_context(|| args.model.display().to_string())?;
        measured.whole = Some(whole::measure(&bundle, &order, args.in_flight > 1)?);
    }
    print_result(args.json, &measured, &report::text(&measured, args.layers))?;
    Ok(0)
}

fn is_bundle(model: &Path) -> bool {
    model.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("dorm"))
}

fn has_self_test(model: &Path) -> anyhow::Result<bool> {
    let bundle = Bundle::open(model).with_context(|| model.display().to_string())?;
    Ok(bundle.self_test()?.is_some())
}

/// The ONNX bytes of a file, or of a network of a bundle.
fn read_network(model: &Path, name: Option<&str>) -> anyhow::Result<NetworkBytes> {
    let bytes = fs::read(model).with_context(|| format!("cannot read {}", model.display()))?;
    if !is_bundle(model) {
        ensure!(name.is_none(), "--network is for bundles; {} is one network", model.display());
        return Ok(bytes.into());
    }
    let bundle = Bundle::from_vec(bytes).with_context(|| model.display().to_string())?;
    let names: Vec<&str> = bundle.config().networks.iter().map(|n| n.name.as_str()).collect();
    let name = name.or_else(|| names.first().copied()).unwrap_or_default();
    ensure!(names.contains(&name), "{} has no network \"{name}\", only: {}", model.display(), names.join(", "));
    Ok(bundle.network_bytes(name)?)
}

/// All networks of a file with their names.
#[cfg(feature = "wgpu")]
pub(super) fn read_networks(model: &Path) -> anyhow::Result<Vec<(String, NetworkBytes)>> {
    if !is_bundle(model) {
        return Ok(vec![("of the file".to_owned(), read_network(model, None)?)]);
    }
    let bundle = Bundle::open(model).with_context(|| model.display().to_string())?;
    let names = bundle.config().networks.iter().map(|n| &n.name);
    names.map(|name| Ok((name.clone(), bundle.network_bytes(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes_are_width_and_height() {
        assert_eq!(parse_size("384x256"), Ok((384, 256)));
        assert!(["", "384", "384x", "0x4", "4x99999", "-1x2"].iter().all(|text| parse_size(text).is_err()));
    }
}
