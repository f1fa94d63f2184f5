//! Samples of other sources: some of one, or all of several.

use super::sample::{Sample, SampleSource};
use crate::error::{Error, Result};
use dormouse::Skeleton;
use std::sync::Arc;

/// Some samples of a source, in a given order.
pub struct Subset {
    source: Arc<dyn SampleSource>,
    indices: Vec<usize>,
}

impl Subset {
    /// The samples at `indices` of `source`.
    pub fn new(source: Arc<dyn SampleSource>, indices: Vec<usize>) -> Self {
        Self { source, indices }
    }
}

impl SampleSource for Subset {
    fn skeleton(&self) -> &Skeleton {
        self.source.skeleton()
    }

    fn len(&self) -> usize {
        self.indices.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let inner = self.indices.get(index).ok_or_else(|| out_of_range(index, self.len()))?;
        self.source.sample(*inner)
    }
}

/// All samples of several sources, one after the other.
pub struct Joined {
    sources: Vec<Arc<dyn SampleSource>>,
    skeleton: Skeleton,
}

impl Joined {
    /// Joins sources with the same nodes and edges.
    ///
    /// # Errors
    /// [`Error::Data`] when there is no source, or when two skeletons differ.
    pub fn new(sources: Vec<Arc<dyn SampleSource>>) -> Result<Self> {
        let Some(first) = sources.first() else { return Err(Error::Data("there are no labels to join".into())) };
        let skeleton = first.skeleton().clone();
        for other in &sources {
            let other = other.skeleton();
            if other.nodes != skeleton.nodes || other.edges != skeleton.edges {
                return Err(Error::Data(format!(
                    "labels with different skeletons cannot be trained together: {:?} and {:?}",
                    skeleton.nodes, other.nodes
                )));
            }
        }
        Ok(Self { sources, skeleton })
    }
}

impl SampleSource for Joined {
    fn skeleton(&self) -> &Skeleton {
        &self.skeleton
    }

    fn len(&self) -> usize {
        self.sources.iter().map(|s| s.len()).sum()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let mut rest = index;
        for source in &self.sources {
            if rest < source.len() {
                return source.sample(rest);
            }
            rest -= source.len();
        }
        Err(out_of_range(index, self.len()))
    }
}

fn out_of_range(index: usize, len: usize) -> Error {
    Error::Data(format!("sample {index} was asked for, but there are {len}"))
}
