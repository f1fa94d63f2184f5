//! The file that keeps what a driver compiled: our header, then the driver's bytes as wgpu gave them.
//!
//! Little-endian: magic (8 bytes), CRC-32C of all behind it (u32), version (u32), length of the key (u32), length of the data (u64),
//! key, data. The key names adapter, driver and program: what was made for others is not read.

use crate::bundle::crc32c;
use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

const MAGIC: [u8; 8] = *b"DORMPIPE";
const VERSION: u32 = 1;
/// Where the checksum stands, and where what it is of begins.
const SUM_AT: usize = MAGIC.len();
const SUMMED_FROM: usize = SUM_AT + 4;
/// Bytes before the key.
const HEADER_BYTES: usize = SUMMED_FROM + 16;
/// Names of adapters and drivers have at most 256 bytes each in Vulkan.
const MOST_KEY_BYTES: usize = 1 << 10;
/// Room for hundreds of pipelines; the engine has fewer than a hundred.
const MOST_DATA_BYTES: usize = 64 << 20;

/// Why a file is of no use.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unfit {
    /// In words, about "it".
    pub why: Cow<'static, str>,
    /// It is one of ours that is out of date or damaged: another one may take its place.
    pub ours: bool,
}

/// A file that must be left alone.
fn foreign(why: impl Into<Cow<'static, str>>) -> Unfit {
    Unfit { why: why.into(), ours: false }
}

/// A file of ours that is of no use any more.
fn stale(why: &'static str) -> Unfit {
    Unfit { why: why.into(), ours: true }
}

/// The data that was [written](write) with this key; `None` if there is no such file.
///
/// # Errors
/// Why the file is of no use: others may write it, it is not one of ours, damaged, or has another key.
pub(super) fn read(path: &Path, key: &str) -> Result<Option<Vec<u8>>, Unfit> {
    let unread = |error: io::Error| foreign(format!("it cannot be read: {error}"));
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // To open a pipe would wait for its writer.
        found => check_place(&found.map_err(unread)?)?,
    }
    let mut file = File::open(path).map_err(unread)?;
    // Of the file that is open now, whatever the path leads to meanwhile.
    let about = file.metadata().map_err(unread)?;
    check_place(&about)?;
    if about.len() == 0 {
        return Err(stale("it is empty"));
    }
    let mut magic = [0; MAGIC.len()];
    let starts = file.read_exact(&mut magic);
    if starts.is_err() || magic != MAGIC {
        return Err(foreign("it is not a file of pipelines: name another one"));
    }
    if about.len() > (HEADER_BYTES + MOST_KEY_BYTES + MOST_DATA_BYTES) as u64 {
        return Err(stale("it is larger than 64 MiB"));
    }
    let mut bytes = Vec::with_capacity(about.len() as usize);
    bytes.extend_from_slice(&magic);
    // A file that grows meanwhile is not followed.
    file.take(about.len().saturating_sub(magic.len() as u64)).read_to_end(&mut bytes).map_err(unread)?;
    let data = parse(&bytes, key)?;
    let start = bytes.len() - data.len();
    bytes.drain(..start);
    Ok(Some(bytes))
}

/// Writes a file that its user alone may read and write, in the place of the one that is there: all of it, or nothing.
///
/// # Errors
/// Those of the file system; what is too large to be read again.
pub(super) fn write(path: &Path, key: &str, data: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let bytes = pack(key, data)?;
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    // Where every process has the same number, as in containers, one that was killed may have left its file.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_nanos());
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}-{number}-{now}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    // On the disk before it has the name: a power cut leaves the old file or the new one.
    let mut written = file.write_all(&bytes).and_then(|()| file.sync_all());
    drop(file);
    written = written.and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The error that is told is the first one.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// A whole file.
fn pack(key: &str, data: &[u8]) -> io::Result<Vec<u8>> {
    if key.len() > MOST_KEY_BYTES || data.len() > MOST_DATA_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it would be larger than 64 MiB"));
    }
    let mut bytes = Vec::with_capacity(HEADER_BYTES + key.len() + data.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[0; SUMMED_FROM - SUM_AT]);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&(data.len() as u64).to_le_bytes());
    bytes.extend_from_slice(key.as_bytes());
    bytes.extend_from_slice(data);
    let sum = crc32c(&bytes[SUMMED_FROM..]);
    bytes[SUM_AT..SUMMED_FROM].copy_from_slice(&sum.to_le_bytes());
    Ok(bytes)
}

/// The data of a file's bytes, which begin with the magic.
fn parse<'a>(bytes: &'a [u8], key: &str) -> Result<&'a [u8], Unfit> {
    let cut = stale("it is cut off, or longer than it says");
    let Some((head, rest)) = bytes.split_at_checked(HEADER_BYTES) else { return Err(cut) };
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if number(SUMMED_FROM) != VERSION {
        return Err(stale("another version of this program wrote it"));
    }
    let key_bytes = u64::from(number(SUMMED_FROM + 4));
    let data_bytes = u64::from(number(SUMMED_FROM + 8)) | u64::from(number(SUMMED_FROM + 12)) << 32;
    if data_bytes.checked_add(key_bytes) != Some(rest.len() as u64) {
        return Err(cut);
    }
    if crc32c(&bytes[SUMMED_FROM..]) != number(SUM_AT) {
        return Err(stale("it is damaged: its checksum is another one"));
    }
    let (found, data) = rest.split_at(key_bytes as usize);
    if found != key.as_bytes() {
        return Err(stale("it was made for another adapter, driver or version of this program"));
    }
    Ok(data)
}

/// Refuses what is no plain file, and what others could have written: its bytes go to the driver, which does not expect malice.
fn check_place(about: &Metadata) -> Result<(), Unfit> {
    if !about.is_file() {
        return Err(foreign("it is no file"));
    }
    #[cfg(unix)]
    check_owner(about)?;
    Ok(())
}

#[cfg(unix)]
fn check_owner(about: &Metadata) -> Result<(), Unfit> {
    use std::os::unix::fs::MetadataExt as _;
    if about.mode() & 0o022 != 0 {
        let mode = about.mode() & 0o777;
        return Err(foreign(format!(
            "others may write it (mode {mode:o}), and the driver trusts it: chmod 600 it, or delete it"
        )));
    }
    // Who runs this program; known on Linux and Android, where the engine has pipelines to keep.
    let own = fs::metadata("/proc/self").map(|own| own.uid());
    if about.uid() != 0 && !own.is_ok_and(|own| own == about.uid()) {
        return Err(foreign("it belongs to another user, and the driver trusts it: delete it, or name another one"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A place of its own for each test, gone at its end.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("dormouse-pipelines-{}-{name}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Self(folder.join("a.dorm.pipelines"))
        }

        fn fault(&self, key: &str) -> Unfit {
            read(&self.0, key).unwrap_err()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(self.0.parent().unwrap());
        }
    }

    #[test]
    fn what_is_written_comes_back_for_its_key_alone() {
        let place = Place::new("round-trip");
        assert_eq!(read(&place.0, "key"), Ok(None));
        for data in [&b""[..], b"pipelines", &[7; 100_000]] {
            write(&place.0, "key", data).unwrap();
            assert_eq!(read(&place.0, "key"), Ok(Some(data.to_vec())));
            assert!(["kez", "keyp", "ke", ""].iter().all(|other| place.fault(other).ours));
        }
        // Nothing stays behind.
        assert_eq!(fs::read_dir(place.0.parent().unwrap()).unwrap().count(), 1);
        assert!(write(&place.0, &"k".repeat(MOST_KEY_BYTES + 1), b"").is_err());
    }

    #[test]
    fn every_damage_is_seen() {
        let place = Place::new("damage");
        write(&place.0, "key", b"pipelines").unwrap();
        let bytes = fs::read(&place.0).unwrap();
        assert_eq!((&bytes[..8], &bytes[12..]), (&b"DORMPIPE"[..], &b"\x01\0\0\0\x03\0\0\0\x09\0\0\0\0\0\0\0keypipelines"[..]));
        for length in 0..bytes.len() {
            fs::write(&place.0, &bytes[..length]).unwrap();
            // Less than the magic could be anybody's, but nothing is nobody's.
            assert_eq!(place.fault("key").ours, length == 0 || length >= MAGIC.len(), "{length} bytes");
        }
        fs::write(&place.0, [&bytes[..], b"x"].concat()).unwrap();
        assert!(place.fault("key").why.contains("longer"));
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&place.0, &damaged).unwrap();
            assert_eq!(place.fault("key").ours, bit / 8 >= MAGIC.len(), "bit {bit}");
        }
    }

    #[test]
    fn lengths_are_not_believed() {
        let mut bytes = pack("key", b"data").unwrap();
        assert_eq!(parse(&bytes, "key"), Ok(&b"data"[..]));
        bytes[16..HEADER_BYTES].copy_from_slice(&[0xff; 12]);
        assert!(parse(&bytes, "key").unwrap_err().why.contains("cut off"));
    }

    #[cfg(unix)]
    #[test]
    fn files_that_others_may_write_are_refused_and_left_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = Place::new("others");
        write(&place.0, "key", b"pipelines").unwrap();
        assert_eq!(fs::metadata(&place.0).unwrap().permissions().mode() & 0o777, 0o600);
        for (mode, fits) in [(0o644, true), (0o620, false), (0o602, false), (0o666, false), (0o600, true)] {
            fs::set_permissions(&place.0, fs::Permissions::from_mode(mode)).unwrap();
            match read(&place.0, "key") {
                Ok(data) => assert!(fits && data.is_some(), "{mode:o}"),
                Err(unfit) => assert!(!fits && !unfit.ours && unfit.why.contains(&format!("{mode:o}")), "{mode:o}: {unfit:?}"),
            }
        }
        assert_eq!(read(place.0.parent().unwrap(), "key"), Err(foreign("it is no file")));
    }
}
