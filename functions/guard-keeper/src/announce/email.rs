//! The e-mail that names rollouts that need attention.

use std::collections::BTreeMap;
use std::fmt::Write;

use tripline::announcement::MAX_SUBJECT;
use tripline::job::JobId;
use tripline::text::clean;

use crate::finding::Finding;

/// Most rollouts that are named in one e-mail.
pub const MAX_NAMED: usize = 20;
/// Most characters of what is said of one case.
const MAX_SENTENCE: usize = 400;

/// Subject and body.
pub fn email(stack: &str, findings: &[&Finding]) -> (String, String) {
    let mut by_job: BTreeMap<&JobId, Vec<&str>> = BTreeMap::new();
    for finding in findings {
        by_job.entry(&finding.job).or_default().push(&finding.text);
    }
    let subject = match by_job.first_key_value() {
        Some((job, _)) if by_job.len() == 1 => format!("Tripline: rollout {job} needs attention"),
        _ => format!("Tripline: {} rollouts need attention", by_job.len()),
    };
    let mut body = format!("{subject}.\n\n");
    for (job, sentences) in by_job.iter().take(MAX_NAMED) {
        // Writing to a string does not fail.
        let _ = writeln!(body, "{job}");
        for sentence in sentences {
            let _ = writeln!(body, "  {}", clean(sentence, MAX_SENTENCE));
        }
        let _ = writeln!(body, "  Check it: tripline doctor --job-id {job}\n");
    }
    let more = by_job.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        let _ = writeln!(body, "And {more} more: the log of the guard-keeper names rollouts.\n");
    }
    let _ = write!(
        body,
        "Each case of a rollout is announced once, and again if it comes back an hour later or more.\n\
         From the guard-keeper of the stack {}.\n",
        clean(stack, 128)
    );
    (clean(&subject, MAX_SUBJECT), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(job: &str, text: &str) -> Finding {
        Finding::new(&JobId::new(job).unwrap(), "overdue", text.to_owned())
    }

    #[test]
    fn one_rollout_is_in_the_subject_and_each_case_on_a_line() {
        let findings = [finding("fw-2", "Not guarded."), finding("fw-2", "Two\nlines\u{202e}.")];
        let (subject, body) = email("prod", &findings.iter().collect::<Vec<_>>());
        assert_eq!(subject, "Tripline: rollout fw-2 needs attention");
        assert_eq!(
            body,
            "Tripline: rollout fw-2 needs attention.\n\nfw-2\n  Not guarded.\n  Two?lines?.\n  Check it: tripline doctor --job-id fw-2\n\nEach case of a rollout is announced once, and again if it comes back an hour later or more.\nFrom the guard-keeper of the stack prod.\n"
        );
    }

    #[test]
    fn many_are_counted_and_the_email_fits_a_message() {
        let findings: Vec<Finding> =
            (0..500).map(|n| finding(&format!("{n:x<64}"), &"é".repeat(9_000))).collect();
        let (subject, body) = email(&"x".repeat(300), &findings.iter().collect::<Vec<_>>());
        assert_eq!(subject, "Tripline: 500 rollouts need attention");
        assert!(body.contains("\nAnd 480 more: "), "{body}");
        // What SNS takes is 262,144 bytes.
        assert!(body.len() < 100_000, "{}", body.len());
        let (one, _) = email("prod", &[&findings[0]]);
        assert!(one.is_ascii() && one.len() <= MAX_SUBJECT, "{one}");
    }
}
