//! What is to be done about the alarms of all jobs, most urgent first.

use std::collections::BTreeSet;

use tripline::job::JobId;

use super::{Put, Reconciled};

/// What there is of an ended job's guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The job.
    pub job: JobId,
    /// Its alarms, all of which are this stack's.
    pub alarms: Vec<String>,
    /// Its config is kept.
    pub is_stored: bool,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Create an alarm that is missing, or make one what it is to be.
    Put {
        /// Its job.
        job: JobId,
        /// The alarm.
        put: Put,
    },
    /// Delete an alarm.
    Remove {
        /// Its job.
        job: JobId,
        /// Its name.
        name: String,
    },
    /// Delete an ended job's config.
    Forget {
        /// The job.
        job: JobId,
    },
}

/// What to do, in this order: missing alarms that stop are created, and altered ones repaired; the same of
/// those that only alert; those of the default guard are removed where a job's own has taken their place, and
/// ended jobs tidied up.
///
/// `turn` is another number each minute (such as the minute itself). If there is more to do than a
/// minute allows, every second job is one of the newest, and those between begin elsewhere each turn:
/// new rollouts do not wait for old ones, and no job that cannot be armed keeps another from it.
pub fn plan(jobs: &[Reconciled], ended: &[Ended], turn: u64) -> Vec<Action> {
    let mut actions = Vec::new();
    let order = order(jobs, turn, |guard| (std::cmp::Reverse(guard.created), guard.job.clone()));
    for (stops, is_new) in [(true, true), (true, false), (false, true), (false, false)] {
        for guard in &order {
            let puts = guard.puts.iter();
            let puts = puts.filter(|put| (put.stops, put.is_new) == (stops, is_new));
            let put = |put: &Put| Action::Put { job: guard.job.clone(), put: put.clone() };
            actions.extend(puts.map(put));
        }
    }
    // Not before what takes their place stands.
    for guard in order.iter().filter(|guard| !guard.puts.iter().any(|put| put.is_new)) {
        let remove = |name: &String| Action::Remove { job: guard.job.clone(), name: name.clone() };
        actions.extend(guard.superseded.iter().map(remove));
    }
    let mut ended: Vec<&Ended> = ended.iter().collect();
    rotate(&mut ended, turn);
    for ended in ended {
        let job = &ended.job;
        let remove = |name: &String| Action::Remove { job: job.clone(), name: name.clone() };
        actions.extend(ended.alarms.iter().map(remove));
        if ended.is_stored {
            actions.push(Action::Forget { job: job.clone() });
        }
    }
    actions
}

/// Newest first by `key`, alternating with a place that moves on; which of the two begins, alternates too.
pub fn order<T, K: Ord>(items: &[T], turn: u64, key: impl Fn(&T) -> K) -> Vec<&T> {
    let mut newest: Vec<usize> = (0..items.len()).collect();
    newest.sort_by_cached_key(|place| items.get(*place).map(&key));
    let mut moving = newest.clone();
    rotate(&mut moving, turn / 2);
    let mut taken = BTreeSet::new();
    let both = newest.into_iter().zip(moving);
    let both = both.flat_map(|(a, b)| if turn.is_multiple_of(2) { [a, b] } else { [b, a] });
    both.filter(|place| taken.insert(*place)).filter_map(|place| items.get(place)).collect()
}

/// Begins elsewhere each turn. The step has no small divisor in common with any length, so that
/// every place comes first before long.
fn rotate<T>(items: &mut [T], turn: u64) {
    const STEP: u64 = 7_919;
    if let Some(length) = u64::try_from(items.len()).ok().filter(|length| *length > 0) {
        let by = turn.wrapping_mul(STEP) % length;
        items.rotate_left(usize::try_from(by).unwrap_or(0));
    }
}
