//! The machine of a run.

use std::fs;

use serde::Serialize;

/// The machine, stated in every report because figures mean nothing without it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) cpu: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_mib: Option<u64>,
}

impl Machine {
    /// Describes this machine, as far as it can be read.
    pub(crate) fn here() -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kib = field(&memory, "MemTotal").and_then(|text| text.split(' ').next()?.parse().ok());
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: field(&cpu, "model name").unwrap_or("unknown").to_owned(),
            memory_mib: kib.map(|kib: u64| kib / 1024),
        }
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}
