//! A simulation for programs. `docs/guide/simulation.md` documents every field.

use serde_json::{Value, json};
use tripline_simulation::simulation::{
    Conditions, EvidencePlan, Firing, Fleet, GuardShare, Lognormal, Proportion, Quantile, Reached,
    Share, Spread, Study,
};

use tripline::alarm::TopicArn;
use tripline::stop::StopMode;

use super::arguments::Simulate;
use super::fleet::HealthySource;
use super::simulated::Simulated;
use super::text::name;

/// Everything but the pictures.
pub fn simulation_json(simulated: &Simulated, arguments: &Simulate) -> Value {
    let Simulated {
        guards,
        scenario,
        is_healthy,
        outcome,
        study,
        healthy,
        healthy_fleet,
        healthy_conditions,
        healthy_source,
        advice,
        ..
    } = simulated;
    let stop = outcome.stop().map(|(firing, effect)| {
        json!({
            "guard": name(simulated, firing),
            "reason": firing.reason,
            "firedMinute": firing.at.minutes(),
            "minute": effect.at.minutes(),
            "exposed": outcome.exposed(),
            "spared": outcome.spared(),
            "reached": of_reached(effect.reached),
        })
    });
    let firings: Vec<_> =
        outcome.firings.iter().map(|firing| of_firing(simulated, firing)).collect();
    let advice: Vec<_> = advice
        .iter()
        .map(|advice| json!({"rule": advice.rule, "problem": advice.problem, "setting": advice.setting, "hint": advice.hint}))
        .collect();
    let mut value = json!({
        "config": guards.file,
        "defaultGuard": arguments.default_guard,
        "seed": study.seed,
        "devices": outcome.devices,
        "healthy": is_healthy,
        "fleet": of_fleet(&scenario.fleet, &scenario.conditions),
        "stopped": stop.is_some() && !simulated.is_too_late,
        "tooLate": simulated.is_too_late,
        "stop": stop,
        "firings": firings,
        "end": {"minute": outcome.ended_at.minutes(), "reached": of_reached(outcome.end)},
        "study": of_study(study),
        "healthyStudy": healthy.as_ref().map(of_study),
        "healthyFleet": of_fleet(healthy_fleet, healthy_conditions),
        "healthyFleetFrom": match healthy_source {
            HealthySource::File(file) => file,
            HealthySource::Default => "default",
        },
        "evidence": outcome.evidence.as_ref().map(|trace| json!({
            "threshold": trace.threshold,
            "stops": guards.evidence.as_ref().is_some_and(EvidencePlan::stops),
            "highest": trace.minutes.iter().copied().fold(0.0, f64::max),
            "brief": trace.brief,
            "minutes": trace.minutes,
        })),
        "coverage": guards.coverage(outcome.devices).to_json(),
        "advice": advice,
    });
    add_inputs(&mut value, arguments);
    value
}

/// Adds what else it takes to come to the same.
pub fn add_inputs(value: &mut Value, arguments: &Simulate) {
    let topics = arguments.stop_topic.topics();
    if let Value::Object(fields) = value {
        fields.insert("command".to_owned(), arguments.command().into());
        fields
            .insert("stopMode".to_owned(), StopMode::from(arguments.stop_mode).to_string().into());
        fields.insert("stopTopic".to_owned(), topics.named().map(TopicArn::as_str).into());
        fields.insert("keeperDead".to_owned(), arguments.keeper_dead.into());
        fields.insert("open".to_owned(), arguments.open.json());
    }
}

fn of_firing(simulated: &Simulated, firing: &Firing) -> Value {
    json!({
        "guard": name(simulated, firing),
        "minute": firing.at.minutes(),
        "reason": firing.reason,
        "effectMinute": firing.effect.map(|effect| effect.at.minutes()),
    })
}

fn of_reached(reached: Reached) -> Value {
    let progress = reached.progress;
    json!({
        "notified": reached.notified,
        "exposed": reached.exposed,
        "queued": progress.queued,
        "inProgress": progress.in_progress,
        "succeeded": progress.ended.succeeded,
        "failed": progress.ended.failed,
        "rejected": progress.ended.rejected,
        "timedOut": progress.ended.timed_out,
        "canceled": progress.canceled,
    })
}

fn of_fleet(fleet: &Fleet, conditions: &Conditions) -> Value {
    let Conditions { drift, outage, offline, failing_after, rejecting_after, slow_first } =
        *conditions;
    let range = |(from, to): (f64, f64)| json!({"from": from, "to": to});
    let shares = |(from, to): (Share, Share)| range((from.get(), to.get()));
    let time = |time: Lognormal| json!({"median": time.median(), "sigma": time.sigma()});
    json!({
        "failed": fleet.failing.get(),
        "rejected": fleet.rejecting.get(),
        "silent": fleet.silent.get(),
        "unreachable": fleet.unreachable.get(),
        "slow": fleet.slow.get(),
        "start": time(fleet.start),
        "download": time(fleet.download),
        "slowDownload": time(fleet.slow_download),
        "lasting": fleet.lasting.get(),
        "retries": fleet.reported_retries,
        "steady": fleet.steady,
        "failedAfter": failing_after.map(time),
        "rejectedAfter": rejecting_after.map(time),
        "offline": offline.map(|offline| json!({"share": offline.share.get(), "time": time(offline.seconds)})),
        "outage": outage.map(|outage| json!({"from": outage.from.minutes(), "to": outage.to.minutes()})),
        "drift": json!({
            "time": drift.time.map(range),
            "failed": drift.failing.map(shares),
            "silent": drift.silent.map(shares),
        }),
        "slowFirst": slow_first,
    })
}

/// Many runs.
pub fn of_study(study: &Study) -> Value {
    let guard = |guard: &GuardShare| json!({"name": guard.name, "fired": of_proportion(guard.fired), "stopped": of_proportion(guard.stopped)});
    json!({
        "runs": study.runs,
        "stopped": of_proportion(study.stopped),
        "fired": of_proportion(study.fired),
        "guards": study.guards.iter().map(guard).collect::<Vec<_>>(),
        "exposed": study.exposed.map(of_spread),
        "exposedAtStop": study.exposed_at_stop.map(of_spread),
        "minutesToStop": study.minutes_to_stop.map(of_spread),
    })
}

/// A share of runs with its interval.
pub fn of_proportion(share: Proportion) -> Value {
    let (low, high) = share.interval();
    json!({"runs": share.count, "share": share.estimate(), "low": low, "high": high})
}

/// How a number is spread.
pub fn of_spread(spread: Spread) -> Value {
    let quantile = |quantile: Quantile| json!({"value": quantile.value, "low": quantile.low, "high": quantile.high});
    json!({"p5": quantile(spread.p5), "p50": quantile(spread.p50), "p95": quantile(spread.p95)})
}
