//! A network as a list of steps, which forward pass, gradients, export and cost estimates all walk.

/// One step. Inputs are indices into [`Plan::nodes`], always smaller than the step's own index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// The image; always node 0.
    Input,
    /// Convolution with stride 1, zero padding that keeps the size, bias, and a ReLU if asked; of every channel on its own where
    /// [`ParamShape::groups`] says so.
    Conv {
        /// Input node.
        input: usize,
        /// Index into [`Plan::params`].
        param: usize,
        /// Whether negative results become 0.
        relu: bool,
    },
    /// Transposed 3x3 convolution with stride 2 and ReLU. Output sides are doubled; the extra row and column at the end
    /// are cut, as Keras does for `same` padding.
    Transposed {
        /// Input node.
        input: usize,
        /// Index into [`Plan::params`].
        param: usize,
    },
    /// Maximum over 2x2 cells with stride 2.
    MaxPool {
        /// Input node.
        input: usize,
    },
    /// Doubling of both sides without weights.
    Upsample {
        /// Input node.
        input: usize,
        /// Where the new cells come from.
        filter: Filter,
    },
    /// Sum of two maps of the same shape.
    Add {
        /// One node.
        first: usize,
        /// The other node.
        second: usize,
    },
    /// Channels of `first`, then those of `second`.
    Concat {
        /// Node whose channels come first.
        first: usize,
        /// Node whose channels follow.
        second: usize,
    },
    /// Maximum over all cells of a map, which leaves one cell.
    GlobalMax {
        /// Input node.
        input: usize,
    },
    /// 1 / (1 + exp(-x)) of every number.
    Sigmoid {
        /// Input node.
        input: usize,
    },
    /// exp(x) over the sum of exp over all channels of the same cell.
    Softmax {
        /// Input node.
        input: usize,
    },
}

/// How a map without weights is doubled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Every cell four times.
    Nearest,
    /// Between the nearest cells, with half-pixel centres.
    Bilinear,
}

/// What a convolution's result is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Negative results become 0.
    Relu,
    /// It stays as it is, inside the network.
    Linear,
    /// It is an output of the network, or what a sigmoid or softmax makes one of.
    Head,
}

impl Op {
    /// Whether negative results become 0.
    pub const fn has_relu(self) -> bool {
        matches!(self, Self::Conv { relu: true, .. } | Self::Transposed { .. })
    }
}

/// A step with what it yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Unique name; SLEAP's layer names where SLEAP has such a layer.
    pub name: String,
    /// What is done.
    pub op: Op,
    /// Channels of the result.
    pub channels: usize,
    /// Input pixels per cell of the result; 0 where one cell stands for the whole image.
    pub stride_px: usize,
}

/// Shape of a convolution's weights. Every one also has a bias of `channels_out`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamShape {
    /// Name of the node that uses it.
    pub name: String,
    /// Channels read.
    pub channels_in: usize,
    /// Channels written.
    pub channels_out: usize,
    /// 1, or the number of channels where each is convolved on its own (a depthwise convolution, which keeps their number).
    pub groups: usize,
    /// Kernel side in cells.
    pub kernel: usize,
    /// Whether it is a transposed convolution: weights are `[in, out, k, k]` then, and `[out, in / groups, k, k]` otherwise.
    pub transposed: bool,
    /// What its result is for.
    pub role: Role,
}

impl ParamShape {
    /// Shape of the weight tensor.
    pub fn weight_dims(&self) -> [usize; 4] {
        let [first, second] = match self.transposed {
            true => [self.channels_in, self.channels_out],
            false => [self.channels_out, self.fan_in_channels()],
        };
        [first, second, self.kernel, self.kernel]
    }

    /// Number of weights without the bias.
    pub fn weight_len(&self) -> usize {
        self.fan_in_channels() * self.channels_out * self.kernel * self.kernel
    }

    /// Channels that one result is summed from.
    pub fn fan_in_channels(&self) -> usize {
        self.channels_in / self.groups.max(1)
    }

    /// Channels of which one number of the input becomes part.
    pub fn fan_out_channels(&self) -> usize {
        self.channels_out / self.groups.max(1)
    }
}

/// The whole network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Steps in order of execution.
    pub nodes: Vec<Node>,
    /// Weights in order of first use.
    pub params: Vec<ParamShape>,
    /// Nodes that are the network's outputs, in head order.
    pub outputs: Vec<usize>,
}

impl Plan {
    /// A plan that holds only the image.
    pub fn new(channels: usize) -> Self {
        let image = Node { name: "image".into(), op: Op::Input, channels, stride_px: 1 };
        Self { nodes: vec![image], ..Self::default() }
    }

    /// Appends a convolution and returns its node.
    pub fn conv(&mut self, name: String, input: usize, channels_out: usize, kernel: usize, role: Role) -> usize {
        self.grouped(name, input, [channels_out, 1], kernel, role)
    }

    /// Appends a convolution of every channel on its own and returns its node.
    pub fn depthwise(&mut self, name: String, input: usize, kernel: usize, role: Role) -> usize {
        let channels = self.nodes[input].channels;
        self.grouped(name, input, [channels; 2], kernel, role)
    }

    fn grouped(&mut self, name: String, input: usize, out_groups: [usize; 2], kernel: usize, role: Role) -> usize {
        let ([channels_out, groups], stride_px) = (out_groups, self.nodes[input].stride_px);
        let channels_in = self.nodes[input].channels;
        let shape = ParamShape { name: name.clone(), channels_in, channels_out, groups, kernel, transposed: false, role };
        let param = self.param(shape);
        self.push(name, Op::Conv { input, param, relu: role == Role::Relu }, channels_out, stride_px)
    }

    /// Appends a transposed convolution and returns its node.
    pub fn transposed(&mut self, name: String, input: usize, channels_out: usize) -> usize {
        let (channels_in, stride_px) = (self.nodes[input].channels, self.nodes[input].stride_px);
        let (groups, role) = (1, Role::Relu);
        let param =
            self.param(ParamShape { name: name.clone(), channels_in, channels_out, groups, kernel: 3, transposed: true, role });
        self.push(name, Op::Transposed { input, param }, channels_out, stride_px / 2)
    }

    /// Appends a pooling step and returns its node.
    pub fn max_pool(&mut self, name: String, input: usize) -> usize {
        let (channels, stride_px) = (self.nodes[input].channels, self.nodes[input].stride_px);
        self.push(name, Op::MaxPool { input }, channels, stride_px * 2)
    }

    /// Appends a doubling without weights and returns its node.
    pub fn upsample(&mut self, name: String, input: usize, filter: Filter) -> usize {
        let (channels, stride_px) = (self.nodes[input].channels, self.nodes[input].stride_px);
        self.push(name, Op::Upsample { input, filter }, channels, stride_px / 2)
    }

    /// Appends a sum of two maps of the same shape and returns its node.
    pub fn add(&mut self, name: String, first: usize, second: usize) -> usize {
        debug_assert_eq!(self.nodes[first].channels, self.nodes[second].channels, "{name}");
        self.push(name, Op::Add { first, second }, self.nodes[first].channels, self.nodes[first].stride_px)
    }

    /// Appends a joining of channels and returns its node.
    pub fn concat(&mut self, name: String, first: usize, second: usize) -> usize {
        let channels = self.nodes[first].channels + self.nodes[second].channels;
        let stride_px = self.nodes[first].stride_px;
        self.push(name, Op::Concat { first, second }, channels, stride_px)
    }

    /// Appends the maximum over the whole map and returns its node.
    pub fn global_max(&mut self, name: String, input: usize) -> usize {
        self.push(name, Op::GlobalMax { input }, self.nodes[input].channels, 0)
    }

    /// Appends a sigmoid and returns its node.
    pub fn sigmoid(&mut self, name: String, input: usize) -> usize {
        self.push(name, Op::Sigmoid { input }, self.nodes[input].channels, self.nodes[input].stride_px)
    }

    /// Appends a softmax over channels and returns its node.
    pub fn softmax(&mut self, name: String, input: usize) -> usize {
        self.push(name, Op::Softmax { input }, self.nodes[input].channels, self.nodes[input].stride_px)
    }

    fn push(&mut self, name: String, op: Op, channels: usize, stride_px: usize) -> usize {
        self.nodes.push(Node { name, op, channels, stride_px });
        self.nodes.len() - 1
    }

    fn param(&mut self, shape: ParamShape) -> usize {
        self.params.push(shape);
        self.params.len() - 1
    }
}
