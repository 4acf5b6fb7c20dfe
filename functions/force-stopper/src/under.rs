//! The alarms under a composite alarm: which of them say what rollout it is about.

use std::collections::BTreeSet;

use tripline::notification::{AlarmState, Watched, alarms_in_rule};
use tripline::stop::{KnownAlarm, KnownSubject, Refusal};
use tripline::text::bare_name;

use crate::ask::DescribeAlarms;
use crate::failed::Cause;

/// Most alarms under a composite alarm that are looked at: CloudWatch's limit on children, and on
/// the names in one call.
const MAX_CHILDREN: usize = 100;
/// How deep composite alarms are followed.
const MAX_DEPTH: usize = 5;

/// What the alarms under a composite alarm watch.
#[derive(Debug, Default)]
pub(crate) struct Under {
    pub watched: Watched,
    /// Those that have to have fired since the rollout began.
    pub causes: Vec<KnownAlarm>,
}

/// An alarm under a composite one.
struct Child {
    alarm: KnownAlarm,
    /// The message names it as a cause.
    is_named: bool,
    /// It is under one that the message names.
    is_under_named: bool,
}

impl Child {
    /// What it watches, if it is no composite alarm itself.
    fn metrics(&self) -> Option<&Watched> {
        match &self.alarm.subject {
            KnownSubject::Metrics(watched) => Some(watched),
            KnownSubject::Composite { .. } => None,
        }
    }

    fn is_in_alarm(&self) -> bool {
        self.alarm.state == AlarmState::Alarm
    }
}

/// Which rollout a composite alarm is about, and which alarms have to have fired for it.
///
/// The alarms that the message names as the cause say which rollout it is, or those in ALARM under
/// them, or any under them. Where none of these watches a rollout, the others in ALARM do. Whichever
/// says it has to have fired itself, or the one that is named above it.
pub(crate) async fn under<C: DescribeAlarms>(
    client: &C,
    alarm: &KnownAlarm,
    triggering: &BTreeSet<String>,
) -> Result<Under, Cause> {
    let children = descendants(client, alarm, triggering).await?;
    let is_there = |name: &&String| children.iter().any(|child| child.alarm.name == **name);
    if let Some(stranger) = triggering.iter().find(|name| !is_there(name)) {
        let claimed = format!("alarm `{}`", bare_name(stranger));
        return Err(Refusal::WatchesAnother { alarm: bare_name(&alarm.name), claimed }.into());
    }
    let firing_causes = |child: &Child| {
        child.is_named || child.is_in_alarm() && (child.is_under_named || triggering.is_empty())
    };
    let in_alarm = |child: &Child| child.is_named || child.is_in_alarm();
    // A named composite alarm that has recovered: it has to have fired, and what is under it agree.
    let of_causes = |child: &Child| child.is_named || child.is_under_named;
    let mut under = Under::default();
    for (says, has_to_fire) in
        [(&firing_causes as &dyn Fn(&Child) -> bool, true), (&of_causes, false), (&in_alarm, true)]
    {
        let chosen: Vec<&Child> = children.iter().filter(|child| says(child)).collect();
        for watched in chosen.iter().filter_map(|child| child.metrics()) {
            under.watched.extend(watched.clone());
        }
        if !under.watched.jobs.is_empty() {
            let has_to = |child: &&&Child| child.is_named || has_to_fire;
            under.causes = chosen.iter().filter(has_to).map(|child| child.alarm.clone()).collect();
            break;
        }
    }
    Ok(under)
}

/// All alarms under a composite alarm that CloudWatch has.
async fn descendants<C: DescribeAlarms>(
    client: &C,
    alarm: &KnownAlarm,
    triggering: &BTreeSet<String>,
) -> Result<Vec<Child>, Cause> {
    let mut found: Vec<KnownAlarm> = Vec::new();
    let mut asked = BTreeSet::new();
    let mut names = children(alarm);
    for _ in 0..MAX_DEPTH {
        names.retain(|name| !asked.contains(name));
        let next: Vec<String> = names.iter().take(MAX_CHILDREN).cloned().collect();
        if next.is_empty() {
            break;
        }
        asked.extend(next.iter().cloned());
        let mut level = client.describe_alarms(&next).await?;
        // That one is not there is asked twice.
        let is_missing = |name: &&String| !level.iter().any(|alarm| alarm.name == **name);
        let missing: Vec<String> = next.iter().filter(is_missing).cloned().collect();
        if !missing.is_empty() {
            level.extend(client.describe_alarms(&missing).await?);
        }
        names = level.iter().flat_map(children).collect();
        found.extend(level);
    }
    // Whatever is under a named one, by whichever way it was found.
    let mut under_named = BTreeSet::new();
    for _ in 0..MAX_DEPTH {
        let is_cause = |alarm: &&KnownAlarm| {
            triggering.contains(&alarm.name) || under_named.contains(&alarm.name)
        };
        let below: BTreeSet<String> = found.iter().filter(is_cause).flat_map(children).collect();
        under_named.extend(below);
    }
    let child = |alarm: KnownAlarm| Child {
        is_named: triggering.contains(&alarm.name),
        is_under_named: under_named.contains(&alarm.name),
        alarm,
    };
    Ok(found.into_iter().map(child).collect())
}

fn children(alarm: &KnownAlarm) -> BTreeSet<String> {
    match &alarm.subject {
        KnownSubject::Metrics(_) => BTreeSet::new(),
        KnownSubject::Composite { rule } => alarms_in_rule(rule),
    }
}
