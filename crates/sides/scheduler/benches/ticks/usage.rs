//! What a process costs, as Linux counts it.

use std::{fs, time::Instant};

/// Linux counts CPU time in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

pub(crate) struct Meter {
    pid: u32,
    begun: Instant,
    cpu: f64,
}

pub(crate) struct Usage {
    /// Cores.
    pub(crate) cpu: f64,
    pub(crate) mib: f64,
}

impl Meter {
    pub(crate) fn start(pid: u32) -> Self {
        Self { pid, begun: Instant::now(), cpu: cpu_seconds(pid) }
    }

    pub(crate) fn stop(&self) -> Usage {
        let cpu = (cpu_seconds(self.pid) - self.cpu) / self.begun.elapsed().as_secs_f64();
        Usage { cpu, mib: resident_kb(self.pid) / 1024.0 }
    }
}

fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
    let mut fields = fields.split_whitespace().skip(11).map(|field| field.parse::<f64>().unwrap_or(0.0));
    (fields.next().unwrap_or(0.0) + fields.next().unwrap_or(0.0)) / TICKS_PER_SECOND
}

fn resident_kb(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
