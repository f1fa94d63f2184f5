//! The best one-to-one assignment of sources to destinations.

use alloc::vec;
use alloc::vec::Vec;

const NONE: usize = usize::MAX;

/// Rectangular assignment by shortest augmenting paths (Crouse 2016, the method behind SciPy's `linear_sum_assignment`,
/// which SLEAP uses), with working memory for up to `capacity` rows and columns.
///
/// Of the two sides the shorter is matched completely if the scores allow it. Pairs whose score is not finite are
/// infeasible: as many feasible pairs as possible are found, the sum of their scores is the largest, and the remaining
/// rows and columns stay free, where SciPy raises an error.
#[derive(Debug, Clone)]
pub struct Assigner {
    /// Dual variable and partner of each row (short side).
    row_price: Vec<f64>,
    row_partner: Vec<usize>,
    row_reached: Vec<bool>,
    /// Dual variable and partner of each column (long side).
    column_price: Vec<f64>,
    column_partner: Vec<usize>,
    column_done: Vec<bool>,
    /// Cost of the cheapest path to each column, and the row from which it gets there.
    path_cost: Vec<f64>,
    path_from: Vec<usize>,
    /// Columns not yet reached by the present search.
    open: Vec<usize>,
    /// Partner of each source after the last [`solve`](Self::solve).
    matches: Vec<usize>,
}

/// Scores seen as costs, with the short side as rows.
struct Costs<'a> {
    scores: &'a [f32],
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
    infeasible: f64,
}

impl<'a> Costs<'a> {
    fn new(scores: &'a [f32], sources: usize, destinations: usize) -> Self {
        let largest = scores.iter().filter(|s| s.is_finite()).fold(0.0_f32, |m, s| m.max(s.abs()));
        let short = sources.min(destinations);
        let flipped = destinations < sources;
        Self {
            scores,
            rows: short,
            columns: sources.max(destinations),
            row_step: if flipped { 1 } else { destinations },
            column_step: if flipped { destinations } else { 1 },
            // More than all other pairs together can ever gain, so that feasible pairs are never given up.
            infeasible: 1.0 + 2.0 * f64::from(largest) * (short + 1) as f64,
        }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        let score = self.scores[row * self.row_step + column * self.column_step];
        if score.is_finite() { -f64::from(score) } else { self.infeasible }
    }
}

impl Assigner {
    /// Plans memory for `capacity` sources and destinations.
    pub fn new(capacity: usize) -> Self {
        Self {
            row_price: vec![0.0; capacity],
            row_partner: vec![NONE; capacity],
            row_reached: vec![false; capacity],
            column_price: vec![0.0; capacity],
            column_partner: vec![NONE; capacity],
            column_done: vec![false; capacity],
            path_cost: vec![0.0; capacity],
            path_from: vec![NONE; capacity],
            open: Vec::with_capacity(capacity),
            matches: Vec::with_capacity(capacity),
        }
    }

    /// Maximises the sum of `scores[source * destinations + destination]` over one-to-one pairs.
    ///
    /// Gives the pairs (source, destination) in ascending order of sources. Sources and destinations beyond the planned
    /// capacity, or beyond the length of `scores`, give no pairs.
    pub fn solve(
        &mut self,
        scores: &[f32],
        sources: usize,
        destinations: usize,
    ) -> impl Iterator<Item = (usize, usize)> + use<'_> {
        self.matches.clear();
        let fits = sources.max(destinations) <= self.row_price.len();
        if fits && let Some(scores) = scores.get(..sources * destinations) {
            let costs = Costs::new(scores, sources, destinations);
            self.reset(&costs);
            for row in 0..costs.rows {
                self.take_cheapest(&costs, row);
            }
            for row in 0..costs.rows {
                if self.row_partner[row] == NONE
                    && let Some(end) = self.search(&costs, row)
                {
                    self.augment(row, end);
                }
            }
            self.collect(&costs, sources <= destinations, sources);
        }
        self.matches.iter().enumerate().filter(|&(_, &d)| d != NONE).map(|(s, &d)| (s, d))
    }

    fn reset(&mut self, costs: &Costs<'_>) {
        self.row_price[..costs.rows].fill(0.0);
        self.row_partner[..costs.rows].fill(NONE);
        self.column_price[..costs.columns].fill(0.0);
        self.column_partner[..costs.columns].fill(NONE);
    }

    /// Gives a row its cheapest column if that is free. Where animals stand apart this matches nearly all rows, and only
    /// the others need a search. (Row prices are then the row minima and column prices 0: a valid start for the searches.)
    fn take_cheapest(&mut self, costs: &Costs<'_>, row: usize) {
        let (mut cheapest, mut cost) = (0, f64::INFINITY);
        for column in 0..costs.columns {
            let other = costs.at(row, column);
            if other < cost {
                (cheapest, cost) = (column, other);
            }
        }
        self.row_price[row] = cost;
        if self.column_partner[cheapest] == NONE {
            self.column_partner[cheapest] = row;
            self.row_partner[row] = cheapest;
        }
    }

    /// Finds the cheapest alternating path from a free row to a free column and updates the prices. `Some(column)`.
    fn search(&mut self, costs: &Costs<'_>, start: usize) -> Option<usize> {
        self.row_reached[..costs.rows].fill(false);
        self.column_done[..costs.columns].fill(false);
        self.path_cost[..costs.columns].fill(f64::INFINITY);
        self.open.clear();
        // Backwards, so that among equal costs the lowest column is found first by a search from the end.
        self.open.extend((0..costs.columns).rev());
        let mut cheapest = 0.0;
        let mut row = start;
        let end = loop {
            self.row_reached[row] = true;
            let (place, cost) = self.relax(costs, row, cheapest)?;
            cheapest = cost;
            let column = self.open.swap_remove(place);
            self.column_done[column] = true;
            if self.column_partner[column] == NONE {
                break column;
            }
            row = self.column_partner[column];
        };
        self.update_prices(costs, start, cheapest);
        Some(end)
    }

    /// Shortens paths through `row`; gives the place in `open` of the column that is now cheapest, and its cost.
    fn relax(&mut self, costs: &Costs<'_>, row: usize, base: f64) -> Option<(usize, f64)> {
        let base = base - self.row_price[row];
        let mut best = None;
        let mut best_cost = f64::INFINITY;
        for (place, &column) in self.open.iter().enumerate() {
            let through = base + costs.at(row, column) - self.column_price[column];
            if through < self.path_cost[column] {
                self.path_cost[column] = through;
                self.path_from[column] = row;
            }
            let cost = self.path_cost[column];
            // Among equally cheap columns a free one ends the search at once.
            if cost < best_cost || (cost == best_cost && self.column_partner[column] == NONE) {
                best_cost = cost;
                best = Some(place);
            }
        }
        best.map(|place| (place, best_cost))
    }

    fn update_prices(&mut self, costs: &Costs<'_>, start: usize, cheapest: f64) {
        self.row_price[start] += cheapest;
        for row in 0..costs.rows {
            if row != start && self.row_reached[row] {
                self.row_price[row] += cheapest - self.path_cost[self.row_partner[row]];
            }
        }
        for column in 0..costs.columns {
            if self.column_done[column] {
                self.column_price[column] -= cheapest - self.path_cost[column];
            }
        }
    }

    /// Flips the path that ends in `column`.
    fn augment(&mut self, start: usize, mut column: usize) {
        loop {
            let row = self.path_from[column];
            self.column_partner[column] = row;
            core::mem::swap(&mut self.row_partner[row], &mut column);
            if row == start {
                return;
            }
        }
    }

    /// Writes the feasible pairs by source.
    fn collect(&mut self, costs: &Costs<'_>, sources_are_rows: bool, sources: usize) {
        self.matches.resize(sources, NONE);
        for (row, &column) in self.row_partner[..costs.rows].iter().enumerate() {
            if column != NONE && costs.at(row, column) != costs.infeasible {
                let (source, destination) = if sources_are_rows { (row, column) } else { (column, row) };
                self.matches[source] = destination;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn solve(scores: &[f32], sources: usize, destinations: usize) -> Vec<(usize, usize)> {
        Assigner::new(8).solve(scores, sources, destinations).collect()
    }

    /// Tries everything: the largest number of feasible pairs, and the largest sum with that number.
    fn best_naive(scores: &[f32], sources: usize, destinations: usize) -> (usize, f64) {
        fn go(scores: &[f32], row: usize, sources: usize, columns: usize, used: u32) -> (usize, f64) {
            if row == sources {
                return (0, 0.0);
            }
            let mut best = go(scores, row + 1, sources, columns, used);
            for column in (0..columns).filter(|c| used & (1 << c) == 0) {
                let score = scores[row * columns + column];
                if score.is_finite() {
                    let (n, sum) = go(scores, row + 1, sources, columns, used | (1 << column));
                    let candidate = (n + 1, sum + f64::from(score));
                    if candidate > best {
                        best = candidate;
                    }
                }
            }
            best
        }
        go(scores, 0, sources, destinations, 0)
    }

    #[test]
    fn the_sum_counts_and_not_the_greatest() {
        // Taking 0.9 first would leave 0.1.
        assert_eq!(solve(&[0.9, 0.8, 0.8, 0.1], 2, 2), [(0, 1), (1, 0)]);
        assert_eq!(solve(&[0.1, 0.9, 0.5], 1, 3), [(0, 1)]);
        assert_eq!(solve(&[0.1, 0.9, 0.5], 3, 1), [(1, 0)]);
    }

    #[test]
    fn empty_sides_give_nothing() {
        assert_eq!(solve(&[], 0, 0), []);
        assert_eq!(solve(&[], 0, 3), []);
        assert_eq!(solve(&[], 3, 0), []);
    }

    #[test]
    fn infeasible_pairs_are_dropped_and_never_an_error() {
        const INF: f32 = f32::NEG_INFINITY;
        assert_eq!(solve(&[f32::NAN], 1, 1), []);
        assert_eq!(solve(&[INF; 6], 2, 3), []);
        // A low feasible pair is worth more than none: SciPy's rule where it does not fail.
        assert_eq!(solve(&[0.9, -5.0, 0.8, INF], 2, 2), [(0, 1), (1, 0)]);
        assert_eq!(solve(&[0.9, INF, 0.8, INF], 2, 2), [(0, 0)]);
    }

    #[test]
    fn what_was_not_planned_gives_no_pairs() {
        assert_eq!(Assigner::new(1).solve(&[1.0; 4], 2, 2).count(), 0);
        assert_eq!(Assigner::new(4).solve(&[1.0; 3], 2, 2).count(), 0);
    }

    proptest! {
        #[test]
        fn assignment_agrees_with_trying_everything(
            sources in 0_usize..7,
            destinations in 0_usize..7,
            scores in prop::collection::vec(prop_oneof![4 => -2.0_f32..2.0, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)], 36),
        ) {
            let scores = &scores[..sources * destinations];
            let pairs = solve(scores, sources, destinations);
            prop_assert!(pairs.windows(2).all(|w| w[0].0 < w[1].0));
            let used = pairs.iter().fold(0_u32, |m, p| m | (1 << p.1));
            prop_assert_eq!(used.count_ones() as usize, pairs.len());
            let sum: f64 = pairs.iter().map(|p| f64::from(scores[p.0 * destinations + p.1])).sum();
            let (count, best) = best_naive(scores, sources, destinations);
            prop_assert_eq!(pairs.len(), count);
            prop_assert!((sum - best).abs() < 1e-6, "{} instead of {}", sum, best);
        }

        /// Too large to try everything, but the prices prove the optimum: no pair is cheaper than its two prices, matched
        /// pairs cost exactly that, and what is unmatched has price 0 (linear programming duality).
        #[test]
        fn prices_prove_large_assignments(
            sources in 1_usize..40,
            destinations in 1_usize..40,
            scores in prop::collection::vec(prop_oneof![9 => -2.0_f32..2.0, 1 => Just(f32::NAN), 2 => Just(0.5)], 1600),
        ) {
            let scores = &scores[..sources * destinations];
            let mut assigner = Assigner::new(40);
            let _ = assigner.solve(scores, sources, destinations);
            let costs = Costs::new(scores, sources, destinations);
            for row in 0..costs.rows {
                for column in 0..costs.columns {
                    let slack = costs.at(row, column) - assigner.row_price[row] - assigner.column_price[column];
                    prop_assert!(slack > -1e-9);
                    prop_assert!(assigner.row_partner[row] != column || slack < 1e-9);
                }
                prop_assert!(assigner.row_partner[row] < costs.columns);
            }
            for column in 0..costs.columns {
                let (partner, price) = (assigner.column_partner[column], assigner.column_price[column]);
                let consistent = if partner == NONE { price == 0.0 } else { assigner.row_partner[partner] == column };
                prop_assert!(consistent);
            }
        }

        #[test]
        fn any_values_are_survived(scores in prop::collection::vec(prop::num::f32::ANY, 30)) {
            prop_assert!(solve(&scores, 5, 6).len() <= 5);
        }
    }
}
