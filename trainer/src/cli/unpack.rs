//! `dormouse unpack`: plain files for other tools.

use super::output::print_result;
use super::text::bytes;
use crate::error::Error;
use crate::output::write_atomically;
use anyhow::{Context as _, bail};
use clap::Args;
use dormouse::Bundle;
use dormouse::bundle::SectionInfo;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `dormouse unpack`.
#[derive(Debug, Args)]
#[command(after_help = "Writes each network as NAME.onnx, the configuration as config.json, the card as card.md, and every
other section as NAME.bin.

Example:
  dormouse unpack flies.dorm -o flies")]
pub(super) struct UnpackArgs {
    /// Bundle (.dorm)
    bundle: PathBuf,
    /// Folder to write into (default: the bundle's name without its ending)
    #[arg(short, long)]
    out: Option<PathBuf>,
    /// Print one JSON line
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &UnpackArgs) -> anyhow::Result<u8> {
    let bundle = Bundle::open(&args.bundle).with_context(|| args.bundle.display().to_string())?;
    let folder = args.out.clone().unwrap_or_else(|| args.bundle.with_extension(""));
    std::fs::create_dir_all(&folder).map_err(|e| Error::io("create folder", &folder, e))?;
    let mut written = Vec::new();
    for section in bundle.sections() {
        let path = folder.join(file_name(section));
        if written.iter().any(|(other, _)| *other == path) {
            bail!("{}: two sections would both be written to {}", args.bundle.display(), path.display());
        }
        let content = if section.name == "config" {
            serde_json::to_vec_pretty(bundle.config())?
        } else {
            bundle.section(&section.name)?.to_vec()
        };
        write_atomically(&path, |file| file.write_all(&content))?;
        written.push((path, content.len()));
    }
    let lines: Vec<String> = written.iter().map(|(path, len)| format!("{}  {}", path.display(), bytes(*len))).collect();
    let files: Vec<_> = written.iter().map(|(path, len)| json!({ "path": path, "bytes": len })).collect();
    print_result(args.json, &json!({ "files": files }), &lines.join("\n"))?;
    Ok(0)
}

/// A file name for a section. Names come from outside: only plain characters get through, so no path can escape the folder.
fn file_name(section: &SectionInfo) -> String {
    let clean = |name: &str| -> String {
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' }).collect()
    };
    match (section.name.as_str(), section.name.strip_prefix("network/")) {
        (_, Some(network)) => format!("{}.onnx", clean(network)),
        ("config", _) => "config.json".into(),
        ("card", _) => "card.md".into(),
        (other, _) => format!("{}.bin", clean(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_folder() {
        let named = |name: &str| file_name(&SectionInfo { name: name.into(), offset: 0, len: 0, crc32c: 0 });
        assert_eq!(named("network/pose"), "pose.onnx");
        assert_eq!(named("network/../../etc/passwd"), "______etc_passwd.onnx");
        assert_eq!(named("..\\x"), "___x.bin");
        assert_eq!(named("card"), "card.md");
    }
}
