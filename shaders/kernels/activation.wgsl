// What stands before every kernel that ends in an activation. The function is chosen when the pipeline is made.

// 0 none, 1 ReLU, 2 leaky ReLU (slope `low`), 3 clip (`low` to `high`), 4 sigmoid, 5 hard swish, 6 SiLU.
override ACTIVATION: u32 = 0u;

fn activate(x: vec4<f32>, low: f32, high: f32) -> vec4<f32> {
    switch ACTIVATION {
        case 1u: { return max(x, vec4<f32>(0.0)); }
        case 2u: { return select(x, low * x, x < vec4<f32>(0.0)); }
        case 3u: { return clamp(x, vec4<f32>(low), vec4<f32>(high)); }
        case 4u: { return 1.0 / (1.0 + exp(-x)); }
        case 5u: { return x * clamp(x / 6.0 + 0.5, vec4<f32>(0.0), vec4<f32>(1.0)); }
        case 6u: { return x / (1.0 + exp(-x)); }
        default: { return x; }
    }
}
