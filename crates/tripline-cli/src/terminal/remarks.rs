//! Findings and notes on a config, for people.

use tripline::diagnostic::Diagnostic;
use tripline_config::Remark;

use super::print::say;

/// Says each with its line of the config, which messages call `file`, and with its hint.
pub fn say_all(kind: &str, file: &str, remarks: &[Remark]) {
    for Remark { line, text, hint } in remarks {
        let mut remark = Diagnostic::new(text);
        if line.is_some() {
            remark = remark.in_file(file, *line);
        }
        if let Some(hint) = hint {
            remark = remark.with_hint(hint);
        }
        say(&remark.labeled(kind));
    }
}
