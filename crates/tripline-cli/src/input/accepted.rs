//! Ways to go wrong of which it is meant that nobody hears.

use std::fmt;
use std::str::FromStr;

use tripline::text::{excerpt, nearest};
use tripline_guard::coverage::{Coverage, Status, Way};

use super::planned::too_few;
use crate::exit::Error;

/// The ways of `--accept-uncovered`: names, separated by commas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AcceptedWays(Vec<Way>);

impl FromStr for AcceptedWays {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Way::ALL.map(Way::name);
        let ways = text.split(',').map(str::trim).map(|name| {
            Way::parse(name).ok_or_else(|| {
                let hint = nearest(name, &names)
                    .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                format!(
                    "`{}` is no way to go wrong (expected {}){hint}",
                    excerpt(name),
                    names.join(", ")
                )
            })
        });
        ways.collect::<Result<_, _>>().map(Self)
    }
}

/// As it is read.
impl fmt::Display for AcceptedWays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|way| way.name()).collect();
        f.write_str(&names.join(","))
    }
}

impl AcceptedWays {
    /// What is to be said of a rollout before it begins: of which ways to go wrong nobody would hear.
    ///
    /// # Errors
    /// That nothing covers devices that fail, unless that is accepted, or nothing could decide it.
    pub fn check(&self, file: &str, coverage: &Coverage) -> Result<Vec<String>, Error> {
        let mut notes: Vec<String> = too_few(coverage).into_iter().collect();
        let is_too_few = coverage.status == Status::TooFewDevices;
        let unseen = coverage.uncovered().filter(|way| !self.0.contains(way));
        for way in unseen.filter(|way| !is_too_few && !coverage.lacks_only_devices(*way)) {
            let reasons: Vec<String> =
                coverage.of(way).shortfalls.iter().map(ToString::to_string).collect();
            let text = format!("nothing would cover {}: {}", way.devices(), reasons.join("; "));
            if way == Way::Fails {
                let fixes = coverage.of(way).shortfalls.iter();
                let fix = fixes.filter_map(|shortfall| shortfall.reason.fix(None)).next();
                let fix = fix.map_or_else(String::new, |fix| format!("{fix}, or "));
                return Err(Error::in_file(
                    file,
                    format!("{text}; Tripline did not begin the rollout"),
                )
                .hint(format!("{fix}accept it with `--accept-uncovered {}`", way.name())));
            }
            notes.push(text);
        }
        Ok(notes)
    }
}

#[cfg(test)]
mod tests {
    use tripline::evidence::Needs;
    use tripline_guard::coverage::{Devices, Facts, Shape};
    use tripline_guard::desired::Purpose;

    use super::*;

    fn unguarded(devices: u32, least: u32) -> Coverage {
        let shape = Shape { devices: Devices::Exactly(devices), ..Shape::unknown() };
        Coverage::new(&Facts::of_new(shape, Some(Needs::LEAST), least), &[], Purpose::Stop)
    }

    fn ways(text: &str) -> AcceptedWays {
        text.parse().unwrap()
    }

    #[test]
    fn failures_that_nobody_hears_of_have_to_be_meant() {
        let coverage = unguarded(1_000, 2);
        let refused = AcceptedWays::default().check("dev.ini", &coverage).unwrap_err().to_string();
        assert_eq!(
            refused,
            "dev.ini: nothing would cover devices that fail: no alarm watches for it; Tripline did not begin the rollout\n  hint: set `defaultGuard = True` in `[ALARM_CONFIG]`, or add an alarm on it, or accept it with `--accept-uncovered fails`"
        );
        assert!(ways("slow, refuses").check("dev.ini", &coverage).is_err());
        let notes = ways("fails,slow").check("dev.ini", &coverage).unwrap();
        assert_eq!(notes, ["nothing would cover devices that refuse: no alarm watches for it"]);
    }

    #[test]
    fn too_few_devices_are_said_and_not_refused() {
        let notes = AcceptedWays::default().check("dev.ini", &unguarded(1, 2)).unwrap();
        let said = "the rollout has too few devices for anything to decide on devices that fail, devices that refuse, slow devices, devices that never answer";
        assert_eq!(notes, [said]);
    }

    #[test]
    fn a_way_has_to_be_spelled_right() {
        assert_eq!(ways(" slow, fails").to_string(), "slow,fails");
        for (text, fault) in [
            (
                "fail",
                "`fail` is no way to go wrong (expected fails, refuses, timesOut, slow, neverAnswers); did you mean `fails`?",
            ),
            (
                "",
                "`` is no way to go wrong (expected fails, refuses, timesOut, slow, neverAnswers)",
            ),
            (
                "fails,sloww",
                "`sloww` is no way to go wrong (expected fails, refuses, timesOut, slow, neverAnswers); did you mean `slow`?",
            ),
        ] {
            assert_eq!(text.parse::<AcceptedWays>(), Err(fault.to_owned()));
        }
    }
}
