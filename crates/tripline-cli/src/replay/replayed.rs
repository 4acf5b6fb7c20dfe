//! What came of a replay, before it is said.

use tripline::stop::StopMode;
use tripline_simulation::replay::{RecordedRollout, Replay};
use tripline_simulation::simulation::Record;

/// What came of a replay.
pub struct Replayed {
    /// The recording, as messages call it.
    pub file: String,
    /// The config, as messages call it.
    pub config: String,
    pub mode: StopMode,
    /// Lines that are not blank.
    pub lines: u64,
    /// Those of which nothing could be made.
    pub malformed: u64,
    pub rollout: RecordedRollout,
    pub replay: Replay,
    /// The rollout by the minute, for pictures.
    pub record: Record,
}
