//! Reading the files of a model, whose sizes nobody promised.

use crate::error::{Error, Result};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Largest `training_config.json` that is read; SLEAP's have 5 to 50 kB. Parsed it takes many times its size.
const MAX_CONFIG_BYTES: u64 = 4 << 20;
/// Largest model file that is read: several times what its weights may be, as it also holds the optimiser's numbers.
const MAX_WEIGHTS_BYTES: u64 = 4 << 30;
/// Bytes that are hashed at a time.
const PIECE_BYTES: usize = 1 << 16;

/// The text of a `training_config.json`.
///
/// # Errors
/// [`Error::BadFile`] for more than 4 MiB, [`Error::Io`] for what cannot be read or is not UTF-8.
pub(super) fn config_text(path: &Path) -> Result<String> {
    let mut text = String::new();
    open(path, MAX_CONFIG_BYTES)?.read_to_string(&mut text).map_err(|e| Error::io("read", path, e))?;
    Ok(text)
}

/// SHA-256 of a model file in hexadecimal digits. The memory for it does not grow with the file.
///
/// # Errors
/// [`Error::BadFile`] for more than 4 GiB, [`Error::Io`] for what cannot be read.
pub(super) fn weights_sha256(path: &Path) -> Result<String> {
    let mut file = open(path, MAX_WEIGHTS_BYTES)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; PIECE_BYTES]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hex(&hash.finalize())),
            Ok(count) => hash.update(&piece[..count]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io("read", path, e)),
        }
    }
}

/// SHA-256 of a text in hexadecimal digits.
pub(super) fn text_sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Opens a file of at most `most` bytes; no more are read even if it grows meanwhile.
fn open(path: &Path, most: u64) -> Result<impl Read> {
    let file = File::open(path).map_err(|e| Error::io("read", path, e))?;
    let len = file.metadata().map_err(|e| Error::io("read", path, e))?.len();
    if len > most {
        return Err(Error::bad_file(path, "size", format!("it has {len} bytes; no more than {most} are read")));
    }
    Ok(file.take(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_up_to_the_limit_are_read_and_larger_ones_are_not() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("training_config.json");
        std::fs::write(&path, vec![b' '; MAX_CONFIG_BYTES as usize]).unwrap();
        assert_eq!(config_text(&path).unwrap().len() as u64, MAX_CONFIG_BYTES);
        std::fs::write(&path, vec![b' '; MAX_CONFIG_BYTES as usize + 1]).unwrap();
        let fault = config_text(&path).unwrap_err().to_string();
        assert!(fault.ends_with("size: it has 4194305 bytes; no more than 4194304 are read"), "{fault}");
        assert!(open(&path, MAX_CONFIG_BYTES + 1).is_ok());
        assert!(config_text(&temp.path().join("absent")).unwrap_err().to_string().contains("cannot read"));
    }

    /// The vectors of FIPS 180-2, appendix B; the last is longer than a piece and no multiple of it.
    #[test]
    fn hashes_are_sha_256() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("best_model.h5");
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
        for (text, hash) in [("abc".to_owned(), abc), ("a".repeat(1_000_000), million)] {
            std::fs::write(&path, &text).unwrap();
            assert_eq!((weights_sha256(&path).unwrap().as_str(), text_sha256(&text).as_str()), (hash, hash));
        }
    }
}
