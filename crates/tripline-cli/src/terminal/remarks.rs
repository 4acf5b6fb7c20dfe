//! What is to be known of something, each with what helps.

use tripline_config::Remark;

use super::print::say;

/// Says each of a kind: `finding`, `note`.
pub fn tell(kind: &str, remarks: &[Remark]) {
    for Remark { text, hint } in remarks {
        say(&format!("{kind}: {text}"));
        if let Some(hint) = hint {
            say(&format!("  hint: {hint}"));
        }
    }
}
