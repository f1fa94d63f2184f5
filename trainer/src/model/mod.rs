//! The network: a plan of layers built from a small configuration, and its weights.

pub mod backbone;
pub mod compact;
pub mod cost;
pub mod direct;
pub mod fitted;
pub mod hard_keypoints;
pub mod head;
pub mod init;
pub mod network;
pub mod plan;
pub mod pose_net;
pub mod receptive_field;
pub mod transfer;
pub mod unet;
pub mod upsample;

pub use backbone::{Backbone, Upsampling};
pub use compact::{CompactConfig, Skip};
pub use cost::{forward_flops, parameter_count};
pub use fitted::fit_to_images;
pub use hard_keypoints::HardKeypoints;
pub use head::HeadSpec;
pub use init::Init;
pub use network::PoseNetConfig;
pub use plan::{Filter, Node, Op, ParamShape, Plan, Role};
pub use pose_net::{Layer, PoseNet};
pub use receptive_field::receptive_field_px;
pub use unet::UnetConfig;
