//! Samples of other sources: some of one, all of several, or the same with other identities.

use super::labels::Video;
use super::sample::{Animal, Sample, SampleSource};
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

    fn identities(&self) -> &[String] {
        self.source.identities()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let inner = self.indices.get(index).ok_or_else(|| out_of_range(index, self.len()))?;
        self.source.sample(*inner)
    }

    fn animals(&self, index: usize) -> Result<Vec<Animal>> {
        let inner = self.indices.get(index).ok_or_else(|| out_of_range(index, self.len()))?;
        self.source.animals(*inner)
    }

    fn origin(&self, index: usize) -> Option<(&Video, u64)> {
        self.source.origin(*self.indices.get(index)?)
    }
}

/// The same samples, with identities counted in another list of names; individuals that are not in it become unknown.
pub struct Renamed {
    source: Arc<dyn SampleSource>,
    names: Vec<String>,
    /// Index into `names` of each of the source's identities.
    places: Vec<Option<usize>>,
}

impl Renamed {
    /// Counts the identities of `source` in `names`.
    pub fn new(source: Arc<dyn SampleSource>, names: Vec<String>) -> Self {
        let place = |name: &String| names.iter().position(|n| n == name);
        let places = source.identities().iter().map(place).collect();
        Self { source, names, places }
    }

    fn renamed(&self, mut animals: Vec<Animal>) -> Vec<Animal> {
        for animal in &mut animals {
            animal.identity = animal.identity.and_then(|old| self.places.get(old).copied().flatten());
        }
        animals
    }
}

impl SampleSource for Renamed {
    fn skeleton(&self) -> &Skeleton {
        self.source.skeleton()
    }

    fn identities(&self) -> &[String] {
        &self.names
    }

    fn len(&self) -> usize {
        self.source.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let Sample { image, animals } = self.source.sample(index)?;
        Ok(Sample { image, animals: self.renamed(animals) })
    }

    fn animals(&self, index: usize) -> Result<Vec<Animal>> {
        Ok(self.renamed(self.source.animals(index)?))
    }

    fn origin(&self, index: usize) -> Option<(&Video, u64)> {
        self.source.origin(index)
    }
}

/// All samples of several sources, one after the other. Individuals of the same name are the same.
pub struct Joined {
    sources: Vec<Arc<dyn SampleSource>>,
    skeleton: Skeleton,
    names: Vec<String>,
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
        let mut names: Vec<String> = Vec::new();
        for name in sources.iter().flat_map(|source| source.identities()) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let renamed = |source| -> Arc<dyn SampleSource> { Arc::new(Renamed::new(source, names.clone())) };
        let sources = sources.into_iter().map(renamed).collect();
        Ok(Self { sources, skeleton, names })
    }

    /// The source that holds sample `index`, and its index there.
    fn place(&self, index: usize) -> Result<(&dyn SampleSource, usize)> {
        let mut rest = index;
        for source in &self.sources {
            if rest < source.len() {
                return Ok((source.as_ref(), rest));
            }
            rest -= source.len();
        }
        Err(out_of_range(index, self.len()))
    }
}

impl SampleSource for Joined {
    fn skeleton(&self) -> &Skeleton {
        &self.skeleton
    }

    fn len(&self) -> usize {
        self.sources.iter().map(|s| s.len()).sum()
    }

    fn identities(&self) -> &[String] {
        &self.names
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let (source, index) = self.place(index)?;
        source.sample(index)
    }

    fn animals(&self, index: usize) -> Result<Vec<Animal>> {
        let (source, index) = self.place(index)?;
        source.animals(index)
    }

    fn origin(&self, index: usize) -> Option<(&Video, u64)> {
        let (source, index) = self.place(index).ok()?;
        source.origin(index)
    }
}

fn out_of_range(index: usize, len: usize) -> Error {
    Error::Data(format!("sample {index} was asked for, but there are {len}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::image::Image;

    /// One sample per entry, showing animals with these identities.
    struct Known(Skeleton, Vec<String>, Vec<Vec<usize>>);

    impl SampleSource for Known {
        fn skeleton(&self) -> &Skeleton {
            &self.0
        }

        fn identities(&self) -> &[String] {
            &self.1
        }

        fn len(&self) -> usize {
            self.2.len()
        }

        fn sample(&self, index: usize) -> Result<Sample> {
            let animal = |&identity: &usize| Animal { points: vec![[1.0, 2.0]], identity: Some(identity) };
            let animals = self.2[index].iter().map(animal).collect();
            Image::new(2, 2, 1, vec![0; 4]).map(|image| Sample { image, animals }).ok_or_else(|| out_of_range(index, 0))
        }
    }

    fn known(names: &[&str], samples: &[&[usize]]) -> Arc<dyn SampleSource> {
        let skeleton = Skeleton { nodes: vec!["a".into()], ..Skeleton::default() };
        Arc::new(Known(skeleton, names.iter().map(|&n| n.into()).collect(), samples.iter().map(|s| s.to_vec()).collect()))
    }

    fn names_in(source: &dyn SampleSource, index: usize) -> Vec<Option<&str>> {
        let from = |animals: Vec<Animal>| animals.iter().map(|a| a.identity.map(|i| source.identities()[i].as_str())).collect();
        let names: Vec<Option<&str>> = from(source.animals(index).unwrap());
        assert_eq!(names, from(source.sample(index).unwrap().animals), "with and without the image");
        names
    }

    #[test]
    fn individuals_of_one_name_are_one() {
        let joined = Joined::new(vec![known(&["x", "y"], &[&[0, 1]]), known(&["y", "z"], &[&[0], &[1, 0]])]).unwrap();
        assert_eq!(joined.identities(), ["x", "y", "z"]);
        assert_eq!(names_in(&joined, 0), [Some("x"), Some("y")]);
        assert_eq!(names_in(&joined, 1), [Some("y")]);
        assert_eq!(names_in(&joined, 2), [Some("z"), Some("y")]);
        assert!(joined.animals(3).is_err());
        let some = Subset::new(Arc::new(joined), vec![2]);
        assert_eq!(names_in(&some, 0), [Some("z"), Some("y")]);
    }

    #[test]
    fn individuals_outside_the_list_become_unknown() {
        let renamed = Renamed::new(known(&["x", "y"], &[&[0, 1, 1]]), vec!["z".into(), "y".into()]);
        assert_eq!(names_in(&renamed, 0), [None, Some("y"), Some("y")]);
        assert_eq!(renamed.animals(0).unwrap()[1].identity, Some(1));
    }
}
