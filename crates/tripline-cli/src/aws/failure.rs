//! Failures that say more than AWS does.

use tripline_aws::Failure;

/// A failure that says more. What it hints at itself comes last.
pub fn with(failure: &Failure, more: &str) -> Failure {
    let text = failure.to_string();
    let detail = text.strip_prefix(failure.operation).and_then(|text| text.strip_prefix(": "));
    let (detail, hint) = match detail.unwrap_or(&text).split_once("\n\n  hint: ") {
        Some((detail, hint)) => (detail, format!("\n  hint: {hint}")),
        None => (detail.unwrap_or(&text), String::new()),
    };
    Failure::new(failure.operation, failure.kind, format!("{detail}{more}{hint}"))
}

#[cfg(test)]
mod tests {
    use tripline_aws::FailureKind;

    use super::*;

    #[test]
    fn what_to_do_comes_after_what_happened() {
        let failure =
            Failure::new("DeleteAlarms", FailureKind::Unavailable, "lost\n\n  hint: look");
        assert_eq!(
            with(&failure, "\n  not removed: `a`\n\n  hint: run the command again").to_string(),
            "DeleteAlarms: lost\n  not removed: `a`\n\n  hint: run the command again\n  hint: look"
        );
    }
}
