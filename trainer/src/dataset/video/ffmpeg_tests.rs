use super::*;
use std::process::Command;

fn shared(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(path)
}

/// One frame by ffmpeg's own counting of decoded frames, no seeking.
fn selected(path: &Path, index: u64) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(path).arg("-vf").arg(format!("select=eq(n\\,{index})"));
    let output = command.args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// All frames in one pass, as `select` counts them.
fn all_frames(path: &Path, frame_bytes: usize) -> Vec<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(path);
    let output = command.args(["-vsync", "0", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]).output().unwrap();
    output.stdout.chunks(frame_bytes).map(<[u8]>::to_vec).collect()
}

#[test]
#[ignore = "needs ffmpeg and ../shared/data"]
fn every_way_through_the_video_gives_the_same_frames() {
    let path = shared("flies/centered_pair.mp4");
    let truth = all_frames(&path, 384 * 384 * 3);
    assert_eq!(truth.len(), 1100);
    for index in [0, 1, 333, 1099] {
        assert_eq!(truth[index], selected(&path, index as u64), "the truth itself, frame {index}");
    }
    let mut video = MediaFile::open(&path, false).unwrap();
    // Non-square pixels: the coded size counts, not the 388 of the header.
    assert_eq!((video.len(), video.width_px(), video.height_px()), (Some(1100), 384, 384));
    let began = std::time::Instant::now();
    for (index, expected) in truth.iter().enumerate() {
        assert!(video.frame(index as u64).unwrap().pixels() == expected.as_slice(), "sequential {index}");
    }
    let sequential_s = began.elapsed().as_secs_f64();
    eprintln!("sequential: {:.0} frames/s", 1100.0 / sequential_s);
    assert!(video.frame(1100).unwrap_err().to_string().contains("1100"));
    let random = [500, 1, 7, 1099, 0, 0, 250, 251, 260, 400, 399, 398, 12, 1098, 600, 701, 802, 137, 136, 550];
    let began = std::time::Instant::now();
    for index in random {
        assert!(video.frame(index).unwrap().pixels() == truth[index as usize].as_slice(), "random {index}");
    }
    eprintln!("random: {:.0} ms a frame", began.elapsed().as_secs_f64() * 1000.0 / random.len() as f64);
    for index in (1040..1060).rev() {
        assert!(video.frame(index).unwrap().pixels() == truth[index as usize].as_slice(), "backwards {index}");
    }
}

#[test]
#[ignore = "needs ffmpeg and ../shared/data"]
fn gray_and_colour() {
    let mut video = MediaFile::open(&shared("flies/centered_pair.mp4"), true).unwrap();
    let image = video.frame(5).unwrap();
    let colour = selected(&shared("flies/centered_pair.mp4"), 5);
    assert_eq!(image.channels(), 1);
    assert!(image.pixels().iter().eq(colour.iter().step_by(3)));
    let mut video = MediaFile::open(&shared("robot/small_robot.mp4"), false).unwrap();
    assert_eq!((video.len(), video.width_px(), video.height_px()), (Some(166), 560, 320));
    for index in [0, 79, 165, 40] {
        assert_eq!(video.frame(index).unwrap().pixels(), selected(&shared("robot/small_robot.mp4"), index), "frame {index}");
    }
}

/// What SLEAP's own reader (OpenCV) gave for the first frame.
#[test]
#[ignore = "needs ffmpeg and ../shared/data"]
fn first_frames_are_sleaps() {
    for (array, name, gray) in
        [("bottomup.f0.frame_u8", "flies/centered_pair_small.mp4", true), ("single.f0.frame_u8", "robot/small_robot.mp4", false)]
    {
        let npy = std::fs::read(shared(&format!("golden/tensors/{array}.npy"))).unwrap();
        let mut video = MediaFile::open(&shared(name), gray).unwrap();
        let image = video.frame(0).unwrap();
        // The .npy header ends at a multiple of 64 bytes; the pixels are the rest.
        assert!(npy.ends_with(image.pixels()) && npy.len() - image.pixels().len() == 128, "{name}");
    }
}

fn make(arguments: &[&str], path: &Path) {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=20:duration=4"]).args(arguments);
    assert!(command.arg(format!("file:{}", path.display())).status().unwrap().success());
}

#[test]
#[ignore = "needs ffmpeg"]
fn odd_names_variable_rates_and_other_containers() {
    let temp = tempfile::tempdir().unwrap();
    let h264 = ["-c:v", "libx264", "-bf", "3", "-g", "12", "-pix_fmt", "yuv420p"];
    // Leaves out frames irregularly, so that the frame rate varies.
    let uneven = ["-vf", "select='gt(mod(n,7),2)+eq(mod(n,13),0)'", "-vsync", "0"];
    let cases: [(&str, Vec<&str>); 7] = [
        ("-y odd %03d name'\"$(x);&|.mp4", h264.to_vec()),
        ("http:..example.org:80.mp4", h264.to_vec()),
        ("uneven.mp4", [&h264[..], &uneven[..]].concat()),
        ("uneven.mkv", [&h264[..], &uneven[..]].concat()),
        ("late.mkv", [&h264[..], &["-output_ts_offset", "3.7"]].concat()),
        ("m.avi", vec!["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"]),
        ("stream.ts", h264.to_vec()),
    ];
    for (name, arguments) in cases {
        let path = temp.path().join(name);
        make(&arguments, &path);
        let truth = all_frames(Path::new(&format!("file:{}", path.display())), 64 * 48 * 3);
        let mut video = MediaFile::open(&path, false).unwrap();
        assert!(video.len().is_none_or(|len| len == truth.len() as u64), "{name}: {:?} frames of {}", video.len(), truth.len());
        let last = truth.len() as u64 - 1;
        let order = [3, last, 0, last / 2, last / 2 + 1, 1, last - 1].into_iter().chain((0..=last).rev().step_by(5));
        for index in order {
            assert!(video.frame(index).unwrap().pixels() == truth[index as usize].as_slice(), "{name}: frame {index}");
        }
        assert!(video.frame(last + 1).is_err(), "{name}");
    }
}

#[test]
#[ignore = "needs ffmpeg"]
fn rubbish_is_an_error_with_ffmpegs_words() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("no.mp4");
    std::fs::write(&path, b"this is not a video").unwrap();
    let message = MediaFile::open(&path, false).err().unwrap().to_string();
    assert!(message.contains("no.mp4") && message.contains("Invalid data"), "{message}");
    make(&["-c:v", "libx264"], &path);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(MediaFile::open(&path, false).is_err());
    // A playlist must not lead to other files.
    let list = temp.path().join("list.ffconcat");
    std::fs::write(&list, "ffconcat version 1.0\nfile 'http://127.0.0.1:9/x.mp4'\n").unwrap();
    assert!(MediaFile::open(&list, false).is_err());
}

#[test]
fn a_missing_program_or_file_is_an_error() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("x.mp4");
    let programs = || Programs::new(Some("/nowhere/ffmpeg".into()));
    assert!(matches!(MediaFile::open_with(programs(), &path, false), Err(Error::Io { .. })));
    std::fs::write(&path, b"x").unwrap();
    let message = MediaFile::open_with(programs(), &path, false).err().unwrap().to_string();
    assert!(message.contains("apt-get install ffmpeg"), "{message}");
}
