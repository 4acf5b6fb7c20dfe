//! Whether a config's alarms may be deployed as they are.

use tripline::alarm::AlarmDefinition;

use super::notes;
use crate::exit::Error;

/// What a config without alarms lacks, and what there is to do.
pub const NO_ALARMS: (&str, &str) = (
    "no alarms, so that only the stack's default guard would guard the rollout",
    "name alarms in `alarmList` of `[ALARM_CONFIG]`, declare limits in `[EVIDENCE_CONFIG]`, or accept it with `--default-guard`",
);

/// A config that guards by nothing has to be meant: the default guard knows nothing of this firmware.
pub fn check_alarms(file: &str, has_guard: bool, default_guard: bool) -> Result<(), Error> {
    if has_guard || default_guard {
        return Ok(());
    }
    let (fault, hint) = NO_ALARMS;
    Err(Error::in_file(file, fault).hint(hint))
}

/// So does one whose alarms can stop nothing, whatever the stack.
pub fn check_stops(file: &str, alarms: &[AlarmDefinition], alert_only: bool) -> Result<(), Error> {
    if alarms.is_empty() || alert_only || alarms.iter().any(notes::may_stop) {
        return Ok(());
    }
    Err(Error::input(notes::only_alerts().in_file(file, None)))
}
