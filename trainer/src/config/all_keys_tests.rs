use super::*;
use crate::config::TrainConfig;
use crate::error::Error;
use std::collections::BTreeSet;

/// The faults of a configuration with `key=value` set.
fn faults(key: &str, value: &str) -> Vec<String> {
    let set = [format!("{key}={value}")];
    match TrainConfig::parse("[data]\ntrain = [\"synth:fly\"]\n", &set) {
        Ok(_) => Vec::new(),
        Err(Error::Config(faults)) => faults,
        Err(other) => panic!("{key}={value}: {other}"),
    }
}

fn leaves() -> impl Iterator<Item = &'static KeyDoc> {
    all_keys().iter().filter(|key| key.default.is_some())
}

/// Sets a key that may depend on the model type or on others, so that its check is on.
fn refused(key: &KeyDoc, value: &str) -> bool {
    let types = ["bottom_up", "top_down_id", "bottom_up_id"];
    let accepted = types.iter().filter(|model_type| {
        let mut set = vec![format!("model.type={model_type}"), format!("{}={value}", key.path)];
        // Wide and deep networks would have too many channels.
        if key.path == "model.filters_rate" {
            set.push("model.filters=1".into());
        } else {
            set.push("model.filters_rate=1.0".into());
        }
        if key.path.starts_with("model.compact") {
            set.push("model.backbone=compact".into());
        }
        match TrainConfig::parse("[data]\ntrain = [\"synth:fly\"]\n", &set) {
            Ok(_) => true,
            Err(Error::Config(faults)) => !faults.iter().any(|fault| fault.starts_with(&key.path)),
            Err(other) => panic!("{}: {other}", key.path),
        }
    });
    accepted.count() < types.len()
}

#[test]
fn the_file_holds_every_key_with_its_default() {
    let text = ALL_KEYS.replace("train = []", "train = [\"synth:fly\"]");
    let read = TrainConfig::parse(&text, &[]).unwrap();
    let mut expected = TrainConfig::default();
    expected.data.train = vec!["synth:fly".into()];
    assert_eq!(read, expected);
    fn walk(path: &str, table: &toml::Table, into: &mut BTreeSet<String>) {
        for (key, value) in table {
            let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                toml::Value::Table(table) => walk(&inner, table, into),
                _ => drop(into.insert(inner)),
            }
        }
    }
    let mut known = BTreeSet::new();
    walk("", &toml::Table::try_from(TrainConfig::default()).unwrap(), &mut known);
    assert_eq!(leaves().map(|key| key.path.clone()).collect::<BTreeSet<_>>(), known);
    for key in all_keys() {
        assert!(key.about.len() > 10 && key.about.ends_with(['.', ':']), "{key:?}");
    }
}

/// The two numbers behind a word of a key's sentences.
fn range(about: &str, word: &str, between: &str) -> Option<[f64; 2]> {
    let (least, rest) = about.split(word).last()?.split_once(between)?;
    let most = rest.split(|c: char| c != '.' && c != '-' && !c.is_ascii_digit()).next()?;
    Some([least.trim().parse().ok()?, most.trim_end_matches('.').parse().ok()?])
}

#[test]
fn the_ranges_of_the_file_are_those_that_are_checked() {
    let mut checked = 0;
    for key in leaves() {
        let whole = key.default.as_ref().is_some_and(|d| d.parse::<i64>().is_ok() || d.starts_with("[0,"));
        let show = |v: f64| if whole { format!("{v:.0}") } else { format!("{v:?}") };
        let step = if whole { 1.0 } else { 1e-3 };
        let pair = |[a, b]: [f64; 2]| format!("[{}, {}]", show(a), show(b));
        if let Some([least, most]) = ["Two numbers from ", "Two whole numbers from ", "two numbers from "]
            .iter()
            .find_map(|w| key.about.contains(w).then(|| range(&key.about, w, " to ")).flatten())
        {
            assert!(!refused(key, &pair([least, most])), "{key:?}");
            assert!(refused(key, &pair([least - step, most])) && refused(key, &pair([least, most + step])), "{key:?}");
            if !whole {
                assert!(refused(key, &pair([most, least])), "{key:?}");
            }
        } else if let Some([least, most]) = range(&key.about, "From ", " to ") {
            assert!(refused(key, &show(least - step)), "{key:?}");
            // TOML has no larger whole numbers.
            assert!(most > 9e18 || refused(key, &show(most + step)), "{key:?}");
            let bound =
                key.about.contains(", and not") || key.about.contains(", a multiple") || key.path.ends_with("individuals");
            assert!(!refused(key, &show(least)) && (bound || most > 9e18 || !refused(key, &show(most))), "{key:?}");
        } else if let Some([above, most]) = range(&key.about, "Above ", " and at most ") {
            assert!(refused(key, &show(above)) && refused(key, &show(most + step)) && !refused(key, &show(most)), "{key:?}");
        } else if let Some([above, below]) = range(&key.about, "Above ", " and below ") {
            assert!(refused(key, &show(above)) && refused(key, &show(below)), "{key:?}");
        } else if key.about.contains(" 0 or more") {
            assert!(refused(key, "-0.001") && refused(key, "nan") && !refused(key, "0.0") && !refused(key, "0.75"), "{key:?}");
            assert!(!key.about.contains("below 1") || refused(key, "1.0"), "{key:?}");
        } else if key.about.contains("power of two from ") {
            assert!(refused(key, "3") && refused(key, "256") && !refused(key, "2"), "{key:?}");
        } else {
            continue;
        }
        checked += 1;
    }
    assert!(checked > 85, "{checked} ranges were read");
}

#[test]
fn what_does_not_fit_is_told_with_what_does() {
    for key in leaves() {
        let found = faults(&key.path, "{ a = 1 }");
        let told = found.iter().find(|fault| fault.starts_with(&format!("{} cannot be", key.path)));
        assert!(told.is_some_and(|fault| fault.contains(&key.about)), "{key:?}: {found:?}");
        // The value is not complained about a second time.
        assert_eq!(found.iter().filter(|fault| fault.starts_with(&key.path)).count(), 1, "{found:?}");
    }
    // Every name that the file offers is taken, and no other.
    for key in leaves().filter(|key| key.default.as_ref().is_some_and(|d| d.starts_with('"'))) {
        let quoted = key.about.split('"').skip(1).step_by(2).filter(|name| !name.contains(':'));
        for name in quoted.filter(|_| key.path != "data.train") {
            let found: Vec<_> = faults(&key.path, name).into_iter().filter(|f| f.starts_with(&key.path)).collect();
            assert!(found.is_empty(), "{name}: {found:?}");
        }
    }
}

#[test]
fn slips_are_told_with_the_name_that_was_meant() {
    for (wrong, right) in [
        ("model.fliters", "did you mean model.filters?"),
        ("modle.filters", "did you mean model?"),
        ("epochs", "did you mean train.epochs?"),
        ("top_down.crop_size", "did you mean top_down.crop_size_px?"),
        ("model.sigma", "did you mean model.confmaps.sigma or model.pafs.sigma"),
        ("train.plateau.pacience", "did you mean train.plateau.patience?"),
        ("augment.zoom", "[augment] has rotation_deg, scale"),
        ("elsewhere.x", "there are name, data, preprocess"),
    ] {
        let found = faults(wrong, "1");
        assert!(found.len() == 1 && found[0].contains(right), "{wrong}: {found:?}");
    }
    let found = faults("train.early_stopping", "5");
    assert!(found[0].contains("table of patience, min_delta"), "{found:?}");
}
