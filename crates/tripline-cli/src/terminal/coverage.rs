//! Coverage for programs: the same object in the output of every command.

use schemars::JsonSchema;
use serde::Serialize;
use tripline_guard::coverage::{Coverage, Shortfall, Way, WayCoverage};

/// What would be seen if the rollout went wrong.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CoverageData {
    /// In one word.
    status: &'static str,
    /// How many devices the rollout is for, if that is known exactly.
    devices: Option<u32>,
    /// Each way to go wrong.
    ways: Ways,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Ways {
    fails: WayData,
    refuses: WayData,
    times_out: WayData,
    slow: WayData,
    never_answers: WayData,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WayData {
    /// `stops`, `alerts`, `nobody` or `notNeeded`.
    level: &'static str,
    /// Who sees it.
    by: Option<String>,
    /// Why nobody does more about it.
    because: Vec<Because>,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Because {
    /// By whom it would be.
    by: Option<String>,
    would: &'static str,
    reason: String,
    /// What to do.
    fix: Option<String>,
}

impl From<&Coverage> for CoverageData {
    fn from(coverage: &Coverage) -> Self {
        let of = |way| WayData::from(coverage.of(way));
        Self {
            status: coverage.status.name(),
            devices: coverage.devices,
            ways: Ways {
                fails: of(Way::Fails),
                refuses: of(Way::Refuses),
                times_out: of(Way::TimesOut),
                slow: of(Way::Slow),
                never_answers: of(Way::NeverAnswers),
            },
        }
    }
}

impl From<&WayCoverage> for WayData {
    fn from(seen: &WayCoverage) -> Self {
        let because = |Shortfall { by, reason, would }: &Shortfall| Because {
            by: by.clone(),
            would: would.name(),
            reason: reason.to_string(),
            fix: reason.fix(None),
        };
        Self {
            level: seen.level.name(),
            by: seen.by.clone(),
            because: seen.shortfalls.iter().map(because).collect(),
        }
    }
}
