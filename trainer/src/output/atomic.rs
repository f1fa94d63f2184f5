//! Files that are either whole or not there.

use crate::error::{Error, Result};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Lets `write` fill a temporary file beside `path`, then moves it there. On failure what was there before stays.
///
/// # Errors
/// [`Error::Io`] from writing or moving; the temporary file is removed.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let temporary = temporary_beside(path);
    let result = fill(&temporary, write).and_then(|()| fs::rename(&temporary, path));
    result.map_err(|source| {
        // The first failure is the one to report; a file that cannot even be removed changes nothing about it.
        let _ = fs::remove_file(&temporary);
        Error::io("write", path, source)
    })
}

/// Refuses a place where [`write_atomically`] could not write, before the work is done for it.
///
/// # Errors
/// [`Error::Io`] if `path` is a folder, or a file beside it cannot be made.
pub fn check_place(path: &Path) -> Result<()> {
    let temporary = temporary_beside(path);
    let possible = if path.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { File::create(&temporary).map(drop) };
    // A file that was made can be removed, too; one that was not needs no removal.
    let _ = fs::remove_file(&temporary);
    possible.map_err(|source| Error::io("write", path, source))
}

fn fill(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    write(&mut file)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// A hidden name in the same folder: only there is moving atomic. The process number keeps two programs apart.
fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_files_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("poses.csv");
        write_atomically(&path, |f| f.write_all(b"one")).unwrap();
        write_atomically(&path, |f| f.write_all(b"two")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let failed = write_atomically(&path, |f| {
            f.write_all(b"thr")?;
            Err(io::Error::other("disk full"))
        });
        assert!(failed.unwrap_err().to_string().contains("disk full"));
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let path = Path::new("/nonexistent/x.csv");
        for refused in [write_atomically(path, |_| Ok(())), check_place(path)] {
            let message = refused.unwrap_err().to_string();
            assert!(message.contains("/nonexistent/x.csv"), "{message}");
        }
    }

    #[test]
    fn a_place_is_checked_without_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        check_place(&folder.path().join("x.csv")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(check_place(folder.path()).unwrap_err().to_string().contains("is a directory"));
    }
}
