//! The smallest useful device program: a bundle and a raw grey frame in, poses out.

use dormouse::{Bundle, Estimator, Frame, Options};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bundle, frame, width_px, height_px] = &arguments[..] else {
        return Err("usage: dormouse-size BUNDLE.dorm FRAME.raw WIDTH HEIGHT".into());
    };
    let bundle = Bundle::open(bundle)?;
    let (width_px, height_px) = (width_px.parse()?, height_px.parse()?);
    let mut estimator = Estimator::new(&bundle, &Options { frame_px: Some((width_px, height_px)), ..Options::default() })?;
    // From here on only what was prepared stays in memory.
    estimator.release_networks()?;
    drop(bundle);
    let pixels = std::fs::read(frame)?;
    for animal in estimator.estimate(&Frame::gray8(&pixels, width_px, height_px)?)?.iter() {
        println!("{} {:?}", animal.score, animal.keypoints);
    }
    Ok(())
}
