//! Finding videos that are no longer where the labels file says.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Where to look for videos that have moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VideoSearch {
    /// Folders that are searched by the stored relative path and by file name.
    pub folders: Vec<PathBuf>,
    /// Beginnings of stored paths and what to put in their place; backslashes and slashes are the same.
    pub prefix_map: Vec<(String, String)>,
}

impl VideoSearch {
    /// Places where the file stored as `stored` may be, best first, each once: as it stands, where a prefix maps it,
    /// beside the labels file (by relative path, then by file name), in the search folders likewise.
    pub fn places(&self, stored: &str, labels_file: &Path) -> Vec<PathBuf> {
        let plain = stored.replace('\\', "/");
        // A file name may hold a backslash on Unix, so the text is tried as it stands too.
        let mut places = vec![PathBuf::from(stored), PathBuf::from(&plain)];
        for (from, to) in &self.prefix_map {
            let from = from.replace('\\', "/");
            if let Some(rest) = plain.strip_prefix(&from).filter(|_| !from.is_empty()) {
                places.push(join_text(to, rest, &from));
            }
        }
        let beside = labels_file.parent().unwrap_or(Path::new(""));
        let relative = (!is_absolute_anywhere(&plain)).then_some(plain.as_str());
        let name = plain.rsplit('/').next().filter(|name| !matches!(*name, "" | "." | ".."));
        for folder in std::iter::once(beside).chain(self.folders.iter().map(PathBuf::as_path)) {
            places.extend(relative.into_iter().chain(name).map(|part| folder.join(part)));
        }
        let mut seen = HashSet::new();
        places.retain(|place| !place.as_os_str().is_empty() && seen.insert(place.clone()));
        places
    }

    /// The first place where something is, or all places that were tried.
    ///
    /// # Errors
    /// The places that were tried.
    pub fn find(&self, stored: &str, labels_file: &Path) -> Result<PathBuf, Vec<PathBuf>> {
        let places = self.places(stored, labels_file);
        places.iter().find(|place| place.exists()).cloned().ok_or(places)
    }
}

/// `to` followed by `rest`, with one separator between them unless the prefix ended in the middle of a name.
fn join_text(to: &str, rest: &str, from: &str) -> PathBuf {
    let at_separator = from.ends_with('/') || rest.starts_with('/') || rest.is_empty();
    let rest = rest.trim_start_matches('/');
    if rest.is_empty() {
        PathBuf::from(to)
    } else if at_separator && !to.is_empty() {
        Path::new(to).join(rest)
    } else {
        PathBuf::from(format!("{to}{rest}"))
    }
}

/// Absolute here or on another operating system (`/x`, `//server/x`, `C:/x`).
fn is_absolute_anywhere(plain: &str) -> bool {
    let bytes = plain.as_bytes();
    plain.starts_with('/') || (bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"x").unwrap();
    }

    #[test]
    fn finds_beside_labels_in_folders_and_by_prefix() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path();
        let labels = root.join("project/labels.slp");
        let search = VideoSearch {
            folders: vec![root.join("archive")],
            prefix_map: vec![("D:\\lab".into(), root.join("mapped").display().to_string())],
        };
        let stored = "D:/lab\\day 1\\fly.mp4";
        let missing = search.find(stored, &labels).unwrap_err();
        assert!(missing.contains(&root.join("mapped/day 1/fly.mp4")), "{missing:?}");
        assert!(missing.contains(&root.join("project/fly.mp4")));
        touch(&root.join("archive/fly.mp4"));
        assert_eq!(search.find(stored, &labels).unwrap(), root.join("archive/fly.mp4"));
        touch(&root.join("project/fly.mp4"));
        assert_eq!(search.find(stored, &labels).unwrap(), root.join("project/fly.mp4"));
        touch(&root.join("mapped/day 1/fly.mp4"));
        assert_eq!(search.find(stored, &labels).unwrap(), root.join("mapped/day 1/fly.mp4"));
    }

    #[test]
    fn relative_paths_are_tried_relative_to_the_labels_file() {
        let temp = tempfile::tempdir().unwrap();
        touch(&temp.path().join("p/videos/a.mp4"));
        let labels = temp.path().join("p/labels.slp");
        let found = VideoSearch::default().find("videos\\a.mp4", &labels).unwrap();
        assert_eq!(found, temp.path().join("p/videos/a.mp4"));
    }

    #[test]
    fn prefixes_replace_text_and_odd_names_do_no_harm() {
        let labels = Path::new("/p/l.slp");
        let search =
            VideoSearch { folders: vec![], prefix_map: vec![("/old".into(), "/new".into()), (String::new(), "/never".into())] };
        assert_eq!(search.places("/old/x.mp4", labels)[1], Path::new("/new/x.mp4"));
        assert_eq!(search.places("/older/x.mp4", labels)[1], Path::new("/newer/x.mp4"));
        assert_eq!(search.places("/old", labels)[1], Path::new("/new"));
        for odd in ["", ".", "..", "/", "\\", "a/..", "C:", "\u{0}"] {
            let _ = VideoSearch::default().find(odd, labels);
        }
    }
}
