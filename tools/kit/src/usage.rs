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
    let status = Status::of(pid)?;
    Some((status.bytes("VmRSS:")?, status.bytes("VmHWM:")?))
}

/// The same of what a process has allocated, without its program's own pages, which grow with the program and are no allocation.
pub fn allocated_by(pid: u32) -> Option<(u64, u64)> {
    let status = Status::of(pid)?;
    let of_files = status.bytes("RssFile:")?;
    Some((status.bytes("RssAnon:")?, status.bytes("VmHWM:")?.saturating_sub(of_files)))
}

/// What Linux tells of a process, a line each.
struct Status(String);

impl Status {
    fn of(pid: u32) -> Option<Self> {
        fs::read_to_string(format!("/proc/{pid}/status")).ok().map(Self)
    }

    fn bytes(&self, name: &str) -> Option<u64> {
        let line = self.0.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kb| kb * 1_024)
    }
}
