//! Scaling of height and width, from tables of what each row and column reads.

#![expect(unsafe_code, reason = "pointers of a leaf kernel")]
#![expect(unsafe_op_in_unsafe_fn, reason = "each function has one proof, under its Safety heading")]

use super::isa::Isa;
use super::map::Map;
use super::memory::Memory;
use super::step::Step;
use super::strips::Strips;
use super::vector::{Kernel, Vector};
use alloc::vec::Vec;

/// What one row or column of the result reads: two of the input and the weight of the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reads {
    /// Input rows or columns.
    pub at: [usize; 2],
    /// Weight of the second, 0 to 1.
    pub second: f32,
}

/// A prepared scaling.
pub(super) struct Resize {
    isa: Isa,
    input: Map,
    output: Map,
    /// A map of the output's size that is added.
    other: Option<Map>,
    rows: Vec<Reads>,
    columns: Vec<Reads>,
    /// Whether no second row or column has any weight.
    nearest: bool,
    strips: Strips,
}

impl Resize {
    /// One entry per row and column of the output, all inside the input; `other`, if there is one, is a map of the output's size
    /// that is added. Tasks are cut so that `workers` have something to do.
    pub fn new(
        (isa, workers): (Isa, usize),
        [input, output]: [Map; 2],
        other: Option<Map>,
        [rows, columns]: [Vec<Reads>; 2],
    ) -> Self {
        let inside = |reads: &[Reads], side: usize| reads.iter().all(|r| r.at.iter().all(|at| *at < side));
        assert!(inside(&rows, input.height) && inside(&columns, input.width), "a resize reads outside its input");
        assert!(rows.len() == output.height && columns.len() == output.width, "a resize has one entry per row and column");
        let nearest = rows.iter().chain(&columns).all(|r| r.second == 0.0);
        let strips = Strips::new(output.height, output.blocks() * output.row_len(), workers);
        Self { isa, input, output, other, rows, columns, nearest, strips }
    }
}

impl Step for Resize {
    fn method(&self) -> &'static str {
        match (self.nearest, self.other.is_some()) {
            (true, false) => "resize nearest",
            (false, false) => "resize linear",
            (true, true) => "resize nearest, add",
            (false, true) => "resize linear, add",
        }
    }

    fn tasks(&self) -> usize {
        self.strips.count()
    }

    fn scratch(&self) -> usize {
        if self.nearest { 0 } else { self.input.row_len() }
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.rows[..]) + size_of_val(&self.columns[..])
    }

    unsafe fn run(&self, task: usize, worker: usize, memory: &Memory<'_>) {
        let mixed = memory.scratch(worker, self.scratch());
        for block in 0..self.output.blocks() {
            let from = memory.at(self.input.block(block).offset, self.input.block_len());
            let to = memory.at(self.output.block(block).offset, self.output.block_len());
            let other = self.other.map(|other| memory.at(other.block(block).offset, self.output.block_len()).cast_const());
            for y in self.strips.rows(task) {
                let row = y * self.output.row_len();
                let other = other.map(|other| other.wrapping_add(row));
                // SAFETY: all of them lie in the arena, the tables stay inside the input, and tasks write different rows.
                unsafe { self.isa.run(Row { step: self, y, from, to: to.add(row), other, mixed }) };
            }
        }
    }
}

/// One row of one block.
struct Row<'a> {
    step: &'a Resize,
    y: usize,
    from: *const f32,
    to: *mut f32,
    /// The row that is added.
    other: Option<*const f32>,
    /// A row of the input's width.
    mixed: *mut f32,
}

impl Kernel for Row<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Resize { input, rows, columns, nearest, .. } = self.step;
        let Reads { at, second } = rows[self.y];
        let [first_row, second_row] = at.map(|row| self.from.add(row * input.row_len()));
        let mut from = first_row;
        if second != 0.0 {
            let second = V::splat(second);
            for x in (0..input.row_len()).step_by(V::LANES) {
                mix(V::load(first_row.add(x)), V::load(second_row.add(x)), second).store(self.mixed.add(x));
            }
            from = self.mixed;
        }
        for (x, Reads { at, second }) in columns.iter().enumerate() {
            let [a, b] = at.map(|column| V::load(from.add(column * V::LANES)));
            let mut value = if *nearest { a } else { mix(a, b, V::splat(*second)) };
            if let Some(other) = self.other {
                value = V::load(other.add(x * V::LANES)).add(value);
            }
            value.store(self.to.add(x * V::LANES));
        }
    }
}

/// `a + (b - a) * weight`.
#[inline(always)]
unsafe fn mix<V: Vector>(a: V, b: V, weight: V) -> V {
    b.sub(a).mul_add(weight, a)
}
