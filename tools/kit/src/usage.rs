//! What a process has used so far, as Linux tells it; elsewhere nothing is known.

use std::{fs, time::Duration};

/// Linux counts in these, for user space always (`man 5 proc`, `USER_HZ`).
const TICKS_PER_SECOND: u64 = 100;

/// CPU time of a process with all its threads, in user space and in the kernel.
pub fn cpu_of(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets, and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let user: u64 = fields.nth(11)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1_000 / TICKS_PER_SECOND))
}

/// Memory that a process has in RAM now, and the most that it ever had, in bytes.
pub fn memory_of(pid: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kb| kb * 1_024)
    };
    Some((bytes("VmRSS:")?, bytes("VmHWM:")?))
}
