//! What every key of a configuration means and may be, for messages and for people: the commented file `all_keys.toml`.

use std::sync::OnceLock;

/// All keys with their defaults as TOML, each under a comment that tells its meaning, unit and range.
pub const ALL_KEYS: &str = include_str!("all_keys.toml");
/// Likeness (Jaro-Winkler, 0 to 1) from which on one name is taken for a slip of another: `fliters` and `filters` have 0.95.
const ALIKE: f64 = 0.88;

/// A key or a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyDoc {
    /// Dotted path, such as `train.plateau.factor`.
    pub path: String,
    /// Sentences: meaning, unit and range.
    pub about: String,
    /// The default as TOML; `None` for a section.
    pub default: Option<String>,
}

/// All keys and sections in the order of the file.
pub(super) fn all_keys() -> &'static [KeyDoc] {
    static KEYS: OnceLock<Vec<KeyDoc>> = OnceLock::new();
    KEYS.get_or_init(|| read(ALL_KEYS))
}

/// Comments belong to the line behind them; an empty line ends a comment that belongs to none.
fn read(text: &str) -> Vec<KeyDoc> {
    let (mut keys, mut section, mut about) = (Vec::new(), String::new(), Vec::new());
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            about.push(comment.trim());
            continue;
        }
        let about = std::mem::take(&mut about).join(" ");
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = name.to_owned();
            keys.push(KeyDoc { path: section.clone(), about, default: None });
        } else if let Some((key, value)) = line.split_once(" = ") {
            let path = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
            keys.push(KeyDoc { path, about, default: Some(value.to_owned()) });
        }
    }
    keys
}

fn find(path: &str) -> Option<&'static KeyDoc> {
    all_keys().iter().find(|key| key.path == path)
}

/// Names directly below a section; those at the top for an empty path.
fn below(section: &str) -> Vec<&'static str> {
    let names = all_keys().iter().filter_map(|key| match section {
        "" => Some(key.path.as_str()),
        _ => key.path.strip_prefix(section)?.strip_prefix('.'),
    });
    names.filter(|name| !name.contains('.')).collect()
}

/// What is wrong with `value` at `path`, and what would be right there.
pub(super) fn misfit(path: &str, value: &toml::Value) -> String {
    let Some(key) = find(path) else { return unknown(path) };
    let mut shown = value.to_string().replace('\n', " ");
    if shown.chars().count() > 60 {
        shown = shown.chars().take(57).chain("...".chars()).collect();
    }
    match &key.default {
        Some(_) => format!("{path} cannot be {shown}. {}", key.about),
        None => format!("{path} cannot be {shown}: it is a table of {}", below(path).join(", ")),
    }
}

/// That there is no such key, with the one that may be meant.
fn unknown(path: &str) -> String {
    let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
    let last = |key: &KeyDoc| key.path.rsplit('.').next() == Some(name);
    let alike = |other: &&str| strsim::jaro_winkler(name, other);
    let sibling = below(section).into_iter().max_by(|a, b| alike(a).total_cmp(&alike(b))).filter(|best| alike(best) >= ALIKE);
    let elsewhere: Vec<&str> = all_keys().iter().filter(|key| last(key)).map(|key| key.path.as_str()).collect();
    let meant = match sibling {
        Some(sibling) if section.is_empty() => Some(sibling.to_owned()),
        Some(sibling) => Some(format!("{section}.{sibling}")),
        None if elsewhere.is_empty() => None,
        None => Some(elsewhere.join(" or ")),
    };
    match (meant, section) {
        (Some(meant), _) => format!("{path} is no key; did you mean {meant}?"),
        (None, "") => format!("{path} is no key; there are {}", below("").join(", ")),
        (None, section) => format!("{path} is no key; [{section}] has {}", below(section).join(", ")),
    }
}

#[cfg(test)]
#[path = "all_keys_tests.rs"]
mod tests;
