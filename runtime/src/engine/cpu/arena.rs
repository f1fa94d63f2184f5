//! Places for maps, given out and taken back in the order in which the steps will run.

use alloc::vec::Vec;

/// Numbers that every place is rounded up to: a cache line.
const LINE: usize = 16;

/// Free and used parts of one arena that grows as needed.
#[derive(Debug, Default)]
pub(super) struct Arena {
    /// Free parts: start and length, in order of their starts, never touching each other.
    free: Vec<[usize; 2]>,
    /// Everything from here on was never given out.
    end: usize,
}

impl Arena {
    /// A place for `len` numbers: the smallest free part that is large enough, or a new one at the end.
    pub fn take(&mut self, len: usize) -> usize {
        let len = len.next_multiple_of(LINE);
        let fitting = self.free.iter().enumerate().filter(|(_, part)| part[1] >= len);
        if let Some((index, _)) = fitting.min_by_key(|(_, part)| part[1]) {
            let [start, free] = self.free[index];
            self.free[index] = [start + len, free - len];
            self.free.retain(|part| part[1] > 0);
            return start;
        }
        // The last free part reaches the end: only the rest is new.
        let start = match self.free.last() {
            Some([start, len]) if start + len == self.end => *start,
            _ => self.end,
        };
        self.free.retain(|part| part[0] != start);
        self.end = start + len;
        start
    }

    /// Takes a place back, given with the same length.
    pub fn give_back(&mut self, start: usize, len: usize) {
        let len = len.next_multiple_of(LINE);
        let at = self.free.partition_point(|part| part[0] < start);
        self.free.insert(at, [start, len]);
        let mut joined: Vec<[usize; 2]> = Vec::with_capacity(self.free.len());
        for part in self.free.drain(..).filter(|part| part[1] > 0) {
            match joined.last_mut() {
                Some(last) if last[0] + last[1] == part[0] => last[1] += part[1],
                _ => joined.push(part),
            }
        }
        self.free = joined;
    }

    /// Numbers that the arena needs in all.
    pub fn len(&self) -> usize {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn parts_are_used_again_and_joined() {
        let mut arena = Arena::default();
        let places: Vec<usize> = [100, 16, 40].iter().map(|len| arena.take(*len)).collect();
        assert_eq!(places, vec![0, 112, 128]);
        arena.give_back(0, 100);
        arena.give_back(112, 16);
        assert_eq!(arena.take(120), 0);
        assert_eq!(arena.len(), 176);
        arena.give_back(128, 40);
        // The free end is part of the larger place.
        assert_eq!(arena.take(64), 128);
        assert_eq!(arena.len(), 192);
    }

    #[test]
    fn no_two_places_overlap() {
        let mut arena = Arena::default();
        let mut held: Vec<[usize; 2]> = Vec::new();
        let mut state = 7u32;
        for _ in 0..2000 {
            state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            if state >> 30 == 0 && !held.is_empty() {
                let [start, len] = held.swap_remove((state >> 8) as usize % held.len());
                arena.give_back(start, len);
            } else {
                let len = (state >> 8) as usize % 300;
                let start = arena.take(len);
                assert!(held.iter().all(|[s, l]| start + len <= *s || s + l <= start), "{start} {len} {held:?}");
                assert!(start + len <= arena.len());
                held.push([start, len]);
            }
        }
    }
}
