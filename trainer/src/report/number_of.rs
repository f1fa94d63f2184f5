//! Numbers of things in words.

/// `1 node`, `2 nodes`.
pub(crate) fn number_of(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
