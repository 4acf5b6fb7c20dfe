//! Time, so that a test can have its own, and how it is used: no more calls a second than there may
//! be, and none begun so late that the function could be cut off.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::aws::CALL_TIMEOUT;
use crate::pace::Pace;
use tripline::time::Timestamp;

/// From the beginning of an invocation, after this no call is begun that looks or changes something.
pub const WORK: Duration = Duration::from_secs(42);
/// After this not even a number is published. The last of the work ends [`CALL_TIMEOUT`] after [`WORK`]; there is
/// room then for two calls one after another, those of the stack's numbers and of a thousand of jobs'.
pub const PUBLISH: Duration = Duration::from_secs(50);

/// So many rollouts are described in a minute, with some room.
pub(crate) const FIT_A_MINUTE: usize = 140;

/// The function's timeout in the template: more than [`CALL_TIMEOUT`] after [`PUBLISH`], and over before the next
/// minute begins.
pub const LIMIT: Duration = Duration::from_secs(55);

/// Reads the time, and waits.
pub trait Clock {
    /// Since 1970-01-01T00:00:00Z.
    fn now(&self) -> Duration;
    /// Waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Calls that have a quota of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// `ListJobs`: 10 a second.
    ListJobs,
    /// `DescribeJob`: 10 a second, and a stop needs it too.
    DescribeJob,
    /// `DescribeJob` of a job that is to be armed: it does not wait for those that are watched.
    DescribeNewJob,
    /// AWS IoT's `ListTagsForResource`: 10 a second.
    JobTags,
    /// `ListJobExecutionsForJob`: 10 a second.
    Executions,
    /// `ListThingsInThingGroup`: 25 a second.
    Things,
    /// `DescribeAlarms`: 9 a second, and a stop needs it too.
    DescribeAlarms,
    /// `PutMetricAlarm`: 3 a second.
    PutAlarm,
    /// `DeleteAlarms`: 3 a second.
    DeleteAlarms,
    /// CloudWatch's `ListTagsForResource`.
    AlarmTags,
    /// `ListAlarmMuteRules` and `GetAlarmMuteRule`.
    MuteRules,
    /// `GetMetricData`: 500 a second.
    Metrics,
    /// Items of the stack's own table.
    Table,
}

impl Call {
    /// So many a second are made. The account has its quotas for everybody, so they are not used up.
    pub fn a_second(self) -> u32 {
        match self {
            Self::PutAlarm | Self::DeleteAlarms => 2,
            Self::DescribeNewJob => 3,
            Self::DescribeJob | Self::AlarmTags | Self::MuteRules => 5,
            Self::DescribeAlarms => 6,
            Self::ListJobs | Self::JobTags | Self::Executions | Self::Things => 8,
            Self::Metrics => 20,
            Self::Table => 50,
        }
    }
}

/// How the calls are spread, from minute to minute.
#[derive(Debug, Default)]
pub struct Paces(Mutex<BTreeMap<Call, Pace>>);

/// One invocation.
#[derive(Debug)]
pub(crate) struct Minute<'a, K> {
    clock: &'a K,
    paces: &'a Paces,
    start: Duration,
}

impl<'a, K: Clock> Minute<'a, K> {
    pub fn begin(clock: &'a K, paces: &'a Paces) -> Self {
        Self { clock, paces, start: clock.now() }
    }

    /// When it began, as all of its judgments have it.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_seconds(i64::try_from(self.start.as_secs()).unwrap_or(i64::MAX))
    }

    /// Another number each minute.
    pub fn turn(&self) -> u64 {
        self.start.as_secs() / 60
    }

    /// How much of this part of the minute's work is left, in percent.
    pub fn left(&self, percent: u32) -> Duration {
        (self.start + WORK * percent / 100).saturating_sub(self.clock.now())
    }

    /// Whether there is still time to publish something.
    pub fn may_publish(&self) -> bool {
        self.clock.now() <= self.start + PUBLISH
    }

    /// Whether there is still time to alert people, and to write down afterwards that they were.
    pub fn may_alert(&self) -> bool {
        self.clock.now() + CALL_TIMEOUT <= self.start + PUBLISH
    }

    /// Waits until a call may be made. `false`: not within this part of the minute's work, in percent.
    pub async fn may(&self, call: Call, percent: u32) -> bool {
        let until = self.start + WORK * percent / 100;
        loop {
            let now = self.clock.now();
            let wait = {
                let mut paces = self.paces.0.lock().unwrap_or_else(PoisonError::into_inner);
                let pace = paces.entry(call).or_insert_with(|| Pace::new(call.a_second()));
                let wait = pace.wait(now);
                if now + wait > until {
                    return false;
                }
                if wait.is_zero() {
                    pace.called(now);
                    return true;
                }
                wait
            };
            self.clock.sleep(wait).await;
        }
    }
}
