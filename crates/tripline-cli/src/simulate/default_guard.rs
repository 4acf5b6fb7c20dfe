//! The stack's default guard, as guards of a simulated rollout.

use tripline::alarm::{AlarmDefinition, Topic};
use tripline::evidence::Limits;
use tripline::rollout::RolloutConfig;
use tripline::text::excerpt;
use tripline_config::EvidenceConfig;
use tripline_guard::desired::{DefaultGuard, GuardAlarm, Reach};

use crate::exit::Error;

/// What the guard-keeper arms for a job that brings nothing.
pub struct DefaultAlarms {
    /// Its alarms on what devices report and on the failure rate.
    pub alarms: Vec<AlarmDefinition>,
    /// The alarm on evidence: where it goes, and the limits.
    pub evidence: (EvidenceConfig, Limits),
}

/// The default guard of a stack with these parameters, each as `KEY=VALUE`, for a job that is rolled out so. A
/// parameter that is not given is the template's default.
///
/// # Errors
/// A parameter that there is none of, or a value that it cannot have.
pub fn default_alarms(
    settings: &[String],
    rollout: &RolloutConfig,
    devices: Option<u32>,
) -> Result<DefaultAlarms, Error> {
    let fault = |text: String| Error::input(format!("--default-guard: {text}"));
    let pair = |setting: &String| {
        let (key, value) = setting.split_once('=').ok_or_else(|| {
            fault(format!("`{}` is no `KEY=VALUE`", excerpt(setting)))
                .hint("name the config before `--default-guard`")
        })?;
        Ok((key.trim().to_owned(), value.trim().to_owned()))
    };
    let settings: Vec<(String, String)> =
        settings.iter().map(pair).collect::<Result<_, Error>>()?;
    // Those of a stack whose alerts go to e-mail.
    let topics = vec![Topic::Email, Topic::ForceStop];
    let guard = DefaultGuard::from_settings(topics, &settings)
        .map_err(|invalid| fault(invalid.to_string()))?;
    let armed = guard.all_alarms(Reach { rate: rollout.rate.first(), devices }, true);
    let (_, alarms): (Vec<_>, Vec<_>) = armed.into_iter().partition(GuardAlarm::is_on_evidence);
    let timeout = rollout.timeout.map(|timeout| timeout.minutes());
    let evidence = guard.evidence().with_timeout(timeout);
    let limits = evidence.limits(None, true).map_err(|why| fault(why.to_string()))?;
    let alarms = alarms.into_iter().map(GuardAlarm::into_definition).collect();
    Ok(DefaultAlarms { alarms, evidence: (evidence, limits) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarms(settings: &[&str]) -> Result<DefaultAlarms, String> {
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        default_alarms(&settings, &RolloutConfig::default(), None)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn it_is_the_guard_of_a_stack_with_these_parameters() {
        let DefaultAlarms { alarms: usual, evidence } = alarms(&[]).unwrap();
        let names: Vec<&str> = usual.iter().map(|alarm| alarm.name.as_str()).collect();
        assert_eq!(names, ["default-DownloadTime", "default-FailureRate"]);
        assert_eq!((usual[1].threshold, usual[1].min_samples.map(|n| n.get())), (20.0, Some(50)));
        assert_eq!(evidence.0.topics, [Topic::Email], "it alerts, and stops nothing");
        let settings =
            ["FailureRateUpperLimit=10", "FailureRateMinExecutions = 8", "EvidenceAction=stop"];
        let DefaultAlarms { alarms: changed, evidence } = alarms(&settings).unwrap();
        let rate = &changed[1];
        assert_eq!((rate.threshold, rate.min_samples.map(|n| n.get())), (10.0, Some(8)));
        assert_eq!(changed[0], usual[0]);
        assert!(evidence.0.topics.contains(&Topic::ForceStop));
    }

    #[test]
    fn a_small_fleet_has_the_rule_that_it_is_armed_with() {
        let rollout = RolloutConfig::default();
        let DefaultAlarms { alarms, .. } = default_alarms(&[], &rollout, Some(8)).unwrap();
        let rate = &alarms[1];
        assert_eq!((rate.threshold, rate.min_samples.map(|n| n.get())), (34.0, Some(3)));
    }

    #[test]
    fn what_a_stack_would_refuse_is_refused() {
        for (setting, expected) in [
            (
                "FailureRateUperLimit=10",
                "--default-guard: `FailureRateUperLimit` is `10` (expected FailureRateUpperLimit)",
            ),
            (
                "FailureRateUpperLimit=100",
                "--default-guard: `FailureRateUpperLimit` is `100` (expected percent, from 0 to below 100)",
            ),
            (
                "DownloadTimeDatapointsToAlarm=4",
                "--default-guard: `DownloadTimeDatapointsToAlarm` is `4` (expected at most DownloadTimeEvaluationPeriod, which is 3)",
            ),
            (
                "dev.ini",
                "--default-guard: `dev.ini` is no `KEY=VALUE`\n  hint: name the config before `--default-guard`",
            ),
        ] {
            assert_eq!(alarms(&[setting]).err().unwrap(), expected);
        }
        // In whichever order they come.
        for settings in [
            ["DownloadTimeDatapointsToAlarm=4", "DownloadTimeEvaluationPeriod=5"],
            ["DownloadTimeEvaluationPeriod=5", "DownloadTimeDatapointsToAlarm=4"],
        ] {
            assert!(alarms(&settings).is_ok());
        }
    }
}
