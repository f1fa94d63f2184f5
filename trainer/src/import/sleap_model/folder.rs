//! Which files make a model.

use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

const CONFIG: &str = "training_config.json";
const WEIGHTS: &str = "best_model.h5";
/// Other weights that SLEAP may leave behind, for messages.
const OTHER_WEIGHTS: [&str; 3] = ["final_model.h5", "latest_model.h5", "initial_model.h5"];

/// The two files of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ModelFiles {
    pub config: PathBuf,
    pub weights: PathBuf,
}

impl ModelFiles {
    /// Finds them by the folder, or by the path of either file.
    ///
    /// # Errors
    /// [`Error::Data`] saying what is missing; for a model of SLEAP-NN, what to do instead.
    pub fn find(path: &Path) -> Result<Self> {
        let ends = |endings: &[&str]| path.extension().is_some_and(|e| endings.iter().any(|known| e.eq_ignore_ascii_case(known)));
        if ends(&["ckpt", "yaml", "yml", "pt", "pth"]) {
            return Err(sleap_nn(path));
        }
        if ends(&["zip"]) {
            return Err(Error::Data(format!("{}: unpack it, and give the folder inside", path.display())));
        }
        std::fs::metadata(path).map_err(|e| Error::io("read", path, e))?;
        if path.is_dir() {
            return Self { config: path.join(CONFIG), weights: path.join(WEIGHTS) }.checked(path);
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        if ends(&["h5", "hdf5"]) {
            return Self { config: folder.join(CONFIG), weights: path.to_path_buf() }.checked(folder);
        }
        if ends(&["json"]) {
            return Self { config: path.to_path_buf(), weights: folder.join(WEIGHTS) }.checked(folder);
        }
        let what = format!("a folder with {CONFIG} and {WEIGHTS} is expected, or the path of one of the two");
        Err(Error::Data(format!("{}: {what}", path.display())))
    }

    fn checked(self, folder: &Path) -> Result<Self> {
        let has = |file: &Path| file.is_file();
        if !has(&self.config) {
            if is_sleap_nn(folder) {
                return Err(sleap_nn(folder));
            }
            not_a_file(&self.config)?;
            let what = format!("there is no {CONFIG}, so this is no model folder of classic SLEAP");
            return Err(Error::Data(format!("{}: {what}", folder.display())));
        }
        if !has(&self.weights) {
            not_a_file(&self.weights)?;
            let others: Vec<&str> = OTHER_WEIGHTS.into_iter().filter(|name| has(&folder.join(name))).collect();
            let name = self.weights.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let what = match others.as_slice() {
                [] if is_sleap_nn(folder) => return Err(sleap_nn(folder)),
                [] => "the training left no weights".into(),
                others => format!("there is {}: give its path to take that one", others.join(", ")),
            };
            return Err(Error::Data(format!("{}: there is no {name}; {what}", folder.display())));
        }
        Ok(self)
    }
}

/// Refuses what has a file's name but is something else.
fn not_a_file(path: &Path) -> Result<()> {
    let Ok(itself) = std::fs::symlink_metadata(path) else { return Ok(()) };
    let what = match std::fs::metadata(path) {
        Ok(behind) if behind.is_dir() => "this is a folder",
        Err(_) if itself.is_symlink() => "this link leads nowhere",
        _ => "this is a pipe, socket or device",
    };
    Err(Error::Data(format!("{}: {what}; a file is expected", path.display())))
}

/// Whether SLEAP-NN wrote the folder.
fn is_sleap_nn(folder: &Path) -> bool {
    let ours = ["best.ckpt", "last.ckpt", "training_config.yaml", "initial_config.yaml"];
    ours.iter().any(|name| folder.join(name).is_file())
}

fn sleap_nn(path: &Path) -> Error {
    Error::Data(format!(
        "{}: this is a model of SLEAP-NN, whose weights (PyTorch) are not read. `dormouse import-profile` turns its \
         training_config.yaml into a configuration to train with",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_or_either_file() {
        let temp = tempfile::tempdir().unwrap();
        let (folder, at) = (temp.path(), |name: &str| temp.path().join(name));
        let fault = |path: &Path| ModelFiles::find(path).unwrap_err().to_string();
        assert!(fault(&at("none")).contains("cannot read"));
        assert!(fault(folder).contains("no training_config.json"));
        std::fs::write(at("training_config.json"), "{}").unwrap();
        assert!(fault(folder).contains("no best_model.h5; the training left no weights"));
        std::fs::write(at("final_model.h5"), "").unwrap();
        assert!(fault(folder).contains("final_model.h5: give its path"));
        std::fs::write(at("best_model.h5"), "").unwrap();
        let both = ModelFiles { config: at("training_config.json"), weights: at("best_model.h5") };
        for path in [folder, &at("best_model.h5"), &at("training_config.json")] {
            assert_eq!(ModelFiles::find(path).unwrap(), both);
        }
        assert_eq!(ModelFiles::find(&at("final_model.h5")).unwrap().weights, at("final_model.h5"));
        std::fs::write(at("notes.txt"), "").unwrap();
        assert!(fault(&at("notes.txt")).contains("is expected"));
        assert!(fault(&at("model.zip")).contains("unpack"));
    }

    #[test]
    fn what_is_no_file_is_called_by_its_kind() {
        let temp = tempfile::tempdir().unwrap();
        let (folder, at) = (temp.path(), |name: &str| temp.path().join(name));
        let fault = || ModelFiles::find(folder).unwrap_err().to_string();
        std::fs::create_dir(at("training_config.json")).unwrap();
        assert!(fault().ends_with("training_config.json: this is a folder; a file is expected"), "{}", fault());
        std::fs::remove_dir(at("training_config.json")).unwrap();
        std::fs::write(at("training_config.json"), "{}").unwrap();
        std::fs::create_dir(at("best_model.h5")).unwrap();
        assert!(fault().ends_with("best_model.h5: this is a folder; a file is expected"), "{}", fault());
        std::fs::remove_dir(at("best_model.h5")).unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("nowhere", at("best_model.h5")).unwrap();
            assert!(fault().contains("best_model.h5: this link leads nowhere"), "{}", fault());
            std::fs::remove_file(at("best_model.h5")).unwrap();
            let _socket = std::os::unix::net::UnixListener::bind(at("best_model.h5")).unwrap();
            assert!(fault().contains("best_model.h5: this is a pipe, socket or device"), "{}", fault());
        }
    }

    #[test]
    fn models_of_sleap_nn_are_told_apart() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("best.ckpt"), "").unwrap();
        for path in [temp.path().to_path_buf(), temp.path().join("best.ckpt")] {
            let fault = ModelFiles::find(&path).unwrap_err().to_string();
            assert!(fault.contains("SLEAP-NN") && fault.contains("import-profile"), "{fault}");
        }
    }
}
