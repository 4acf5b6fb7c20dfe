//! One `[ALARM_CONFIG_<name>]` section.

use std::str::FromStr;

use tripline::alarm::{
    AlarmDefinition, AlarmName, Evaluation, InvalidEvaluation, Limit, MinSamples, MissingData,
    Percentile, Period, Statistic, Topic,
};
use tripline::faults::Fault;
use tripline::metric::{
    DownloadTime, KeptMetric, Metric, NAMESPACE, RetryCount, UNSUCCESSFUL_RATE,
};
use tripline::text::excerpt;

use crate::ini::{Entry, Ini, Section};
use crate::keys::{ALARM_PREFIX, DEFAULT, has_key, hint_for, keys_of};
use crate::near::near;
use crate::reader::{Place, Reader, positive, unknown_keys};
use crate::slips::is_dressed;

/// Reads an alarm; `None` if it has faults, all of which are then in `faults`.
pub(crate) fn read(
    ini: &Ini,
    section: &Section,
    name: &str,
    faults: &mut Vec<Fault>,
) -> Option<AlarmDefinition> {
    let before = faults.len();
    let place = Place::of_alarm(section, name);
    unknown_keys(place, faults);
    let mut read = AlarmSection { reader: &mut Reader::new(ini, faults), place };
    let alarm_name = AlarmName::new(name).ok();
    if alarm_name.is_none() {
        let text = format!(
            "too long or with control characters (expected 1 to {} characters)",
            AlarmName::MAX
        );
        read.fault(section.line, text);
    }
    let namespace = read.required("namespace", "a CloudWatch namespace", |text| {
        Some(text).filter(|text| !text.starts_with(':')).and_then(name_of)
    });
    let metric = read.required("metricName", "a metric's name", name_of);
    if metric.as_deref() == Some(UNSUCCESSFUL_RATE) {
        let alarm = read.unsuccessful_rate(alarm_name, namespace.as_deref());
        return alarm.filter(|_| faults.len() == before);
    }
    let statistic = read.reader.required_or(
        place,
        "stat",
        "`SampleCount`, `Average`, `Sum`, `Minimum`, `Maximum` or `p0.0` to `p100`",
        Statistic::parse,
        statistic_meant,
    );
    let period = read.required("period", Period::EXPECTED, |text| {
        text.parse().ok().and_then(|it| Period::new(it).ok())
    });
    let threshold = read.required("threshold", "a number", |text| {
        f64::from_str(text).ok().filter(|number| number.is_finite())
    });
    let limit = read.required("alarmType", "`upper` or `lower`", |text| {
        match text.to_ascii_lowercase().as_str() {
            "upper" => Some(Limit::Upper),
            "lower" => Some(Limit::Lower),
            _ => None,
        }
    });
    let n = read.required("evaluationPeriods", "a whole number from 1", positive);
    let m = read.required("datapointsToAlarm", "a whole number from 1", positive);
    let missing_data = read.reader.optional(
        place,
        "treatMissingData",
        "`missing`, `ignore`, `breaching` or `notBreaching`",
        MissingData::parse,
    );
    let min_samples = read.reader.optional(place, "minSamples", MinSamples::EXPECTED, |text| {
        text.parse().ok().and_then(|it| MinSamples::new(it).ok())
    });
    let topics = read.reader.topics(place);
    if let (Some(namespace), Some(metric)) = (&namespace, &metric) {
        read.known_metric(namespace, metric);
    }
    if let (Some(namespace), Some(period)) = (&namespace, period) {
        read.seen_in_time(namespace, period);
    }
    if let (Some(namespace), Some(metric), Some(statistic), Some(threshold), Some(limit)) =
        (&namespace, &metric, statistic, threshold, limit)
        && namespace == NAMESPACE
    {
        read.can_decide(metric, statistic, threshold, limit);
    }
    if missing_data == Some(MissingData::Breaching)
        && topics.as_ref().is_some_and(|topics| topics.contains(&Topic::ForceStop))
    {
        read.waits_for_a_device();
    }
    let evaluation = match (m, n, period) {
        (Some(m), Some(n), Some(period)) => match Evaluation::new(m, n, period) {
            Ok(evaluation) => Some(evaluation),
            Err(error) => {
                let line = read.line_of(match error {
                    InvalidEvaluation::MoreThanThereAre { .. } => "datapointsToAlarm",
                    InvalidEvaluation::LooksTooFarBack { .. } => "evaluationPeriods",
                });
                read.fault(line, error.to_string());
                None
            }
        },
        _ => None,
    };
    if faults.len() > before {
        return None;
    }
    Some(AlarmDefinition {
        name: alarm_name?,
        namespace: namespace?,
        metric: metric?,
        statistic: statistic?,
        period: period?,
        threshold: threshold?,
        limit: limit?,
        evaluation: evaluation?,
        missing_data: missing_data.unwrap_or_default(),
        min_samples,
        topics: topics?,
    })
}

/// What to do about a statistic as people or other programs call it.
fn statistic_meant(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let meant = match text.as_str() {
        "avg" | "mean" => Some("Average".to_owned()),
        "max" => Some("Maximum".to_owned()),
        "min" => Some("Minimum".to_owned()),
        "count" | "n" | "samples" => Some("SampleCount".to_owned()),
        "total" => Some("Sum".to_owned()),
        "median" => Some("p50".to_owned()),
        _ => None,
    };
    let bare = |text: &str| {
        let text = text.trim_start_matches(|c: char| c == 'p' || c.is_whitespace());
        let ends: &[_] = &['%', ' '];
        let text =
            ["st", "nd", "rd", "th"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
        Percentile::parse(text.trim_end_matches(ends))
    };
    let meant = meant.or_else(|| bare(&text).map(|percentile| percentile.to_string()))?;
    Some(format!("did you mean `{meant}`?"))
}

/// 1 to 255 characters on one line, without quotes around them or a comment behind: of such a metric
/// CloudWatch would wait for a value for ever.
fn name_of(text: &str) -> Option<String> {
    let fits = (1..=255).contains(&text.len()) && !text.chars().any(char::is_control);
    (fits && !is_dressed(text)).then(|| text.to_owned())
}

/// What is read of one alarm.
struct AlarmSection<'a, 'r> {
    reader: &'r mut Reader<'a>,
    place: Place<'r>,
}

impl AlarmSection<'_, '_> {
    fn fault(&mut self, line: usize, text: String) {
        self.reader.fault(self.place, line, &text, None);
    }

    fn fault_with_hint(&mut self, line: usize, text: String, hint: Option<String>) {
        self.reader.fault(self.place, line, &text, hint);
    }

    fn line_of(&self, key: &str) -> usize {
        self.reader.line_of(self.place.section, key)
    }

    fn required<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.reader.required(self.place, key, expected, parse)
    }

    /// An alarm on the share of notified devices that were unsuccessful. How it is evaluated is settled by how
    /// the guard-keeper publishes, and may be left out.
    fn unsuccessful_rate(
        &mut self,
        name: Option<AlarmName>,
        namespace: Option<&str>,
    ) -> Option<AlarmDefinition> {
        if let Some(other) = namespace.filter(|namespace| *namespace != NAMESPACE) {
            let text = format!(
                "{UNSUCCESSFUL_RATE} is Tripline's, and namespace `{}` is not (expected `{NAMESPACE}`)",
                excerpt(other)
            );
            self.fault(self.line_of("namespace"), text);
        }
        let is_one = |text: &str| text.parse() == Ok(1_u32);
        let is_maximum = |text: &str| Statistic::parse(text) == Some(Statistic::Maximum);
        let is_usual = |text: &str| MissingData::parse(text) == Some(MissingData::NotBreaching);
        self.settled("stat", "Maximum", is_maximum);
        self.settled("period", "60", |text| text.parse() == Ok(60_u32));
        self.settled("alarmType", "upper", |text| text.eq_ignore_ascii_case("upper"));
        self.settled("evaluationPeriods", "1", is_one);
        self.settled("datapointsToAlarm", "1", is_one);
        self.settled("treatMissingData", "notBreaching", is_usual);
        let limit = self.required("threshold", "percent, 0 to below 100", |text| {
            f64::from_str(text).ok().filter(|percent| (0.0..100.0).contains(percent))
        });
        self.reader.require(self.place, "alarmType", "`upper`");
        let expected = "notified devices, a whole number from 1";
        let min_samples = self.reader.optional(self.place, "minSamples", expected, |text| {
            text.parse().ok().and_then(|it| MinSamples::new(it).ok())
        });
        let topics = self.reader.topics(self.place);
        Some(AlarmDefinition::on_unsuccessful_rate(
            name?,
            limit?,
            min_samples.unwrap_or(MinSamples::OF_UNSUCCESSFUL_RATE),
            topics?,
        ))
    }

    /// A key that can have one value only, if it is there.
    fn settled(&mut self, key: &str, expected: &str, is_it: impl FnOnce(&str) -> bool) {
        let Some(Entry { value, line, .. }) = self.reader.entry(self.place.section, key) else {
            return;
        };
        if !is_it(&value) {
            let text = format!(
                "{key} of {UNSUCCESSFUL_RATE} cannot be `{}` (expected `{expected}`, which the alarm is armed with)",
                excerpt(&value)
            );
            self.fault(line, text);
        }
    }

    /// An alarm on a metric that nobody publishes never fires.
    fn known_metric(&mut self, namespace: &str, metric: &str) {
        if namespace == NAMESPACE {
            let kept = KeptMetric::ALL.map(KeptMetric::name);
            let published = Metric::ALL.map(Metric::name).into_iter().chain(kept);
            let names: Vec<&str> = published.chain([UNSUCCESSFUL_RATE]).collect();
            if !names.contains(&metric) {
                let text = format!(
                    "unknown metricName `{}` (expected one of {})",
                    excerpt(metric),
                    names.join(", ")
                );
                let is_rate = metric.to_ascii_lowercase().ends_with("rate");
                let near = if is_rate { Some(UNSUCCESSFUL_RATE) } else { near(metric, &names) };
                let hint = match KeptMetric::once_called(metric) {
                    Some(now) => Some(format!("`{metric}` is called `{}` now", now.name())),
                    None => near.map(|near| format!("did you mean `{near}`?")),
                };
                self.fault_with_hint(self.line_of("metricName"), text, hint);
            }
        } else if near(namespace, &[NAMESPACE]).is_some() {
            let text = format!("namespace `{}` is not Tripline's", excerpt(namespace));
            let hint = Some(format!("did you mean `{NAMESPACE}`?"));
            self.fault_with_hint(self.line_of("namespace"), text, hint);
        }
    }

    /// A threshold that values never cross guards nothing, and one that they always cross stops every
    /// rollout.
    fn can_decide(&mut self, metric: &str, statistic: Statistic, threshold: f64, limit: Limit) {
        let line = self.line_of("threshold");
        let is_kept = KeptMetric::ALL.iter().any(|known| known.name() == metric);
        let known = Metric::ALL.into_iter().find(|known| known.name() == metric);
        let highest = match (known, statistic) {
            // The keeper says each minute how many there are.
            (None, Statistic::Sum | Statistic::SampleCount) if is_kept => {
                let text = format!(
                    "stat {statistic} of {metric} counts the same devices again each minute (expected `Maximum` or `Average`)"
                );
                return self.fault(self.line_of("stat"), text);
            }
            (None, _) if is_kept => f64::INFINITY,
            (None, _) => return,
            (_, Statistic::Sum | Statistic::SampleCount) => f64::INFINITY,
            (Some(Metric::DownloadTime), _) => DownloadTime::MAX,
            (Some(Metric::RetryCount), _) => f64::from(RetryCount::MAX),
            // Each device counts 1, so that only how many there are says anything.
            _ => {
                let text = format!(
                    "stat {statistic} of {metric} is always 1 (expected `Sum` or `SampleCount`)"
                );
                return self.fault(self.line_of("stat"), text);
            }
        };
        let (always, never) = match limit {
            Limit::Upper => (threshold < 0.0, threshold >= highest),
            Limit::Lower => (threshold > highest, threshold <= 0.0),
        };
        let values =
            if highest.is_finite() { format!("0 to {highest}") } else { "0 and more".to_owned() };
        if always || never {
            let which = if always { "every" } else { "no" };
            self.fault(line, format!("threshold {threshold} is breached by {which} value of {metric}, which are {values}"));
        }
    }

    /// `breaching` fires about ten seconds after the alarm is created, before any device has
    /// reported: it stops a healthy rollout or, if the job does not exist yet, nothing, and stays in
    /// ALARM, where it acts no more.
    fn waits_for_a_device(&mut self) {
        let text = "treatMissingData `breaching` fires before any device has reported, so it cannot go to `@force-stop` (expected `notBreaching`, `missing` or `ignore`)".to_owned();
        self.fault(self.line_of("treatMissingData"), text);
    }

    /// CloudWatch takes shorter periods, but Tripline's metrics come by the minute: most of the
    /// short periods would be empty, and such an alarm might never fire.
    fn seen_in_time(&mut self, namespace: &str, period: Period) {
        if namespace == NAMESPACE && period.seconds() < 60 {
            let text = format!(
                "period {} is shorter than a minute, by which `{NAMESPACE}` is published (expected a multiple of 60)",
                period.seconds()
            );
            self.fault(self.line_of("period"), text);
        }
    }
}

/// Whether this is a key of an alarm.
pub(crate) fn is_key(key: &str) -> bool {
    has_key(ALARM_PREFIX, key)
}

/// `[DEFAULT]` holds the keys of a whole rollout; of those, only a misspelt key of an alarm is this
/// module's concern.
pub(crate) fn unknown_keys_of_default(default: &Section, faults: &mut Vec<Fault>) {
    for entry in default.own() {
        let key = entry.key.as_str();
        let is_known = is_key(key) || has_key(DEFAULT, key);
        if !is_known && near(key, keys_of(ALARM_PREFIX)).is_some() {
            let text = format!("`[DEFAULT]`: unknown key `{}`", excerpt(key));
            faults.push(Fault::at(entry.line, text).hint(hint_for(ALARM_PREFIX, key)));
        }
    }
}
