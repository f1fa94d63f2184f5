//! A JSON document whose fields are ticked off as they are read, so that what was left can be told.

use super::remarks::short_value;
use crate::error::{Error, Result};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

/// Deepest nesting of fields that is looked at.
const MAX_DEPTH: usize = 16;

/// The document.
pub(super) struct Fields {
    root: Value,
    read: RefCell<BTreeSet<String>>,
    /// Paths whose values are of another type than asked for.
    odd: RefCell<BTreeSet<String>>,
}

impl Fields {
    /// Parses JSON with comments (`//` and `/* */`), as SLEAP's files may hold them.
    ///
    /// # Errors
    /// [`Error::BadFile`] when it is not a JSON object.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let root: Value =
            serde_json::from_str(&without_comments(text)).map_err(|e| Error::bad_file(path, "profile", e.to_string()))?;
        Self::of(root, path)
    }

    /// Parses YAML.
    ///
    /// # Errors
    /// [`Error::BadFile`] when it is no YAML, or not fields and values.
    pub fn parse_yaml(text: &str, path: &Path) -> Result<Self> {
        let root: Value = serde_saphyr::from_str(text).map_err(|e| Error::bad_file(path, "profile", e.to_string()))?;
        Self::of(root, path)
    }

    fn of(root: Value, path: &Path) -> Result<Self> {
        if !root.is_object() {
            return Err(Error::bad_file(path, "profile", "fields and their values are expected"));
        }
        Ok(Self { root, read: RefCell::default(), odd: RefCell::default() })
    }

    /// The value at a dotted path, ticked off with all below it; `None` where it is missing or null.
    pub fn get(&self, path: &str) -> Option<&Value> {
        self.read.borrow_mut().insert(path.to_owned());
        self.peek(path)
    }

    /// The value at a dotted path without ticking it off.
    pub fn peek(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.root, |value, key| value.get(key)).filter(|value| !value.is_null())
    }

    /// The value at a dotted path as `read` takes it; a value that it does not take is remembered as odd.
    fn typed<'a, T>(&'a self, path: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.get(path)?;
        let typed = read(value);
        if typed.is_none() {
            self.odd.borrow_mut().insert(path.to_owned());
        }
        typed
    }

    /// A number.
    pub fn number(&self, path: &str) -> Option<f64> {
        self.typed(path, Value::as_f64)
    }

    /// A whole number that is not negative.
    pub fn count(&self, path: &str) -> Option<usize> {
        let whole = |v: &f64| *v >= 0.0 && v.fract() == 0.0 && *v < 1e15;
        self.typed(path, |value| value.as_f64().filter(whole).map(|v| v as usize))
    }

    /// A switch; off where it is missing.
    pub fn flag(&self, path: &str) -> bool {
        self.typed(path, Value::as_bool).unwrap_or(false)
    }

    /// A text that is not empty.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.typed(path, Value::as_str).filter(|text| !text.is_empty())
    }

    /// One sentence per value that could not be read, in place of which SLEAP's default counts.
    pub fn odd(&self) -> Vec<String> {
        let shown = |path: &String| {
            let value = self.peek(path).map(short_value).unwrap_or_default();
            format!("{path} = {value}: another kind of value is expected there; SLEAP's default is in its place")
        };
        self.odd.borrow().iter().map(shown).collect()
    }

    /// Texts: one, or a list of them.
    pub fn texts(&self, path: &str) -> Vec<String> {
        match self.get(path) {
            Some(Value::String(text)) if !text.is_empty() => vec![text.clone()],
            Some(Value::Array(items)) => items.iter().filter_map(|item| item.as_str().map(String::from)).collect(),
            _ => Vec::new(),
        }
    }

    /// Paths and values that nobody read and that say something: neither null nor `false`, nor an empty text, list or object.
    pub fn left(&self) -> Vec<(String, &Value)> {
        let mut left = Vec::new();
        self.walk("", &self.root, 0, &mut left);
        left
    }

    fn walk<'a>(&self, path: &str, value: &'a Value, depth: usize, left: &mut Vec<(String, &'a Value)>) {
        if self.read.borrow().contains(path) {
            return;
        }
        match value {
            Value::Object(fields) if depth < MAX_DEPTH => {
                for (key, value) in fields {
                    let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    self.walk(&inner, value, depth + 1, left);
                }
            }
            Value::Null | Value::Bool(false) => {}
            Value::String(text) if text.is_empty() => {}
            Value::Array(items) if items.is_empty() => {}
            _ => left.push((path.to_owned(), value)),
        }
    }
}

/// Replaces comments outside of texts by blanks.
fn without_comments(text: &str) -> String {
    let (mut out, mut rest, mut in_text) = (String::with_capacity(text.len()), text, false);
    while let Some(c) = rest.chars().next() {
        if !in_text && rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
            continue;
        }
        if !in_text && rest.starts_with("/*") {
            rest = rest[2..].find("*/").map_or("", |end| &rest[end + 4..]);
            out.push(' ');
            continue;
        }
        let escaped = in_text && c == '\\';
        let length = if escaped { c.len_utf8() + rest[1..].chars().next().map_or(0, char::len_utf8) } else { c.len_utf8() };
        in_text ^= c == '"';
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_texts_stay() {
        let text = "{ // one\n \"a\": \"x // \\\" /* y\", /* two\n */ \"b\": 2 } //";
        let fields = Fields::parse(text, Path::new("p")).unwrap();
        assert_eq!((fields.text("a"), fields.number("b")), (Some("x // \" /* y"), Some(2.0)));
        for bad in ["", "[1]", "{ /* ", "{\"a\": \"\\", "\"ä"] {
            assert!(Fields::parse(bad, Path::new("p")).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_nobody_read_is_left() {
        let text = r#"{"a": {"b": 1, "c": null, "d": false, "e": [], "f": "x"}, "g": {"h": {"i": 2}}}"#;
        let fields = Fields::parse(text, Path::new("p")).unwrap();
        assert_eq!((fields.number("a.b"), fields.flag("a.d"), fields.count("a.f")), (Some(1.0), false, None));
        assert!(fields.odd().len() == 1 && fields.odd()[0].starts_with("a.f = \"x\": another kind"), "{:?}", fields.odd());
        fields.peek("a.e");
        let left: Vec<String> = fields.left().into_iter().map(|(path, _)| path).collect();
        assert_eq!(left, ["g.h.i"]);
        fields.get("g");
        assert!(fields.left().is_empty());
    }
}
