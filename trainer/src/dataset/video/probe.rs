//! What ffprobe tells about a media file: number of frames and when each is shown.

use super::program::{Programs, add_input, output};
use crate::error::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// Longest description of a stream.
const MAX_DESCRIPTION_BYTES: u64 = 1 << 20;
/// Longest list of frame times (some 50 million frames).
const MAX_TIMES_BYTES: u64 = 1 << 30;
/// Up to this size listing all packets is quick, so that no assumption about the frame rate is needed.
const QUICK_FILE_BYTES: u64 = 256 << 20;
/// Containers in which a seek lands on or before the frame that was asked for.
const SEEKABLE: &[&str] = &["mp4", "mov", "matroska", "webm", "avi"];

/// What is known about a media file.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    /// Number of frames as the container states it.
    pub len: Option<u64>,
    seekable: bool,
    /// Start of the file in seconds; seeking counts from there.
    start_s: f64,
    constant_rate: Option<f64>,
}

impl Probe {
    /// Asks ffprobe.
    pub(super) fn read(programs: &Programs, path: &Path) -> Result<Self> {
        let mut command = programs.ffprobe();
        let entries = "stream=nb_frames,r_frame_rate,avg_frame_rate,duration,start_time:format=format_name,start_time";
        command.args(["-select_streams", "V:0", "-show_entries", entries, "-of", "json"]);
        add_input(&mut command, path);
        let text = output(command, path, MAX_DESCRIPTION_BYTES)?;
        let fail = |what: &str| Error::Video { path: path.to_path_buf(), what: what.into() };
        let json: Value = serde_json::from_slice(&text).map_err(|_| fail("ffprobe gave no description"))?;
        json.pointer("/streams/0").ok_or_else(|| fail("the file holds no video"))?;
        Ok(Self::from_json(&json))
    }

    fn from_json(json: &Value) -> Self {
        let text = |place: &str| json.pointer(place).and_then(Value::as_str);
        let number = |place: &str| text(place).and_then(|number| number.parse::<f64>().ok()).filter(|number| number.is_finite());
        let len = text("/streams/0/nb_frames").and_then(|count| count.parse().ok()).filter(|&count| count > 0);
        let formats = text("/format/format_name").unwrap_or_default();
        let rates =
            text("/streams/0/r_frame_rate").filter(|rate| Some(*rate) == text("/streams/0/avg_frame_rate")).and_then(ratio);
        let steady = |rate: &f64| {
            let frames = number("/streams/0/duration").map(|duration_s| duration_s * rate);
            len.zip(frames).is_some_and(|(len, frames): (u64, f64)| (frames - len as f64).abs() < 0.5)
        };
        let begins_together = number("/streams/0/start_time") == number("/format/start_time");
        Self {
            len,
            seekable: formats.split(',').any(|format| SEEKABLE.contains(&format)),
            start_s: number("/format/start_time").unwrap_or(0.0),
            constant_rate: rates.filter(steady).filter(|_| begins_together),
        }
    }

    /// Where to seek to for every frame; `None` where only decoding from the start is exact.
    pub(super) fn timeline(&self, programs: &Programs, path: &Path) -> Result<Option<Timeline>> {
        if !self.seekable {
            return Ok(None);
        }
        let len_bytes = std::fs::metadata(path).map_err(|e| Error::io("read", path, e))?.len();
        if len_bytes > QUICK_FILE_BYTES
            && let Some(rate_hz) = self.constant_rate
        {
            return Ok(Some(Timeline::Constant { rate_hz }));
        }
        let mut command = programs.ffprobe();
        command.args(["-select_streams", "V:0", "-show_entries", "packet=pts_time,flags", "-of", "csv=p=0"]);
        add_input(&mut command, path);
        let text = output(command, path, MAX_TIMES_BYTES)?;
        Ok(packet_times(&String::from_utf8_lossy(&text)).map(|times_s| Timeline::Listed { times_s, start_s: self.start_s }))
    }
}

fn ratio(text: &str) -> Option<f64> {
    let (numerator, denominator) = text.split_once('/')?;
    let ratio = numerator.parse::<f64>().ok()? / denominator.parse::<f64>().ok()?;
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

/// Presentation times in order, without packets that are decoded but not shown; `None` when a time is missing or not unique.
fn packet_times(text: &str) -> Option<Vec<f64>> {
    let mut times = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let mut fields = line.split(',');
        let time: f64 = fields.next()?.trim().parse().ok().filter(|time: &f64| time.is_finite())?;
        if !fields.next().is_some_and(|flags| flags.contains('D')) {
            times.push(time);
        }
    }
    times.sort_by(f64::total_cmp);
    (!times.is_empty() && times.windows(2).all(|pair| pair[1] - pair[0] > 2e-6)).then_some(times)
}

/// When frames are shown.
#[derive(Debug, Clone)]
pub(super) enum Timeline {
    /// Every frame lasts equally long.
    Constant {
        /// Frames a second.
        rate_hz: f64,
    },
    /// All times.
    Listed {
        /// Seconds, rising.
        times_s: Vec<f64>,
        /// Start of the file.
        start_s: f64,
    },
}

impl Timeline {
    /// Number of frames, where listed.
    pub(super) fn len(&self) -> Option<u64> {
        if let Self::Listed { times_s, .. } = self { Some(times_s.len() as u64) } else { None }
    }

    /// Seconds from the start of the file to the middle between frame `index` and the one before: nothing that is rounded on the
    /// way reaches the neighbours. `None` for the first frame, which needs no seek, and for frames that are not there.
    pub(super) fn seek_s(&self, index: u64) -> Option<f64> {
        match self {
            Self::Constant { rate_hz } => (index > 0).then(|| (index as f64 - 0.5) / rate_hz),
            Self::Listed { times_s, start_s } => {
                let index = usize::try_from(index).ok()?;
                let (before, time) = (times_s.get(index.checked_sub(1)?)?, times_s.get(index)?);
                Some((0.5 * (before + time) - start_s).max(0.0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_are_sorted_and_hidden_packets_left_out() {
        let times = packet_times("0.2,K_\n0.0,_D\n0.4,__,x\n\n0.3,__\n").unwrap();
        assert_eq!(times, [0.2, 0.3, 0.4]);
        assert!(packet_times("0.1,K_\nN/A,__\n").is_none());
        assert!(packet_times("0.1,K_\n0.1,__\n").is_none());
        assert!(packet_times("").is_none());
    }

    #[test]
    fn seeks_between_frames() {
        let listed = Timeline::Listed { times_s: vec![1.0, 1.5, 3.0], start_s: 1.0 };
        assert_eq!(
            (listed.seek_s(0), listed.seek_s(1), listed.seek_s(2), listed.seek_s(3)),
            (None, Some(0.25), Some(1.25), None)
        );
        assert_eq!(Timeline::Constant { rate_hz: 10.0 }.seek_s(3), Some(0.25));
    }

    #[test]
    fn a_constant_rate_is_only_believed_when_all_numbers_agree() {
        let describe = |average: &str, duration: &str| {
            let stream = json!({"nb_frames": "100", "r_frame_rate": "25/1", "avg_frame_rate": average, "duration": duration, "start_time": "0.0"});
            Probe::from_json(&json!({"streams": [stream], "format": {"format_name": "mov,mp4", "start_time": "0.0"}}))
        };
        assert_eq!(describe("25/1", "4.000000").constant_rate, Some(25.0));
        assert_eq!(describe("24/1", "4.000000").constant_rate, None);
        assert_eq!(describe("25/1", "5.000000").constant_rate, None);
        let probe = describe("0/0", "x");
        assert_eq!((probe.constant_rate, probe.len, probe.seekable), (None, Some(100), true));
    }
}
