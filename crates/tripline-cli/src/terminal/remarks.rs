//! Findings and notes on a config, for people.

use tripline::diagnostic::Diagnostic;
use tripline_config::Remark;

use super::print::say;

/// Says each, with its hint.
pub fn say_all(kind: &str, remarks: &[Remark]) {
    for Remark { text, hint } in remarks {
        let remark = Diagnostic::new(text);
        let remark = match hint {
            Some(hint) => remark.with_hint(hint),
            None => remark,
        };
        say(&remark.labeled(kind));
    }
}
