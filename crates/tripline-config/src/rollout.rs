//! The sections of `dev.ini` that say how a job is rolled out.

use tripline::faults::{Fault, Faults};
use tripline::rollout::{
    AbortCriterion, Exponential, Factor, FailureType, Rate, Retries, RolloutConfig, Threshold,
    Timeout,
};

use crate::ini::{Section, read_whole};
use crate::reader::{Reader, positive, unknown_keys};

/// Reads the rollout, abort, timeout and retry sections from the text of a `dev.ini`. `file` is
/// what the errors call it. A section counts if `[DEFAULT]` switches it on; alarms are read by
/// [`crate::AlarmConfig`].
pub fn parse_rollout(file: &str, text: &str) -> Result<RolloutConfig, Faults> {
    read_whole(file, text, |ini, faults| Reader::new(ini, faults).rollout())
}

impl<'a> Reader<'a> {
    pub(crate) fn rollout(&mut self) -> RolloutConfig {
        let mut config = RolloutConfig::default();
        if let Some(section) =
            self.used("useJobExecutionsRolloutConfig", "JOB_EXECUTE_ROLLOUT_CONFIG")
        {
            config.rate = self.rate(section);
        }
        if let Some(section) = self.used("useAbortConfig", "ABORT_CONFIG") {
            config.abort = self.abort(section);
        }
        if let Some(section) = self.used("useTimeoutConfig", "TIMEOUT_CONFIG") {
            unknown_keys(section, self.faults);
            config.timeout =
                self.required(section, "inProgressTimeoutInMinutes", Timeout::EXPECTED, |text| {
                    text.parse().ok().and_then(|it| Timeout::new(it).ok())
                });
        }
        // Tripline's own: the tool that this file was first made for cannot ask for retries.
        if let Some(section) = self.ini.section("RETRY_CONFIG") {
            unknown_keys(section, self.faults);
            let count = |text: &str| text.parse().ok().filter(|count| *count <= Retries::MAX);
            let failed = self.optional(section, "failedRetries", "0 to 10", count).unwrap_or(0);
            let timed_out =
                self.optional(section, "timedOutRetries", "0 to 10", count).unwrap_or(0);
            match Retries::new(failed, timed_out) {
                Ok(retries) => config.retries = retries,
                Err(why) => self.faults.push(Fault::at(
                    section.line,
                    format!("`[RETRY_CONFIG]`: {failed} and {timed_out} retries ({why})"),
                )),
            }
        }
        config
    }

    fn rate(&mut self, section: &'a Section) -> Rate {
        unknown_keys(section, self.faults);
        let maximum = self.optional(section, "maximumPerMinute", "a whole number from 1", positive);
        let maximum = maximum.unwrap_or(Rate::QUOTA);
        if !self.flag(section, "useExponentialRateCfg") {
            return Rate::Constant(maximum);
        }
        let constant = Rate::Constant(maximum);
        let Some(section) = self.section("EXP_RATE_CONFIG", "useExponentialRateCfg", section)
        else {
            return constant;
        };
        unknown_keys(section, self.faults);
        let base = self.required(section, "baseRatePerMinute", "1 to 1000", |text| {
            positive(text).filter(|base| *base <= 1_000)
        });
        let factor = self.required(section, "incrementFactor", Factor::EXPECTED, |text| {
            text.parse().ok().and_then(|it| Factor::new(it).ok())
        });
        let (notified, succeeded) = self.increase_criteria(section);
        match (base, factor) {
            (Some(base), Some(factor)) => {
                Rate::Exponential(Exponential { base, factor, notified, succeeded, maximum })
            }
            _ => constant,
        }
    }

    fn increase_criteria(&mut self, rate: &'a Section) -> (Option<u32>, Option<u32>) {
        const KEYS: [&str; 2] = ["numberOfNotifiedThings", "numberOfSucceededThings"];
        if !self.flag(rate, "useRateIncreaseCriteria") {
            return (None, None);
        }
        let Some(section) = self.section("INCREASE_CRITERIA", "useRateIncreaseCriteria", rate)
        else {
            return (None, None);
        };
        unknown_keys(section, self.faults);
        let [notified, succeeded] =
            KEYS.map(|key| self.optional(section, key, "a whole number from 1", positive));
        (notified, succeeded)
    }

    fn abort(&mut self, section: &'a Section) -> Vec<AbortCriterion> {
        const USES: [(&str, FailureType); 4] = [
            ("useAllSubsection", FailureType::All),
            ("useFailedSubsection", FailureType::Failed),
            ("useRejectedSubsection", FailureType::Rejected),
            ("useTimedOutSubsection", FailureType::TimedOut),
        ];
        unknown_keys(section, self.faults);
        let mut criteria = Vec::new();
        for (key, failure) in USES {
            if !self.flag(section, key) {
                continue;
            }
            if let Some(subsection) = self.section(&section_of(failure), key, section) {
                criteria.extend(self.criterion(subsection, failure));
            }
            // With this one the others are not looked at.
            if key == "useAllSubsection" && !self.reads_all() {
                return criteria;
            }
        }
        if criteria.is_empty() && self.faults.is_empty() {
            self.faults.push(Fault::at(section.line, "`[ABORT_CONFIG]`: no subsection is used, so that nothing aborts (expected one of `useAllSubsection`, `useFailedSubsection`, `useRejectedSubsection`, `useTimedOutSubsection` to be True)".to_owned()));
        }
        criteria
    }

    /// A criterion of the section for failures of this type.
    fn criterion(&mut self, section: &'a Section, expected: FailureType) -> Option<AbortCriterion> {
        unknown_keys(section, self.faults);
        let failure = self.required(
            section,
            "failureType",
            "`FAILED`, `REJECTED`, `TIMED_OUT` or `ALL`",
            FailureType::parse,
        );
        if let Some(other) = failure.filter(|failure| *failure != expected) {
            let text = format!(
                "failureType {} is that of `[{}]` (expected {})",
                other.name(),
                section_of(other),
                expected.name()
            );
            let hint = "each section aborts for the failures of its name; switch on the section of those that are meant";
            let line = self.line_of(section, "failureType");
            self.fault(section.into(), line, &text, Some(hint.to_owned()));
        }
        let threshold =
            self.required(section, "thresholdPercentage", Threshold::EXPECTED, |text| {
                text.parse().ok().and_then(|it| Threshold::new(it).ok())
            });
        let min_executed =
            self.required(section, "minNumberOfExecutedThings", "a whole number from 1", positive);
        Some(AbortCriterion {
            failure: failure?,
            threshold: threshold?,
            min_executed: min_executed?,
        })
    }
}

/// The section with the criterion for failures of a type.
pub(crate) fn section_of(failure: FailureType) -> String {
    format!("ABORT_CONFIG_TYPE_{}", failure.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../examples/guards/sample.ini");

    fn parse(text: &str) -> Result<RolloutConfig, String> {
        parse_rollout("dev.ini", text).map_err(|faults| faults.to_string())
    }

    #[test]
    fn the_sample_is_read_unchanged() {
        let criterion = |failure, percent| AbortCriterion {
            failure,
            threshold: Threshold::new(percent).unwrap(),
            min_executed: 1,
        };
        let expected = RolloutConfig {
            rate: Rate::Exponential(Exponential {
                base: 100,
                factor: Factor::new(2.0).unwrap(),
                notified: Some(15),
                succeeded: Some(123),
                maximum: 100,
            }),
            timeout: None,
            abort: vec![criterion(FailureType::All, 11.0)],
            retries: Retries::default(),
        };
        assert_eq!(parse(SAMPLE), Ok(expected));
        let timeout = SAMPLE.replace("useTimeoutConfig = False", "useTimeoutConfig = on");
        assert_eq!(parse(&timeout).unwrap().timeout, Timeout::new(60).ok());
        let single = SAMPLE
            .replace("useAllSubsection = True", "useAllSubsection = False")
            .replace("useFailedSubsection = False", "useFailedSubsection = yes");
        assert_eq!(parse(&single).unwrap().abort, [criterion(FailureType::Failed, 13.0)]);
    }

    #[test]
    fn what_is_not_switched_on_does_not_count() {
        let off = SAMPLE.replace("= True", "= False");
        assert_eq!(parse(&off), Ok(RolloutConfig::default()));
        assert_eq!(parse(""), Ok(RolloutConfig::default()));
        assert_eq!(
            parse("[RETRY_CONFIG]\nfailedRetries = 2").unwrap().retries,
            Retries::new(2, 0).unwrap()
        );
    }

    #[test]
    fn a_section_aborts_for_the_failures_of_its_name() {
        let text = SAMPLE.replace("failureType = ALL", "failureType = rejected");
        let said = parse(&text).unwrap_err();
        let expected = "`[ABORT_CONFIG_TYPE_ALL]`: failureType REJECTED is that of `[ABORT_CONFIG_TYPE_REJECTED]` (expected ALL)";
        assert!(said.contains(expected), "{said}");
        // What is switched off does not count.
        let text = SAMPLE.replace("failureType = FAILED", "failureType = ALL");
        assert!(parse(&text).is_ok());
    }

    #[test]
    fn every_fault_is_named_with_its_line() {
        let text = "[DEFAULT]\nuseTimeoutConfig = maybe\nuseAbortConfig = True\nuseJobExecutionsRolloutConfig = 1\n[JOB_EXECUTE_ROLLOUT_CONFIG]\nmaximumPerMinute = 0\nuseExponentialRateCfg = True\n[ABORT_CONFIG]\nuseFailedSubsections = True\n[RETRY_CONFIG]\nfailedRetries = 6\ntimedOutRetries = 5\n";
        assert_eq!(parse(text).unwrap_err(), "dev.ini: 5 faults
  line 2: `[DEFAULT]`: useTimeoutConfig cannot be `maybe` (expected True or False)
  line 6: `[JOB_EXECUTE_ROLLOUT_CONFIG]`: maximumPerMinute cannot be `0` (expected a whole number from 1)
  line 7: `[JOB_EXECUTE_ROLLOUT_CONFIG]`: useExponentialRateCfg is True, but there is no `[EXP_RATE_CONFIG]`
  line 9: `[ABORT_CONFIG]`: unknown key `useFailedSubsections`
  hint: did you mean `useFailedSubsection`?
  line 10: `[RETRY_CONFIG]`: 6 and 5 retries (expected at most 10 together)");
        let nothing = "[DEFAULT]\nuseAbortConfig = True\n[ABORT_CONFIG]\n";
        assert!(
            parse(nothing)
                .unwrap_err()
                .starts_with("dev.ini:3: `[ABORT_CONFIG]`: no subsection is used")
        );
    }
}
