//! What came of it: what was stopped, why, how many devices got it and how many were spared.

use std::fmt;

use super::rollout::{Job, Moment};
use crate::mailbox::Email;

pub struct Verdict {
    devices: u32,
    good: Moment,
    bad: Moment,
    emails: Vec<Email>,
}

impl Verdict {
    pub fn new(devices: u32, good: Moment, bad: Moment, emails: Vec<Email>) -> Self {
        Self { devices, good, bad, emails }
    }

    /// Whether the bad rollout was stopped, by its guard, and the good one was not.
    pub fn passed(&self) -> bool {
        self.faults().is_empty()
    }

    fn faults(&self) -> Vec<String> {
        let (good, bad) = (&self.good.job, &self.bad.job);
        let mut faults = Vec::new();
        if good.status != "COMPLETED" || self.good.is_alarming() {
            faults.push(format!("{} did not complete without an alarm", good.id));
        }
        if bad.status != "CANCELED" || bad.reason.as_deref() != Some("TRIPLINE_ALARM") {
            faults.push(format!("{} was not stopped by its guard", bad.id));
        }
        if self.spared() <= 0 {
            faults.push(format!("{} spared no device", bad.id));
        }
        if !self.emails.iter().any(|email| !email.is_alarm()) {
            faults.push("nobody was alerted of the stop".to_owned());
        }
        faults
    }

    fn spared(&self) -> i64 {
        i64::from(self.devices) - i64::from(self.bad.job.reached())
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (good, bad) = (&self.good.job, &self.bad.job);
        writeln!(
            f,
            "  {}: {}, {} of {} devices have it",
            good.id, good.status, good.succeeded, self.devices
        )?;
        writeln!(f, "  {}: {}{}", bad.id, bad.status, reason(bad))?;
        if let Some(comment) = &bad.comment {
            writeln!(f, "    why:    {comment}")?;
        }
        writeln!(f, "    got it: {} devices, those at work included", bad.reached())?;
        writeln!(f, "    spared: {} devices", self.spared())?;
        for email in &self.emails {
            writeln!(f, "\n  people were sent: {}", email.subject)?;
            // CloudWatch's own message is JSON for programs; its subject says what people read.
            if !email.is_alarm() {
                for line in email.text.lines() {
                    writeln!(f, "    | {line}")?;
                }
            }
        }
        writeln!(f)?;
        for fault in self.faults() {
            writeln!(f, "  FAILED: {fault}")?;
        }
        if self.passed() {
            writeln!(f, "  PASSED: the bad rollout was stopped, the good one was not")?;
            writeln!(
                f,
                "\n  Ten minutes of download took a second here. The local AWS that the mails speak of is gone."
            )?;
            writeln!(
                f,
                "  Next, on files of your own and without an AWS account: docs/getting-started.md"
            )?;
        }
        Ok(())
    }
}

fn reason(job: &Job) -> String {
    job.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(status: &str, reason: Option<&str>, succeeded: i32) -> Moment {
        let job = Job {
            id: "firmware".into(),
            status: status.into(),
            reason: reason.map(str::to_owned),
            comment: Some("alarm `slow`: 5400 above 3600".into()),
            succeeded,
            ..Job::default()
        };
        Moment { job, guards: Vec::new(), measured: succeeded }
    }

    fn email(text: &str) -> Email {
        Email { subject: "Rollout stopped".into(), text: text.into() }
    }

    fn passes(good: &str, bad: &str, reason: Option<&str>, reached: i32, text: &str) -> bool {
        let (good, bad) = (moment(good, None, 200), moment(bad, reason, reached));
        Verdict::new(200, good, bad, vec![email(text)]).passed()
    }

    #[test]
    fn passes_only_if_the_guard_stopped_the_bad_and_not_the_good() {
        let guard = Some("TRIPLINE_ALARM");
        assert!(passes("COMPLETED", "CANCELED", guard, 40, "stopped"));
        assert!(!passes("CANCELED", "CANCELED", guard, 40, "stopped"));
        assert!(!passes("COMPLETED", "COMPLETED", guard, 40, "stopped"));
        assert!(!passes("COMPLETED", "CANCELED", Some("OPERATOR"), 40, "stopped"));
        assert!(!passes("COMPLETED", "CANCELED", None, 40, "stopped"));
        assert!(!passes("COMPLETED", "CANCELED", guard, 200, "stopped"));
        assert!(!passes("COMPLETED", "CANCELED", guard, 40, r#"{"AlarmName": "slow"}"#));
    }

    #[test]
    fn says_what_was_stopped_why_and_for_whom() {
        let verdict = Verdict::new(
            200,
            moment("COMPLETED", None, 200),
            moment("CANCELED", Some("TRIPLINE_ALARM"), 40),
            vec![email("Stopped.\nTo resume: ..")],
        );
        assert_eq!(
            verdict.to_string(),
            "  firmware: COMPLETED, 200 of 200 devices have it
  firmware: CANCELED (TRIPLINE_ALARM)
    why:    alarm `slow`: 5400 above 3600
    got it: 40 devices, those at work included
    spared: 160 devices

  people were sent: Rollout stopped
    | Stopped.
    | To resume: ..

  PASSED: the bad rollout was stopped, the good one was not

  Ten minutes of download took a second here. The local AWS that the mails speak of is gone.
  Next, on files of your own and without an AWS account: docs/getting-started.md
"
        );
    }
}
