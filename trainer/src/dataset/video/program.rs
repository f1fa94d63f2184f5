//! The ffmpeg and ffprobe programs: where they are, how they are called, what they complain about.

use crate::error::{Error, Result};
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

/// Environment variable that overrides the ffmpeg program.
const OVERRIDE: &str = "DORMOUSE_FFMPEG";
/// How much of the programs' complaints is kept.
const MAX_COMPLAINT_BYTES: u64 = 2048;
/// The answer to `-version` is some 2 kB.
const MAX_VERSION_BYTES: u64 = 1 << 16;

/// Which programs are called.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    ffmpeg: OsString,
    ffprobe: OsString,
}

impl Programs {
    /// From the environment: `DORMOUSE_FFMPEG`, else what the search path offers.
    pub(super) fn from_environment() -> Self {
        Self::new(std::env::var_os(OVERRIDE))
    }

    /// `ffmpeg` is the program; ffprobe lies beside it.
    pub(super) fn new(ffmpeg: Option<OsString>) -> Self {
        let Some(ffmpeg) = ffmpeg.filter(|program| !program.is_empty()) else {
            return Self { ffmpeg: "ffmpeg".into(), ffprobe: "ffprobe".into() };
        };
        let path = Path::new(&ffmpeg);
        let name = path.file_name().unwrap_or_default().to_string_lossy().replace("ffmpeg", "ffprobe");
        let name = if name.contains("ffprobe") { name } else { "ffprobe".into() };
        Self { ffprobe: path.with_file_name(name).into_os_string(), ffmpeg }
    }

    /// A call of ffmpeg that never reads the keyboard.
    pub(super) fn ffmpeg(&self) -> Command {
        let mut command = Command::new(&self.ffmpeg);
        command.args(["-nostdin", "-v", "error"]);
        command
    }

    /// The name of ffmpeg's option that tells what to do with the times of frames: renamed in version 5.1, to be removed later.
    pub(super) fn sync_option(&self, path: &Path) -> Result<&'static str> {
        let mut command = Command::new(&self.ffmpeg);
        command.arg("-version");
        let text = output(command, path, MAX_VERSION_BYTES)?;
        Ok(sync_option_of(&String::from_utf8_lossy(&text)))
    }

    /// A call of ffprobe.
    pub(super) fn ffprobe(&self) -> Command {
        let mut command = Command::new(&self.ffprobe);
        command.args(["-v", "error"]);
        command
    }
}

/// Releases tell a number; snapshots (`N-112233-g...`) are newer than all that lack the new name.
fn sync_option_of(version: &str) -> &'static str {
    let word = version.split_whitespace().nth(2).unwrap_or_default().trim_start_matches('n');
    let major = word.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_some_and(|major| major < 6) { "-vsync" } else { "-fps_mode" }
}

/// Adds `path` as the input so that no name is taken for an option, an address or a pattern.
pub(super) fn add_input(command: &mut Command, path: &Path) {
    let mut input = OsString::from("file:");
    input.push(path);
    command.args([OsStr::new("-protocol_whitelist"), OsStr::new("file,pipe"), OsStr::new("-i"), &input]);
}

/// A running program whose complaints are collected; it is killed when this is dropped.
pub(super) struct Running {
    child: Child,
    complaint: Option<JoinHandle<String>>,
    path: PathBuf,
}

impl Running {
    /// Starts `command`, which works on the video `path`; its output is read through [`Child::stdout`].
    pub(super) fn start(mut command: Command, path: &Path) -> Result<(Self, std::process::ChildStdout)> {
        let fail = |what: String| Error::Video { path: path.to_path_buf(), what };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().map_err(|e| {
            fail(format!(
                "the program {program} cannot be started ({e}). It decodes videos; install it with `apt-get install ffmpeg`, \
                 `brew install ffmpeg` or `winget install ffmpeg`, or name it in {OVERRIDE}"
            ))
        })?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        // A pipe that nobody empties would stop the program, so the rest is read and dropped.
        let complaint = stderr.map(|mut stderr| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                let _ = stderr.by_ref().take(MAX_COMPLAINT_BYTES).read_to_end(&mut text);
                let _ = std::io::copy(&mut stderr, &mut std::io::sink());
                String::from_utf8_lossy(&text).trim().to_owned()
            })
        });
        let running = Self { child, complaint, path: path.to_path_buf() };
        let stdout = stdout.ok_or_else(|| fail(format!("{program} has no output")))?;
        Ok((running, stdout))
    }

    /// Waits for the end of a program whose output has ended; what it complained about is the error.
    pub(super) fn finish(mut self) -> Result<()> {
        let status = self.child.wait().map_err(|e| Error::io("wait for the decoder of", &self.path, e))?;
        let complaint = self.complaint.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        if status.success() {
            return Ok(());
        }
        let what = if complaint.is_empty() { status.to_string() } else { complaint };
        Err(Error::Video { path: self.path.clone(), what: format!("cannot be decoded: {what}") })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program to its end and returns its output, which must not exceed `limit_bytes`.
pub(super) fn output(command: Command, path: &Path, limit_bytes: u64) -> Result<Vec<u8>> {
    let (running, stdout) = Running::start(command, path)?;
    let mut bytes = Vec::new();
    stdout.take(limit_bytes + 1).read_to_end(&mut bytes).map_err(|e| Error::io("read the description of", path, e))?;
    if bytes.len() as u64 > limit_bytes {
        return Err(Error::Video { path: path.to_path_buf(), what: "its description is too long".into() });
    }
    running.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ffprobe_lies_beside_ffmpeg() {
        assert_eq!(Programs::new(None).ffprobe, "ffprobe");
        assert_eq!(Programs::new(Some("/opt/ff/ffmpeg-7".into())).ffprobe, "/opt/ff/ffprobe-7");
        assert_eq!(Programs::new(Some("/opt/decoder".into())).ffprobe, "/opt/ffprobe");
    }

    #[test]
    fn the_option_follows_the_version() {
        for (version, option) in [
            ("ffmpeg version 5.1.9-0+deb12u1 Copyright", "-vsync"),
            ("ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright", "-vsync"),
            ("ffmpeg version n7.1 Copyright", "-fps_mode"),
            ("ffmpeg version 8.0 Copyright", "-fps_mode"),
            ("ffmpeg version N-118193-g5f38c82536 Copyright", "-fps_mode"),
            ("", "-fps_mode"),
        ] {
            assert_eq!(sync_option_of(version), option, "{version}");
        }
    }

    #[test]
    fn a_missing_program_tells_how_to_get_it() {
        let programs = Programs::new(Some("/nowhere/ffmpeg".into()));
        let message = output(programs.ffprobe(), Path::new("x.mp4"), 10).unwrap_err().to_string();
        for part in ["/nowhere/ffprobe", "apt-get install ffmpeg", "brew", "winget", "DORMOUSE_FFMPEG"] {
            assert!(message.contains(part), "{message}");
        }
    }
}
