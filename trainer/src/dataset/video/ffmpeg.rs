//! Media files, decoded by a running ffmpeg program whose output is read through a pipe.

use super::decode::first_channel;
use super::open::FrameSource;
use super::probe::{Probe, Timeline};
use super::program::{Programs, Running, add_input};
use crate::dataset::image::Image;
use crate::error::{Error, Result};
use dormouse::Frame;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ChildStdout;

/// Reading on is cheaper than starting the program again for gaps up to this.
const MAX_SKIP: u64 = 100;
/// No line of a picture's header is longer.
const MAX_HEADER_LINE_BYTES: u64 = 64;

/// A video file.
pub(super) struct MediaFile {
    path: PathBuf,
    programs: Programs,
    sync_option: &'static str,
    probe: Probe,
    /// `None` until a seek is needed; inside, `None` when only decoding from the start is exact.
    timeline: Option<Option<Timeline>>,
    decoder: Option<Decoder>,
    last: Option<(u64, Image)>,
    len: Option<u64>,
    gray: bool,
    width_px: usize,
    height_px: usize,
}

impl MediaFile {
    /// Opens a file and decodes its first frame; `gray` keeps the first channel only.
    pub(super) fn open(path: &Path, gray: bool) -> Result<Self> {
        Self::open_with(Programs::from_environment(), path, gray)
    }

    fn open_with(programs: Programs, path: &Path, gray: bool) -> Result<Self> {
        std::fs::metadata(path).map_err(|e| Error::io("read", path, e))?;
        let probe = Probe::read(&programs, path)?;
        let sync_option = programs.sync_option(path)?;
        let len = probe.len;
        let path = path.to_path_buf();
        let mut file = Self {
            path,
            programs,
            sync_option,
            probe,
            timeline: None,
            decoder: None,
            last: None,
            len,
            gray,
            width_px: 0,
            height_px: 0,
        };
        if len.is_none() {
            file.timeline()?;
        }
        let first = file.frame(0)?;
        file.width_px = first.width_px();
        file.height_px = first.height_px();
        Ok(file)
    }

    fn timeline(&mut self) -> Result<Option<&Timeline>> {
        if self.timeline.is_none() {
            let timeline = self.probe.timeline(&self.programs, &self.path)?;
            self.len = timeline.as_ref().and_then(Timeline::len).or(self.len);
            self.timeline = Some(timeline);
        }
        Ok(self.timeline.as_ref().and_then(Option::as_ref))
    }

    fn fail(&self, what: String) -> Error {
        Error::Video { path: self.path.clone(), what }
    }

    /// A decoder that has not passed `index` yet: the running one if it is close, else a new one.
    fn decoder_before(&mut self, index: u64) -> Result<Decoder> {
        if let Some(decoder) = self.decoder.take() {
            let gap = index.checked_sub(decoder.next);
            if gap.is_some_and(|gap| gap <= MAX_SKIP) || (gap.is_some() && self.timeline()?.is_none()) {
                return Ok(decoder);
            }
        }
        let seek_s = if index == 0 { None } else { self.timeline()?.and_then(|timeline| timeline.seek_s(index)) };
        let start = if seek_s.is_some() { index } else { 0 };
        let mut command = self.programs.ffmpeg();
        if let Some(seek_s) = seek_s {
            command.arg("-ss").arg(format!("{seek_s:.6}"));
        }
        add_input(&mut command, &self.path);
        // Every stored frame once, whatever its time: no frame is doubled or left out to keep a constant rate.
        command.args(["-map", "0:V:0", self.sync_option, "passthrough"]);
        // ffmpeg's default conversion to RGB is what SLEAP's readers (OpenCV, imageio) give.
        command.args(["-c:v", "ppm", "-pix_fmt", "rgb24", "-f", "image2pipe", "pipe:1"]);
        let (running, stdout) = Running::start(command, &self.path)?;
        Ok(Decoder { running, stdout: BufReader::with_capacity(1 << 20, stdout), next: start })
    }

    fn decode(&mut self, index: u64) -> Result<Image> {
        let mut decoder = self.decoder_before(index)?;
        while decoder.next <= index {
            let wanted = decoder.next == index;
            let Some(image) = decoder.next_frame(wanted).map_err(|what| self.fail(what))? else {
                let ended_at = decoder.next;
                // What ffmpeg complained about says more than that frames are missing.
                decoder.running.finish()?;
                return Err(self.fail(format!("there is no frame {index}: the video ends after {ended_at} frames")));
            };
            if wanted {
                self.decoder = Some(decoder);
                let image = image.ok_or_else(|| self.fail(format!("frame {index} has a size that is not supported")))?;
                return Ok(if self.gray { first_channel(image) } else { image });
            }
        }
        Err(self.fail(format!("frame {index} was passed already")))
    }
}

impl FrameSource for MediaFile {
    fn len(&self) -> Option<u64> {
        self.len
    }

    fn width_px(&self) -> usize {
        self.width_px
    }

    fn height_px(&self) -> usize {
        self.height_px
    }

    fn frame(&mut self, index: u64) -> Result<Image> {
        if let Some((last, image)) = &self.last
            && *last == index
        {
            return Ok(image.clone());
        }
        if let Some(len) = self.len
            && index >= len
        {
            return Err(self.fail(format!("there is no frame {index}: the video has {len}")));
        }
        let image = self.decode(index)?;
        self.last = Some((index, image.clone()));
        Ok(image)
    }
}

/// A running ffmpeg that writes one PPM picture after the other, which tell their own size.
struct Decoder {
    running: Running,
    stdout: BufReader<ChildStdout>,
    /// Number of the frame that comes next.
    next: u64,
}

impl Decoder {
    /// The next frame, `None` at the end; without `wanted` its pixels are passed over and the inner value is `None`.
    fn next_frame(&mut self, wanted: bool) -> Result<Option<Option<Image>>, String> {
        let Some((width, height)) = self.header()? else { return Ok(None) };
        let bytes = width * height * 3;
        self.next += 1;
        if wanted {
            let mut pixels = vec![0; bytes];
            self.stdout.read_exact(&mut pixels).map_err(|e| format!("the decoder's output broke off: {e}"))?;
            return Ok(Some(Image::new(width, height, 3, pixels)));
        }
        let skipped = std::io::copy(&mut (&mut self.stdout).take(bytes as u64), &mut std::io::sink());
        match skipped {
            Ok(skipped) if skipped == bytes as u64 => Ok(Some(None)),
            _ => Err("the decoder's output broke off".into()),
        }
    }

    /// Width and height from `P6`, the sides and the largest value, a line each; `None` at the end of the video.
    fn header(&mut self) -> Result<Option<(usize, usize)>, String> {
        let mut lines = [const { String::new() }; 3];
        for line in &mut lines {
            (&mut self.stdout).take(MAX_HEADER_LINE_BYTES).read_line(line).map_err(|e| format!("the decoder's output: {e}"))?;
        }
        if lines[0].is_empty() {
            return Ok(None);
        }
        let sides =
            lines[1].trim_end().split_once(' ').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        let limit = Frame::MAX_SIDE_PX as usize;
        match sides {
            Some((width, height)) if lines[0] == "P6\n" && lines[2] == "255\n" && width <= limit && height <= limit => {
                Ok(Some((width, height)))
            }
            _ => Err(format!("the decoder's output is not a picture of at most {limit} x {limit} pixels")),
        }
    }
}

#[cfg(test)]
#[path = "ffmpeg_tests.rs"]
mod tests;
