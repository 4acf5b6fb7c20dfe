//! A minute ends before its function is cut off, and before the next.

use tripline::metric::KeptMetric;

use super::world::{START, TAGS_PAGE};
use super::*;
use crate::ask::{JobGauge, MAX_GAUGES};
use crate::aws::CALL_TIMEOUT;
use crate::clock::{LIMIT, PUBLISH, WORK};

/// What the limits are made of.
#[test]
fn the_last_call_of_each_kind_ends_in_time() {
    assert!(WORK + 2 * CALL_TIMEOUT <= PUBLISH, "the numbers of jobs would have no turn");
    assert!(PUBLISH + CALL_TIMEOUT < LIMIT);
}

/// Many jobs, with more numbers to publish than fit a request, and more tags than there are on a page.
fn crowd() -> Account {
    const JOBS: usize = 1_200;
    let account = Account::new();
    let mut memory = format!("since {START}");
    for job in 0..JOBS {
        let name = format!("job{job:04}");
        account.job(&name, 60);
        account.change(&name, |job| {
            job.at_work = vec![0; 10];
            job.tags = (0..=TAGS_PAGE).map(|n| (format!("tag{n}"), String::new())).collect();
        });
        memory.push_str(&format!("\n{name} {} 0 0 0 0 0 10 1", START - 60));
    }
    account.world().memory = Some(memory);
    account
}

#[tokio::test]
async fn however_slow_aws_becomes_a_minute_ends_in_time() {
    for slow_after in (0..WORK.as_secs()).step_by(3).chain([41]) {
        let account = crowd();
        let start = Duration::from_secs(START);
        account.world().slow_from = Some(start + Duration::from_secs(slow_after));
        // Whether it says that it could not do everything is not the point.
        let _ = account.keeper().tick().await;
        let took = account.world().now - start;
        assert!(took < LIMIT, "{took:?}, slow after {slow_after} s");
    }
}

/// The stack's numbers come first, since an alarm waits for them, and other jobs' each minute.
#[tokio::test]
async fn what_there_is_no_time_to_publish_is_published_another_minute() {
    let account = crowd();
    let last_second = WORK - Duration::from_secs(1);
    account.world().slow_from = Some(Duration::from_secs(START) + last_second);
    let failed = account.keeper().tick().await.unwrap_err();
    assert_eq!(failed.first.to_string(), "PutMetricData: not done within this minute");
    let overdue = || {
        let last = account.world().published.last().unwrap().clone();
        let is_count = |(_, metric, _): &JobGauge| *metric == KeptMetric::OverdueCount;
        (last.stack.len(), last.jobs.into_iter().filter(is_count).collect::<Vec<_>>())
    };
    let (of_stack, first) = overdue();
    assert_eq!((of_stack, first.len()), (5, MAX_GAUGES));
    {
        let mut world = account.world();
        world.now = Duration::from_secs(START + 60);
        world.slow_from = Some(world.now + last_second);
    }
    let _ = account.keeper().tick().await;
    let (_, second) = overdue();
    assert!(second.iter().any(|gauge| !first.contains(gauge)));
}
