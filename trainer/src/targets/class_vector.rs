//! Class vectors: which known individual a crop shows.

use crate::dataset::sample::Animal;
use crate::error::{Error, Result};

/// Writes 1 for the animal's identity and 0 elsewhere; all zeros for an animal without an identity or with one of another list,
/// so that it teaches the classes nothing (reference sleap-training.md, section 5).
///
/// # Errors
/// [`Error::Data`] when `out` has not one number per class.
pub fn class_vector(animal: Option<&Animal>, classes: usize, out: &mut [f32]) -> Result<()> {
    if out.len() != classes {
        return Err(Error::Data(format!("a class vector of {classes} classes does not fit {} numbers", out.len())));
    }
    out.fill(0.0);
    if let Some(value) = animal.and_then(|a| a.identity).and_then(|class| out.get_mut(class)) {
        *value = 1.0;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_for_the_individual() {
        let animal = |identity| Animal { points: Vec::new(), identity };
        let mut out = [9.0; 3];
        class_vector(Some(&animal(Some(1))), 3, &mut out).unwrap();
        assert_eq!(out, [0.0, 1.0, 0.0]);
        for nobody in [Some(animal(None)), Some(animal(Some(3))), None] {
            class_vector(nobody.as_ref(), 3, &mut out).unwrap();
            assert_eq!(out, [0.0; 3]);
        }
        assert!(class_vector(None, 2, &mut out).is_err());
    }
}
