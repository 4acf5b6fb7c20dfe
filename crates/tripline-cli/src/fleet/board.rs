//! The counts of a run: who ended how, while it runs and as the summary.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::aws::job_side::DeviceOutcome;

/// How a device's part in the run ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DeviceEnding {
    Reported(DeviceOutcome, f64),
    /// The execution ended under the device: canceled with force, timed out, or removed.
    Canceled,
    /// The rollout, or the device's part of it, had ended before the device took it.
    Spared,
}

/// How a run of simulated devices ended.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoardData {
    job_id: String,
    /// The job's state, as AWS IoT has it.
    state: String,
    /// What all that was drawn follows from.
    seed: u64,
    devices: usize,
    succeeded: usize,
    failed: usize,
    rejected: usize,
    /// Took the job and never answered.
    silent: usize,
    /// The rollout ended while they downloaded.
    canceled: usize,
    /// The rollout had ended before they took it.
    spared: usize,
    /// Not decided in the time given.
    open: usize,
    download_time: DownloadTimes,
}

/// Seconds.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct DownloadTimes {
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
}

/// The counts of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Board {
    pub devices: usize,
    pub seed: u64,
    /// Have taken the job and are not done.
    pub busy: usize,
    pub succeeded: usize,
    pub failed: usize,
    pub rejected: usize,
    pub silent: usize,
    pub canceled: usize,
    pub spared: usize,
    /// Download times of the devices that reported one, in seconds.
    times: Vec<f64>,
}

impl Board {
    pub fn new(devices: usize, seed: u64) -> Self {
        Self { devices, seed, ..Self::default() }
    }

    pub fn record(&mut self, ending: DeviceEnding) {
        match ending {
            DeviceEnding::Reported(outcome, time) => {
                if matches!(outcome, DeviceOutcome::Succeeded | DeviceOutcome::Failed) {
                    self.times.push(time);
                }
                *match outcome {
                    DeviceOutcome::Succeeded => &mut self.succeeded,
                    DeviceOutcome::Failed => &mut self.failed,
                    DeviceOutcome::Rejected => &mut self.rejected,
                    DeviceOutcome::Silent => &mut self.silent,
                } += 1;
            }
            DeviceEnding::Canceled => self.canceled += 1,
            DeviceEnding::Spared => self.spared += 1,
        }
    }

    pub fn reported(&self) -> usize {
        self.succeeded + self.failed + self.rejected
    }

    /// Devices without an ending.
    pub fn open(&self) -> usize {
        self.devices.saturating_sub(self.reported() + self.silent + self.canceled + self.spared)
    }

    /// The download time that `percent` of those who reported did not exceed (nearest rank).
    fn percentile(&self, percent: usize) -> Option<f64> {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        let rank = (times.len() * percent).div_ceil(100);
        times.get(rank.saturating_sub(1)).copied()
    }

    pub fn data(&self, job_id: &str, state: &str) -> BoardData {
        BoardData {
            job_id: job_id.to_owned(),
            state: state.to_owned(),
            seed: self.seed,
            devices: self.devices,
            succeeded: self.succeeded,
            failed: self.failed,
            rejected: self.rejected,
            silent: self.silent,
            canceled: self.canceled,
            spared: self.spared,
            open: self.open(),
            download_time: DownloadTimes {
                p50: self.percentile(50),
                p90: self.percentile(90),
                p99: self.percentile(99),
            },
        }
    }

    pub fn text(&self, job_id: &str, status: &str) -> String {
        let rows = [
            ("devices", self.devices, ""),
            ("succeeded", self.succeeded, ""),
            ("failed", self.failed, ""),
            ("rejected", self.rejected, ""),
            ("silent", self.silent, "took it and never answered"),
            ("canceled", self.canceled, "the rollout ended while they downloaded"),
            ("spared", self.spared, "it had ended before they took it"),
            ("open", self.open(), "not decided in the time given"),
        ];
        let mut text = format!("rollout {job_id}: {status}\n");
        for (name, count, note) in rows {
            if count > 0 || note.is_empty() {
                text.push_str(format!("  {name:<10}{count:>8}  {note}").trim_end());
                text.push('\n');
            }
        }
        if let (Some(p50), Some(p90), Some(p99)) =
            (self.percentile(50), self.percentile(90), self.percentile(99))
        {
            text.push_str(&format!(
                "  download time: p50 {p50:.1} s, p90 {p90:.1} s, p99 {p99:.1} s\n"
            ));
        }
        text.push_str(&format!("  seed {}", self.seed));
        text
    }
}

/// One line while it runs.
impl fmt::Display for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} reported, {} downloading", self.reported(), self.devices, self.busy)?;
        for (name, count) in
            [("failed", self.failed), ("rejected", self.rejected), ("silent", self.silent)]
        {
            if count > 0 {
                write!(f, ", {count} {name}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document::document;

    fn board() -> Board {
        let mut board = Board::new(10, 42);
        for time in [10.0, 30.0, 20.0] {
            board.record(DeviceEnding::Reported(DeviceOutcome::Succeeded, time));
        }
        board.record(DeviceEnding::Reported(DeviceOutcome::Rejected, 99.0));
        board.record(DeviceEnding::Reported(DeviceOutcome::Silent, 99.0));
        board.record(DeviceEnding::Canceled);
        board.record(DeviceEnding::Spared);
        board
    }

    #[test]
    fn only_devices_that_reported_a_time_count_for_it() {
        let board = board();
        assert_eq!(board.percentile(50), Some(20.0));
        assert_eq!(board.percentile(90), Some(30.0));
        assert_eq!(Board::new(3, 1).percentile(50), None);
    }

    #[test]
    fn the_summary_leaves_out_what_did_not_happen() {
        insta::assert_snapshot!(board().text("fw-2", "CANCELED"), @r"
        rollout fw-2: CANCELED
          devices         10
          succeeded        3
          failed           0
          rejected         1
          silent           1  took it and never answered
          canceled         1  the rollout ended while they downloaded
          spared           1  it had ended before they took it
          open             3  not decided in the time given
          download time: p50 20.0 s, p90 30.0 s, p99 30.0 s
          seed 42
        ");
    }

    #[test]
    fn the_same_summary_is_data() {
        let json = document(&board().data("fw-2", "CANCELED"));
        assert_eq!(json["spared"], 1);
        assert_eq!(json["open"], 3);
        assert_eq!(json["downloadTime"]["p90"], 30.0);
        assert_eq!(Board::new(1, 1).data("a", "b").download_time.p50, None);
    }
}
