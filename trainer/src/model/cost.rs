//! What a network costs.

use super::plan::{Op, Plan};

/// Trainable numbers, weights and biases.
pub fn parameter_count(plan: &Plan) -> usize {
    plan.params.iter().map(|p| p.weight_len() + p.channels_out).sum()
}

/// Floating-point operations of the convolutions for one image of `width_px` x `height_px`; a multiply-add counts as two.
/// A training step costs about three times as much per image.
pub fn forward_flops(plan: &Plan, width_px: usize, height_px: usize) -> u64 {
    let side = |px: usize, stride: usize| px.checked_div(stride).unwrap_or(1) as u64;
    let cells = |stride: usize| side(width_px, stride) * side(height_px, stride);
    plan.nodes
        .iter()
        .map(|node| match node.op {
            Op::Conv { param, .. } => 2 * plan.params[param].weight_len() as u64 * cells(node.stride_px),
            // Every input cell is multiplied with the whole kernel.
            Op::Transposed { param, .. } => 2 * plan.params[param].weight_len() as u64 * cells(node.stride_px * 2),
            _ => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Role;

    #[test]
    fn hand_counted() {
        let mut plan = Plan::new(1);
        let conv = plan.conv("a".into(), 0, 4, 3, Role::Relu);
        let pool = plan.max_pool("b".into(), conv);
        plan.conv("c".into(), pool, 2, 1, Role::Head);
        let whole = plan.global_max("d".into(), pool);
        plan.conv("e".into(), whole, 3, 1, Role::Head);
        assert_eq!(parameter_count(&plan), 36 + 4 + 8 + 2 + 12 + 3);
        assert_eq!(forward_flops(&plan, 8, 4), 2 * 36 * 32 + 2 * 8 * 8 + 2 * 12);
        plan.depthwise("f".into(), pool, 5, Role::Linear);
        assert_eq!(parameter_count(&plan), 65 + 4 * 25 + 4, "one kernel per channel");
        assert_eq!(forward_flops(&plan, 8, 4), 2456 + 2 * 4 * 25 * 8);
    }
}
