//! Findings and notes on a config, for people.

use tripline_config::Remark;

use super::print::say;

/// Says each with its line of the config, which messages call `file`, and with its hint.
pub fn say_all(kind: &str, file: &str, remarks: &[Remark]) {
    for Remark { line, text, hint } in remarks {
        let place = line.map_or_else(String::new, |line| format!("{file}:{line}: "));
        say(&format!("{kind}: {place}{text}"));
        if let Some(hint) = hint {
            say(&format!("  hint: {hint}"));
        }
    }
}
