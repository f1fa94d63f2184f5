//! The network: a plan of layers built from a small configuration, and its weights.

pub mod cost;
pub mod direct;
pub mod fitted;
pub mod hard_keypoints;
pub mod init;
pub mod plan;
pub mod pose_net;
pub mod receptive_field;
pub mod transfer;
pub mod unet;
pub mod upsample;

pub use cost::{forward_flops, parameter_count};
pub use fitted::fit_to_images;
pub use hard_keypoints::HardKeypoints;
pub use init::Init;
pub use plan::{Node, Op, ParamShape, Plan};
pub use pose_net::{Layer, PoseNet};
pub use receptive_field::receptive_field_px;
pub use unet::{HeadSpec, PoseNetConfig, UnetConfig, Upsampling};
