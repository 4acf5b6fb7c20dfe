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
    /// Those of which one fired, and nobody knows which: each of them may be back in OK.
    pub one_of: Vec<KnownAlarm>,
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
    /// What it watches, if that is of rollouts.
    fn rollouts(&self) -> Option<&Watched> {
        match &self.alarm.subject {
            KnownSubject::Metrics(watched) => Some(watched).filter(|it| !it.jobs.is_empty()),
            KnownSubject::Composite { .. } => None,
        }
    }

    fn is_composite(&self) -> bool {
        matches!(self.alarm.subject, KnownSubject::Composite { .. })
    }

    fn is_in_alarm(&self) -> bool {
        self.alarm.state == AlarmState::Alarm
    }
}

/// Whether an alarm says which rollout it is.
type Says<'a> = &'a dyn Fn(&Child) -> bool;

/// Which rollout a composite alarm is about, and which alarms have to have fired for it.
///
/// The alarms that the message names as the cause say which rollout it is: those themselves or, under
/// a composite one, those in ALARM or else all. Where none of these watches a rollout the others in
/// ALARM do, and where none is in ALARM any more, all together. Whichever says it, or the named
/// composite alarm above it, has to have fired itself; of all together the alarm itself has.
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
    let of_causes = |child: &Child| child.is_named || child.is_under_named;
    let in_alarm = |child: &Child| child.is_named || child.is_in_alarm();
    let all = |_: &Child| true;
    let passes: [(Says<'_>, bool); 4] =
        [(&firing_causes, true), (&of_causes, false), (&in_alarm, true), (&all, false)];
    let mut under = Under::default();
    for (says, has_to_fire) in passes {
        let chosen = || children.iter().filter(|child| says(child));
        // One that watches no rollout is a condition, such as maintenance, and may be older than it.
        let of_rollouts = || chosen().filter_map(|child| Some((child, child.rollouts()?)));
        for (child, watched) in of_rollouts() {
            under.watched.extend(watched.clone());
            if has_to_fire || child.is_named {
                under.causes.push(child.alarm.clone());
            } else {
                under.one_of.push(child.alarm.clone());
            }
        }
        if !under.watched.jobs.is_empty() {
            let above = chosen().filter(|child| child.is_named && child.is_composite());
            under.causes.extend(above.map(|child| child.alarm.clone()));
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
