//! Where the training runs.

use crate::error::{Error, Result};
use burn::tensor::Device;

/// A device from its name: `cpu`, `cuda`, `cuda:1`, `vulkan` or `vulkan:1`.
///
/// # Errors
/// [`Error::Device`] when the name is not one of these, when this program was built without that kind of device, or when the
/// machine has no such device; the message lists what is there.
pub fn parse_device(name: &str) -> Result<Device> {
    let (kind, index) = match name.split_once(':') {
        Some((kind, index)) => {
            let number = index.parse::<usize>();
            (kind, number.map_err(|_| Error::Device(format!("`{name}`: `{index}` is not a device number")))?)
        }
        None => (name, 0),
    };
    let found = match kind {
        "cpu" if index == 0 => cpu(),
        "cuda" => cuda(index)?,
        "vulkan" => vulkan(index)?,
        _ => return Err(Error::Device(format!("`{name}` is none of cpu, cuda, cuda:N, vulkan, vulkan:N"))),
    };
    found.ok_or_else(|| Error::Device(format!("`{name}` is not there; there is: {}", available().join(", "))))
}

/// Whether [`parse_device`] knows such a name, be the device there or not.
pub fn is_device_name(name: &str) -> bool {
    match name.split_once(':') {
        None => ["cpu", "cuda", "vulkan"].contains(&name),
        Some((kind, index)) => {
            let number = index.parse::<usize>();
            number.is_ok_and(|index| ["cuda", "vulkan"].contains(&kind) || (kind == "cpu" && index == 0))
        }
    }
}

/// Names of the devices that [`parse_device`] accepts here.
pub fn available() -> Vec<String> {
    let mut names = Vec::new();
    if cpu().is_some() {
        names.push("cpu".to_string());
    }
    for (kind, find) in [("cuda", cuda as fn(usize) -> Result<Option<Device>>), ("vulkan", vulkan)] {
        names.extend((0..64).take_while(|&i| matches!(find(i), Ok(Some(_)))).map(|i| format!("{kind}:{i}")));
    }
    names
}

/// Whether it is the CPU, where the hand-written gradients are used.
pub fn is_cpu(device: &Device) -> bool {
    cpu().is_some_and(|cpu| cpu == *device)
}

#[cfg(feature = "flex")]
fn cpu() -> Option<Device> {
    Some(Device::flex())
}

#[cfg(not(feature = "flex"))]
fn cpu() -> Option<Device> {
    None
}

// Devices are enumerated before one is used: using a missing one panics inside burn (0.22).
#[cfg(feature = "cuda")]
fn cuda(index: usize) -> Result<Option<Device>> {
    Ok(Device::enumerate(burn::tensor::DeviceType::Cuda).into_iter().nth(index))
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: usize) -> Result<Option<Device>> {
    Err(not_built_with("cuda"))
}

#[cfg(feature = "vulkan")]
fn vulkan(index: usize) -> Result<Option<Device>> {
    Ok(Device::enumerate(burn::tensor::DeviceType::Vulkan).into_iter().nth(index))
}

#[cfg(not(feature = "vulkan"))]
fn vulkan(_: usize) -> Result<Option<Device>> {
    Err(not_built_with("vulkan"))
}

#[cfg(not(all(feature = "cuda", feature = "vulkan")))]
fn not_built_with(feature: &str) -> Error {
    Error::Device(format!(
        "this program was built without {feature}; build it with `cargo build --release --features {feature}` or use `cpu`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_there_and_nonsense_is_refused() {
        assert!(is_cpu(&parse_device("cpu").unwrap()));
        for name in ["tpu", "cpu:1", "cuda:x", "cuda:", "vulkan:-1", ""] {
            assert!(parse_device(name).is_err() && !is_device_name(name), "{name}");
        }
        assert!(["cpu", "cpu:0", "cuda", "cuda:1", "vulkan", "vulkan:0"].iter().all(|name| is_device_name(name)));
        assert!(available().contains(&"cpu".to_string()));
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_missing_feature_is_named() {
        assert!(parse_device("cuda").unwrap_err().to_string().contains("--features cuda"));
    }
}
