//! What is known about an adapter, and errors that name it.

use crate::error::{Error, Text};
use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;
use wgpu::DeviceType;

/// What is known about an adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdapterReport {
    /// Name of the device.
    pub name: String,
    /// Driver and its version.
    pub driver: String,
    /// Vulkan, Metal or DX12.
    pub api: &'static str,
    /// Whether it computes on the CPU, so that its times say nothing about a GPU.
    pub software: bool,
}

impl AdapterReport {
    pub(super) fn of(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let driver = format!("{} {}", info.driver, info.driver_info).trim().to_string();
        Self { name: info.name, driver, api: info.backend.to_str(), software: info.device_type == DeviceType::Cpu }
    }

    /// An error that names the adapter and its driver.
    pub(super) fn refused(&self, what: &'static str) -> Error {
        Error::Gpu { adapter: self.text(), what }
    }

    /// The first limit by wgpu's name, of what is needed and what the device has, that is too low.
    pub(super) fn check(&self, limits: &[(&'static str, u64, u64)]) -> Result<(), Error> {
        match limits.iter().find(|(_, needed, has)| needed > has) {
            Some(&(limit, needed, has)) => Err(Error::GpuLimit { adapter: self.text(), limit, needed, has }),
            None => Ok(()),
        }
    }

    fn text<const N: usize>(&self) -> Text<N> {
        Text::new(&format!("{} ({})", self.name, self.driver))
    }
}

impl fmt::Display for AdapterReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.software { "SOFTWARE, not a GPU: " } else { "" };
        write!(f, "{kind}{}, driver {}, {}", self.name, self.driver, self.api)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_limit_is_named_with_both_numbers() {
        let report = AdapterReport { name: "Tiny".into(), driver: "v1".into(), api: "vulkan", software: false };
        assert_eq!(report.check(&[("max_buffer_size", 7, 7)]), Ok(()));
        let error =
            report.check(&[("max_buffer_size", 7, 7), ("max_storage_buffer_binding_size", 9, 8)]).map_err(|e| e.to_string());
        let text = "GPU Tiny (v1) is too small: max_storage_buffer_binding_size must be at least 9, it is 8";
        assert_eq!(error, Err(text.to_string()));
    }
}
