//! Findings and notes on a config, for people.

use tripline_config::Remark;

use super::print::say;

/// Says each, with its hint.
pub fn say_all(kind: &str, remarks: &[Remark]) {
    for Remark { text, hint } in remarks {
        say(&format!("{kind}: {text}"));
        if let Some(hint) = hint {
            say(&format!("  hint: {hint}"));
        }
    }
}
