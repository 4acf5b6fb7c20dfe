//! What this thread and this process have used, as Linux counts it.

use std::fs;
use std::time::Duration;

/// CPU time of this thread: what others do on this machine does not count.
pub(super) fn cpu_time() -> Duration {
    const FILE: &str = "/proc/thread-self/schedstat";
    let text = fs::read_to_string(FILE).unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    // Without it no run would end, and nothing would be slow.
    Duration::from_nanos(
        nanoseconds.unwrap_or_else(|| panic!("{FILE}: this kernel does not count CPU time")),
    )
}

/// The most memory that this process ever had, in bytes.
pub(super) fn peak_memory() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1_024
}
