use crate::evidence::Record;

/// Seconds within which the guard-keeper, which looks every minute, has read a job unless it is dead.
pub const KEEPER_SILENT_AFTER: i64 = 180;

/// What an alarm says of a rollout's evidence by going to ALARM. Whoever may publish metrics can make
/// it do so, but not write the guard-keeper's own item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EvidenceRule {
    /// There is at least so much evidence. `None` in metric math, which is not computed here: then as
    /// much as the guard-keeper itself stops for.
    Reached {
        /// The alarm's threshold.
        threshold: Option<f64>,
        /// Or that nobody publishes it: the alarm takes missing data for breaching.
        or_silent: bool,
    },
    /// Nobody publishes it: evidence is never below zero, so that only missing data can be meant.
    Silent,
}

/// What an alarm says that the guard-keeper's item does not.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NotBorneOut {
    /// The guard-keeper has no item of this very job.
    #[error("the guard-keeper has stored no evidence of this rollout, so the metric is forged")]
    Absent,
    /// There is less evidence.
    #[error(
        "the guard-keeper's own evidence is {evidence:.3} and not {threshold:.3}, so the metric is forged"
    )]
    Below {
        /// As the guard-keeper has it.
        evidence: f64,
        /// What the alarm says that was reached.
        threshold: f64,
    },
    /// Evidence is published: the guard-keeper has read the job lately.
    #[error("the guard-keeper is alive: it read this rollout {age} s ago")]
    KeeperAlive {
        /// Seconds since it read the job.
        age: i64,
    },
}

impl EvidenceRule {
    /// Metric math that has evidence among its metrics.
    pub const MATH: Self = Self::Reached { threshold: None, or_silent: false };

    /// Reads the rule of an alarm on the metric itself, by CloudWatch's name of its comparison. `None` if
    /// it says nothing that could be looked up: there is little evidence in each rollout at first.
    pub fn read(comparison: &str, threshold: f64, missing_breaches: bool) -> Option<Self> {
        let reached = Self::Reached { threshold: Some(threshold), or_silent: missing_breaches };
        match comparison {
            "GreaterThanThreshold" | "GreaterThanOrEqualToThreshold" => Some(reached),
            "LessThanThreshold" if threshold <= 0.0 => Some(Self::Silent),
            "LessThanOrEqualToThreshold" if threshold < 0.0 => Some(Self::Silent),
            _ => None,
        }
    }

    /// Compares it with the guard-keeper's item, if there is one of this very job. Evidence is a running
    /// maximum, so what was reached at some minute is reached now. `now` is in seconds since the epoch.
    ///
    /// # Errors
    /// What the item does not bear out.
    pub fn borne_out(self, record: Option<&Record>, now: i64) -> Result<(), NotBorneOut> {
        let age = record.map(|record| record.age(now));
        let is_silent = age.is_none_or(|age| age >= KEEPER_SILENT_AFTER);
        match (self, record) {
            (Self::Silent | Self::Reached { or_silent: true, .. }, _) if is_silent => Ok(()),
            (Self::Silent, _) => Err(NotBorneOut::KeeperAlive { age: age.unwrap_or_default() }),
            (Self::Reached { .. }, None) => Err(NotBorneOut::Absent),
            (Self::Reached { threshold, .. }, Some(record)) => {
                // A threshold of zero is one that was not written, and would always be reached.
                let own = Some(record.threshold).filter(|own| *own > 0.0);
                let threshold = threshold.or(own).unwrap_or(f64::INFINITY);
                let evidence = record.evidence;
                let below = || NotBorneOut::Below { evidence, threshold };
                record.reaches(threshold).then_some(()).ok_or_else(below)
            }
        }
    }

    /// What people are to read of a stop by it: the guard-keeper's own sentences, with the limit and
    /// what the bound means, or since when the guard-keeper is silent. An item that names no reason, as
    /// one below the guard-keeper's own threshold, has a line for whoever watches. `None` if it has
    /// nothing to say.
    pub fn in_words(self, record: Option<&Record>, now: i64) -> Option<String> {
        let is_said = |text: &&String| !text.trim().is_empty();
        let reached = Self::Reached { threshold: self.threshold(), or_silent: false };
        match record {
            Some(record)
                if self != Self::Silent && reached.borne_out(Some(record), now).is_ok() =>
            {
                record
                    .reason
                    .as_ref()
                    .filter(is_said)
                    .or(Some(&record.brief).filter(is_said))
                    .cloned()
            }
            Some(record) => {
                let minutes = record.age(now) / 60;
                Some(format!(
                    "The guard-keeper read this rollout {minutes} minutes ago, and not since."
                ))
            }
            None => Some("The guard-keeper has stored no evidence of this rollout.".to_owned()),
        }
    }

    fn threshold(self) -> Option<f64> {
        match self {
            Self::Reached { threshold, .. } => threshold,
            Self::Silent => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_790_000_000;
    const ABOVE: EvidenceRule = EvidenceRule::Reached { threshold: Some(2.0), or_silent: false };
    const ABOVE_OR_SILENT: EvidenceRule =
        EvidenceRule::Reached { threshold: Some(2.0), or_silent: true };

    fn record(evidence: f64, age: i64) -> Record {
        Record { evidence, threshold: 3.0, at: NOW - age, ..Record::default() }
    }

    #[test]
    fn a_rule_is_read_from_its_comparison() {
        for (comparison, threshold, missing_breaches, rule) in [
            ("GreaterThanThreshold", 2.0, false, Some(ABOVE)),
            ("GreaterThanOrEqualToThreshold", 2.0, true, Some(ABOVE_OR_SILENT)),
            ("LessThanThreshold", 0.0, true, Some(EvidenceRule::Silent)),
            ("LessThanThreshold", 0.0, false, Some(EvidenceRule::Silent)),
            ("LessThanOrEqualToThreshold", -1.0, true, Some(EvidenceRule::Silent)),
            ("LessThanOrEqualToThreshold", 0.0, true, None),
            ("LessThanThreshold", 0.5, true, None),
            ("LessThanLowerThreshold", 0.0, true, None),
        ] {
            let read = EvidenceRule::read(comparison, threshold, missing_breaches);
            assert_eq!(read, rule, "{comparison} {threshold}");
        }
    }

    #[test]
    fn an_alarm_is_true_only_as_far_as_the_item_bears_it_out() {
        use NotBorneOut::{Absent, Below, KeeperAlive};
        let below = |evidence, threshold| Err(Below { evidence, threshold });
        for (rule, record, verdict) in [
            (ABOVE, None, Err(Absent)),
            (ABOVE, Some(record(1.9, 30)), below(1.9, 2.0)),
            (ABOVE, Some(record(2.0, 30)), Ok(())),
            // What was reached stays reached, however long ago that was.
            (ABOVE, Some(record(2.5, 9_000)), Ok(())),
            (EvidenceRule::MATH, None, Err(Absent)),
            (EvidenceRule::MATH, Some(record(2.9, 30)), below(2.9, 3.0)),
            (EvidenceRule::MATH, Some(record(3.0, 30)), Ok(())),
            (EvidenceRule::Silent, None, Ok(())),
            (EvidenceRule::Silent, Some(record(0.0, 180)), Ok(())),
            (EvidenceRule::Silent, Some(record(9.0, 179)), Err(KeeperAlive { age: 179 })),
            (EvidenceRule::Silent, Some(record(9.0, -5)), Err(KeeperAlive { age: -5 })),
            (ABOVE_OR_SILENT, None, Ok(())),
            (ABOVE_OR_SILENT, Some(record(1.0, 180)), Ok(())),
            (ABOVE_OR_SILENT, Some(record(1.0, 179)), below(1.0, 2.0)),
        ] {
            assert_eq!(rule.borne_out(record.as_ref(), NOW), verdict, "{rule:?} {record:?}");
        }
        let unwritten = Record { threshold: 0.0, ..record(9.0, 30) };
        assert!(EvidenceRule::MATH.borne_out(Some(&unwritten), NOW).is_err());
    }

    #[test]
    fn people_read_the_reason_or_since_when_the_keeper_is_silent() {
        let text = |text: &str| Some(text.to_owned());
        let brief = Record { brief: "evidence 2.0 of 2".to_owned(), ..record(2.0, 30) };
        let both = Record { reason: text("9 of 50 failed."), ..brief.clone() };
        let blank = Record { reason: text(" "), ..brief.clone() };
        let old = Record { reason: text("9 of 50 failed."), ..record(1.0, 779) };
        let none = "The guard-keeper has stored no evidence of this rollout.";
        let silent = "The guard-keeper read this rollout 12 minutes ago, and not since.";
        for (rule, record, words) in [
            (ABOVE, Some(&both), text("9 of 50 failed.")),
            (ABOVE_OR_SILENT, Some(&both), text("9 of 50 failed.")),
            (ABOVE, Some(&brief), text("evidence 2.0 of 2")),
            (ABOVE, Some(&blank), text("evidence 2.0 of 2")),
            (ABOVE, Some(&record(2.0, 30)), None),
            (ABOVE_OR_SILENT, Some(&old), text(silent)),
            (EvidenceRule::Silent, Some(&old), text(silent)),
            (EvidenceRule::Silent, None, text(none)),
        ] {
            assert_eq!(rule.in_words(record, NOW), words, "{rule:?}");
        }
    }

    proptest! {
        /// A rollout whose evidence grows, as a running maximum does, never takes its alarm back.
        #[test]
        fn more_evidence_never_makes_it_untrue(
            threshold in 0.0f64..9.0, evidence in 0.0f64..9.0, more in 0.0f64..9.0, later in 0i64..9_000,
        ) {
            let rule = EvidenceRule::Reached { threshold: Some(threshold), or_silent: false };
            let grown = record(evidence + more, 0);
            if rule.borne_out(Some(&record(evidence, 0)), NOW).is_ok() {
                prop_assert_eq!(rule.borne_out(Some(&grown), NOW + later), Ok(()));
            }
        }
    }
}
