//! A configuration as TOML that explains itself.

use super::TrainConfig;
use crate::error::{Error, Result};
use std::fmt::Write as _;
use toml::{Table, Value};

/// Order of the sections; further ones follow by name.
const ORDER: [&str; 10] =
    ["data", "preprocess", "model", "top_down", "identity", "augment", "train", "centroid", "instance", "inference"];
/// Comments are broken at this width.
const WIDTH: usize = 118;

/// The values that differ from their defaults and those with a comment, in sections, each under its comment. `comments` are
/// pairs of a dotted key such as `model.pafs.sigma` (or a section such as `model`) and a text; `header` stands on top.
///
/// # Errors
/// [`Error::Config`] when a value cannot be written as TOML (a number above 2^63).
pub fn commented_toml(config: &TrainConfig, header: &str, comments: &[(String, String)]) -> Result<String> {
    let table = |config: &TrainConfig| Table::try_from(config).map_err(|e| Error::Config(vec![e.to_string()]));
    let (values, defaults) = (table(config)?, table(&TrainConfig::default())?);
    let mut text = String::new();
    comment(&mut text, header);
    let sections = values.iter().filter(|(_, value)| value.is_table());
    let place = |name: &str| ORDER.iter().position(|s| *s == name).unwrap_or(ORDER.len());
    let mut sections: Vec<_> = sections.collect();
    sections.sort_by_key(|(name, _)| place(name));
    for (key, value) in values.iter().filter(|(_, value)| !value.is_table()) {
        lines(&mut text, std::slice::from_ref(key), value, defaults.get(key), comments);
    }
    for (name, value) in sections {
        let mut body = String::new();
        lines(&mut body, std::slice::from_ref(name), value, defaults.get(name), comments);
        let about = said(comments, name);
        if body.is_empty() && about.is_none() {
            continue;
        }
        text.push('\n');
        comment(&mut text, about.unwrap_or_default());
        let _ = writeln!(text, "[{name}]");
        text.push_str(&body);
    }
    Ok(text)
}

fn said<'a>(comments: &'a [(String, String)], key: &str) -> Option<&'a str> {
    comments.iter().find(|(k, _)| k == key).map(|(_, text)| text.as_str())
}

/// Writes the value at `path`, or the values below it with dotted keys inside the section.
fn lines(text: &mut String, path: &[String], value: &Value, default: Option<&Value>, comments: &[(String, String)]) {
    if let Value::Table(table) = value {
        for (key, value) in table {
            let inner = [path, std::slice::from_ref(key)].concat();
            lines(text, &inner, value, default.and_then(|d| d.get(key)), comments);
        }
        return;
    }
    let about = said(comments, &path.join("."));
    if about.is_none() && default == Some(value) {
        return;
    }
    comment(text, about.unwrap_or_default());
    // A key at the top has no section in front of it.
    let inside = if path.len() > 1 { &path[1..] } else { path };
    let _ = writeln!(text, "{} = {}", inside.join("."), shown(value));
}

fn comment(text: &mut String, about: &str) {
    for line in about.lines() {
        let mut width = 0;
        text.push('#');
        for word in line.split_whitespace() {
            if width > 0 && width + word.chars().count() + 1 > WIDTH {
                text.push_str("\n#");
                width = 0;
            }
            text.push(' ');
            text.push_str(word);
            width += word.chars().count() + 1;
        }
        text.push('\n');
    }
}

/// The value as TOML. A number that an f32 held is written as short as an f32 can be (0.9, not 0.8999999761581421).
fn shown(value: &Value) -> String {
    match value {
        Value::Float(v) if v.is_finite() && f64::from(*v as f32) == *v => format!("{:?}", *v as f32),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_and_what_is_explained_is_written_and_reads_back() {
        let mut config = TrainConfig { name: "a \"b\"".into(), ..TrainConfig::default() };
        config.data.train = vec!["C:\\x y.slp".into()];
        config.model.pafs.sigma = 12.3;
        config.augment.scale = [0.9, 1.1];
        config.train.learning_rate = 3e-4;
        let comments = [
            ("model.filters".to_owned(), "Width.".to_owned()),
            ("model.pafs.sigma".to_owned(), "word ".repeat(60)),
            ("model".to_owned(), "The network.".to_owned()),
            ("augment.scale".to_owned(), "Sizes.".to_owned()),
        ];
        let text = commented_toml(&config, "Two\nlines", &comments).unwrap();
        assert_eq!(TrainConfig::parse(&text, &[]).unwrap(), config);
        assert!(text.starts_with("# Two\n# lines\nname = "), "{text}");
        for line in ["# The network.\n[model]", "# Width.\nfilters = 16", "pafs.sigma = 12.3", "scale = [0.9, 1.1]"] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("max_stride") && !text.contains("[inference]"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH + 2), "{text}");
    }
}
