//! The smallest useful device program: a bundle and a raw grey frame in, poses out. The engine can be named, so that none which is
//! built in is left out of the file.

use dormouse::{Backend, Bundle, Estimator, Frame, Options};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bundle, frame, width_px, height_px, rest @ ..] = &arguments[..] else {
        return Err("usage: dormouse-size BUNDLE.dorm FRAME.raw WIDTH HEIGHT [ENGINE]".into());
    };
    let backend = rest.first().map_or(Ok(Backend::Auto), |name| name.parse())?;
    let bundle = Bundle::open(bundle)?;
    let (width_px, height_px) = (width_px.parse()?, height_px.parse()?);
    let options = Options { backend, frame_px: Some((width_px, height_px)), ..Options::default() };
    let mut estimator = Estimator::new(&bundle, &options)?;
    // From here on only what was prepared stays in memory.
    estimator.release_networks()?;
    drop(bundle);
    let pixels = std::fs::read(frame)?;
    for animal in estimator.estimate(&Frame::gray8(&pixels, width_px, height_px)?)?.iter() {
        println!("{} {:?}", animal.score, animal.keypoints);
    }
    Ok(())
}
