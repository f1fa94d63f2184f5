//! The networks of a model, which are trained one after the other, and their own settings.

use super::{TrainConfig, TrainModelType, validate};
use crate::error::{Error, Result};
use toml::{Table, Value};

/// One network of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The only network of a model that sees whole frames.
    Pose,
    /// Finds the centre of every animal.
    Centroid,
    /// Finds the parts of one animal in a crop around its centre.
    Instance,
}

impl Stage {
    /// Name of the network in bundles and of the table that holds its own settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pose => "pose",
            Self::Centroid => dormouse::config::CENTROID_NETWORK,
            Self::Instance => dormouse::config::INSTANCE_NETWORK,
        }
    }
}

/// Sections that may differ from network to network.
const OWN: [&str; 4] = ["preprocess", "model", "augment", "train"];
/// Keys of these sections that hold for the run as a whole.
const SHARED: [&str; 3] = ["model.type", "train.device", "train.seed"];

impl TrainModelType {
    /// The networks in the order of their training.
    pub const fn stages(self) -> &'static [Stage] {
        match self {
            Self::BottomUp | Self::SingleInstance | Self::BottomUpId => &[Stage::Pose],
            Self::Centroid => &[Stage::Centroid],
            Self::TopDown | Self::TopDownId => &[Stage::Centroid, Stage::Instance],
        }
    }
}

impl TrainConfig {
    /// The configuration of one network: this one, with the settings of the network's own table in place of the common ones. Where
    /// the table has no time limit, the common one is divided by `top_down.centroid_time_share`.
    ///
    /// # Errors
    /// [`Error::Config`] with all faults of the table.
    pub fn stage(&self, stage: Stage) -> Result<Self> {
        let own = match stage {
            Stage::Pose => return Ok(self.clone()),
            Stage::Centroid => &self.centroid,
            Stage::Instance => &self.instance,
        };
        let mut faults = foreign_keys(own);
        let mut table = Table::try_from(self).map_err(|e| Error::Config(vec![e.to_string()]))?;
        let mut kept = own.clone();
        kept.retain(|key, _| OWN.contains(&key));
        merge(&mut table, &kept);
        let mut config = validate::sections(table, &mut faults);
        let mut values = Vec::new();
        config.own_faults(&mut values);
        validate::add_news(&mut faults, values);
        (config.centroid, config.instance) = (Table::new(), Table::new());
        let has_limit = own.get("train").is_some_and(|train| train.get("max_minutes").is_some());
        if !has_limit && self.model.model_type.stages().len() > 1 {
            let share = f64::from(self.top_down.centroid_time_share);
            config.train.max_minutes *= if stage == Stage::Centroid { share } else { 1.0 - share };
        }
        if faults.is_empty() {
            return Ok(config);
        }
        Err(Error::Config(faults.into_iter().map(|fault| format!("{}: {fault}", stage.name())).collect()))
    }

    /// Faults of the tables of single networks.
    pub(super) fn stage_faults(&self, faults: &mut Vec<String>) {
        let stages = self.model.model_type.stages();
        for (stage, own) in [(Stage::Centroid, &self.centroid), (Stage::Instance, &self.instance)] {
            if !stages.contains(&stage) {
                // As all settings of other model types it has no effect, so that the type can be changed alone.
                faults.extend(foreign_keys(own).into_iter().map(|fault| format!("{}: {fault}", stage.name())));
            } else if let Err(Error::Config(found)) = self.stage(stage) {
                faults.extend(
                    found
                        .into_iter()
                        .filter(|fault| {
                            // What is wrong with the common settings has been said.
                            let common = fault.split_once(": ").map_or(fault.as_str(), |(_, rest)| rest);
                            !faults.iter().any(|known| known == common)
                        })
                        .collect::<Vec<_>>(),
                );
            }
        }
    }
}

fn foreign_keys(own: &Table) -> Vec<String> {
    let unknown = own.keys().filter(|key| !OWN.contains(&key.as_str()));
    let mut faults: Vec<String> =
        unknown.map(|key| format!("`{key}` cannot be set per network; there are {}", OWN.join(", "))).collect();
    for shared in SHARED {
        let set = shared.split_once('.').and_then(|(section, key)| own.get(section)?.get(key));
        if set.is_some() {
            faults.push(format!("{shared} holds for all networks of a run"));
        }
    }
    faults
}

/// Puts the values of `from` into `into`, table by table.
fn merge(into: &mut Table, from: &Table) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}
