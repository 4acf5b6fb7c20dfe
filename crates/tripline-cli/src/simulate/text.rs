//! A simulation as people read it: the verdict first, then the runs, then advice.

use tripline_simulation::simulation::{Firing, Fleet, Share, Spread, Study};

use super::fleet::HealthySource;
use super::simulated::Simulated;
use crate::report::format::{
    count, counted, minutes, number_of_minutes, percent, proportion, quantile,
};
use crate::terminal::table::table;

/// Everything, with a chart if there is one.
pub fn simulation_text(simulated: &Simulated, chart: Option<&str>) -> String {
    let mut text = format!("{}\n", verdict(simulated));
    for line in explanation(simulated) {
        text.push_str(&format!("  {line}\n"));
    }
    if let Some(chart) = chart {
        text.push_str(&format!("\n{chart}"));
    }
    text.push_str(&format!(
        "\n{}\nA healthy fleet: {}.\n",
        runs(simulated),
        healthy_fleet(simulated)
    ));
    if simulated.is_everyday && !simulated.is_healthy {
        text.push_str(
            "This fleet: an everyday one too, but for the options; `--rollout` names another.\n",
        );
    }
    if !simulated.advice.is_empty() {
        text.push_str("\nTo know of these rules:\n");
        for advice in &simulated.advice {
            text.push_str(&format!("  {}\n", advice.to_string().replace('\n', "\n  ")));
        }
    }
    let coverage = simulated.guards.coverage(simulated.outcome.devices);
    text.push_str(&format!("\n{}\n{}", coverage.line(), coverage.table("  ")));
    if simulated.guards.lacks_default {
        text.push_str("  This leaves out the stack's default guard, which watches for the rest: `--default-guard` adds it.\n");
    }
    text.push_str(&format!(
        "\nseed {}, {}\n",
        simulated.study.seed,
        counted(&count(simulated.outcome.devices), "device")
    ));
    text
}

/// The verdict on the first run, in one sentence.
pub fn verdict(simulated: &Simulated) -> String {
    let Simulated { outcome, is_healthy, .. } = simulated;
    match outcome.stop() {
        Some((firing, effect)) if simulated.is_too_late => format!(
            "TOO LATE: `{}` would stop this {}rollout after {}, when every device that it reaches has the firmware.",
            name(simulated, firing),
            if *is_healthy { "healthy " } else { "" },
            counted(&minutes(effect.at), "minute")
        ),
        Some((firing, effect)) => {
            let kind = if *is_healthy { "STOPPED, FALSELY" } else { "STOPPED" };
            format!(
                "{kind}: `{}` would stop this rollout after {}.",
                name(simulated, firing),
                counted(&minutes(effect.at), "minute")
            )
        }
        None if *is_healthy => "NOT STOPPED: this healthy rollout would run to its end.".to_owned(),
        None => "NOT STOPPED: no guard would stop this rollout.".to_owned(),
    }
}

/// What is to be said of the first run beside the verdict.
fn explanation(simulated: &Simulated) -> Vec<String> {
    let Simulated { outcome, .. } = simulated;
    let mut lines = Vec::new();
    if let Some((firing, _)) = outcome.stop() {
        lines.push(firing.reason.clone());
    }
    let devices = f64::from(outcome.devices).max(1.0);
    let exposed = outcome.exposed();
    lines.push(format!(
        "{} of {} devices had the firmware by then ({}), {} were spared.",
        count(exposed),
        count(outcome.devices),
        percent(f64::from(exposed) / devices),
        count(outcome.spared())
    ));
    if outcome.stop().is_none() {
        // By when is only a question of a stop.
        if let Some(line) = lines.last_mut() {
            *line = line
                .replace("had the firmware by then", "would get the firmware")
                .replace("were spared", "would not");
        }
    }
    if let Some(evidence) = evidence(simulated) {
        lines.push(evidence);
    }
    for firing in others(simulated) {
        lines.push(format!(
            "`{}` would fire after {}.",
            name(simulated, firing),
            counted(&minutes(firing.at), "minute")
        ));
    }
    lines
}

/// The evidence of the first run, and the limit that it is of; or that nobody computes it.
pub fn evidence(simulated: &Simulated) -> Option<String> {
    let Simulated { guards, outcome, .. } = simulated;
    if guards.keeper_dead {
        return Some(KEEPER_DEAD.to_owned());
    }
    let brief = outcome.evidence.as_ref()?.brief.clone();
    let stops = guards.evidence.as_ref()?.stops();
    Some(if stops { brief } else { format!("{brief} (it alerts, and stops nothing)") })
}

/// What is left without the guard-keeper.
const KEEPER_DEAD: &str = "The guard-keeper is dead: evidence and the failure rate see nothing. Left are AWS IoT's abort criteria, \
     the timeout and alarms on what devices report; people are alerted after ten minutes.";

/// The firings that did not stop it.
pub fn others(simulated: &Simulated) -> impl Iterator<Item = &Firing> {
    let stopped_by = simulated.outcome.stopped_by;
    simulated
        .outcome
        .firings
        .iter()
        .enumerate()
        .filter(move |(index, _)| Some(*index) != stopped_by)
        .map(|(_, firing)| firing)
}

/// What a firing's guard is called.
pub fn name(simulated: &Simulated, firing: &Firing) -> String {
    simulated.study.guards.get(firing.guard).map_or_else(String::new, |guard| guard.name.clone())
}

fn runs(simulated: &Simulated) -> String {
    let Simulated { study, healthy, is_healthy, .. } = simulated;
    let this = if *is_healthy { "HEALTHY FLEET" } else { "THIS FLEET" };
    let this = column(study, this);
    let runs = counted(&count(study.runs), "run").to_uppercase();
    let head = format!("OVER {runs} (95 % INTERVAL)");
    let labels = labels(study);
    match healthy {
        None => {
            let rows: Vec<_> =
                labels.into_iter().zip(this.cells).map(|(label, cell)| [label, cell]).collect();
            table([&head, this.head], &rows)
        }
        Some(healthy) => {
            let other = column(healthy, "A HEALTHY FLEET");
            let rows = labels.into_iter().zip(this.cells).zip(other.cells);
            let rows: Vec<_> = rows.map(|((label, this), other)| [label, this, other]).collect();
            table([&head, this.head, other.head], &rows)
        }
    }
}

/// Which healthy fleet was taken.
pub fn healthy_fleet(simulated: &Simulated) -> String {
    let Fleet { download, failing, .. } = simulated.healthy_fleet;
    let time =
        format!("downloads of {} s in the median, sigma {}", download.median(), download.sigma());
    match &simulated.healthy_source {
        HealthySource::File(file) => format!("as {file} says ({time})"),
        HealthySource::Default => {
            let (kind, faults) = match failing {
                Share::NONE => ("one without faults", "none fail".to_owned()),
                share => ("an everyday one", format!("{} fail", percent(share.get()))),
            };
            format!("{kind} ({faults}, {time}); `--healthy` names another")
        }
    }
}

struct Column {
    head: &'static str,
    cells: Vec<String>,
}

fn labels(study: &Study) -> Vec<String> {
    let guards = |word: &'static str| {
        study.guards.iter().map(move |guard| format!("  {word}{}", guard.name))
    };
    let rest = [
        "devices with the firmware, median",
        "  5 to 95 % of runs",
        "minutes to the stop, median",
        "  5 to 95 % of runs",
    ];
    let stopped = std::iter::once("stopped".to_owned()).chain(guards("by "));
    let fires = std::iter::once("fires".to_owned()).chain(guards(""));
    stopped.chain(fires).chain(rest.map(str::to_owned)).collect()
}

fn column(study: &Study, head: &'static str) -> Column {
    let mut cells = vec![proportion(study.stopped)];
    cells.extend(study.guards.iter().map(|guard| proportion(guard.stopped)));
    cells.push(proportion(study.fired));
    cells.extend(study.guards.iter().map(|guard| proportion(guard.fired)));
    cells.extend(spread(study.exposed, count::<f64>));
    cells.extend(spread(study.minutes_to_stop, number_of_minutes));
    Column { head, cells }
}

fn spread(spread: Option<Spread>, format: fn(f64) -> String) -> [String; 2] {
    match spread {
        Some(Spread { p5, p50, p95 }) => {
            [quantile(p50, format), format!("{} to {}", format(p5.value), format(p95.value))]
        }
        None => ["never".to_owned(), String::new()],
    }
}
