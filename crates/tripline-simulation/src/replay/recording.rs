use std::collections::BTreeMap;

use serde_json::Value;

use super::begun::Begun;
use super::ended::Ended;
use super::frame::{is_plausible, leave_most, leave_near};
use super::identity::{self, KnownEvents};
use super::line::Line;
use super::rollout::{Read, RecordedRollout};
use tripline::detail::Detail;
use tripline::event::{EventId, ExecutionEnding, ExecutionEvent, InvalidDetail, PoisonEvent};
use tripline::job::JobId;
use tripline::text::excerpt;

/// Most jobs of a recording that are distinguished by name.
pub const MAX_JOBS: usize = 1_000;

/// Events that are being read, until they are the rollout of one job.
///
/// What it keeps of an event is about 100 bytes: its identity, when and how its device ended, and
/// the values of its metrics.
#[derive(Debug)]
pub struct Recording {
    /// The job whose events are kept: the one that is asked for, or else the first.
    job: Option<JobId>,
    asked_for: bool,
    /// Events of each job, deleted executions and repetitions included.
    jobs: BTreeMap<String, u64>,
    /// Events of jobs beyond [`MAX_JOBS`].
    more: u64,
    /// Several jobs and none asked for: nothing is kept any more.
    several: bool,
    counts: Counts,
    seen: KnownEvents,
    /// Read, and not yet looked up. A look-up waits for the memory; many at once wait together.
    waiting: Vec<Waiting>,
    endings: Vec<Ended>,
    begun: Vec<Begun>,
    misspelled: BTreeMap<Detail, String>,
    keeps_devices: bool,
}

#[derive(Debug)]
struct Waiting {
    id: Option<u128>,
    /// Without a name each event is of a device of its own.
    is_named: bool,
    ended: Ended,
}

/// Events that wait at most.
const WAITING: usize = 128;

/// How many events of which kind there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that could be read, of all jobs.
    pub events: u64,
    /// Of other jobs than the one that is replayed.
    pub of_other_jobs: u64,
    /// Repetitions of an event that was there before, by `eventId`.
    pub repeated: u64,
    /// Deleted executions, which count nothing.
    pub deleted: u64,
    /// Executions that began, of which only a recording of Tripline's own says when.
    pub begun: u64,
}

/// A line of which nothing can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// No function could handle it.
    #[error(transparent)]
    Poison(#[from] PoisonEvent),
    /// It has no time. A function would count it at the time of receipt, which is not recorded.
    #[error("timestamp: missing or no number, so there is no saying when it was")]
    NoTime,
    /// AWS IoT Jobs was not there yet, or it is most unlikely to be there still.
    #[error("timestamp: `{0}` is no time from 2009 to 2099, in seconds since 1970")]
    Implausible(i64),
    /// No job lasts that long. Which events are the odd ones is known when all are read
    /// ([`RecordedRollout::far_away`]).
    #[error("timestamp: `{0}` is more than two years from those of most other events")]
    TooFarAway(i64),
}

/// Why a recording is not the rollout of one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRollout {
    /// There is no event in it that could be read.
    Empty,
    /// It has events of several jobs, and none was asked for.
    SeveralJobs {
        /// The first [`MAX_JOBS`] of them with the number of their events.
        jobs: BTreeMap<String, u64>,
        /// Events of further jobs.
        more: u64,
    },
    /// It has no event of the job that was asked for.
    OtherJobs {
        /// Those that it has events of, the first [`MAX_JOBS`].
        jobs: BTreeMap<String, u64>,
    },
    /// It has events of the job, and none of them says how an execution ended.
    NothingEnded(JobId),
}

impl Recording {
    /// Nothing yet, to be the rollout of `job`, or of the only job in it.
    pub fn new(job: Option<JobId>) -> Self {
        Self {
            asked_for: job.is_some(),
            job,
            jobs: BTreeMap::new(),
            more: 0,
            several: false,
            counts: Counts::default(),
            seen: KnownEvents::default(),
            waiting: Vec::new(),
            endings: Vec::new(),
            begun: Vec::new(),
            misspelled: BTreeMap::new(),
            keeps_devices: false,
        }
    }

    /// Keeps when each device began and ended, which takes memory, and is known of recordings only that
    /// say when executions began unless it is asked for.
    #[must_use]
    pub fn keeping_devices(self) -> Self {
        Self { keeps_devices: true, ..self }
    }

    /// Takes the event of the line of this number.
    pub fn read(&mut self, number: u64, line: &[u8]) -> Result<(), Unusable> {
        if let Some(line) = Line::read(line) {
            return self.take(number, line);
        }
        let value: Value = serde_json::from_slice(line).map_err(|error| {
            // An event is one line, so its place in the line is all there is to say.
            let text = error.to_string().replace(" at line 1 column ", " at column ");
            PoisonEvent::NotJson(excerpt(&text))
        })?;
        let event = ExecutionEvent::from_value(&value)?;
        let line = Line {
            id: event.id.as_ref().map(EventId::as_str),
            job: event.job.as_str(),
            thing: value.get("thingArn").and_then(Value::as_str),
            at: event.at,
            ending: event.ending,
            began_after: None,
        };
        self.take(number, line)
    }

    fn take(&mut self, number: u64, line: Line<'_>) -> Result<(), Unusable> {
        if let Some(attempts) = line.began_after {
            return self.begin(&line, attempts);
        }
        let ended = match (line.ending, line.at) {
            (Some(_), Some(at)) if !is_plausible(at) => {
                return Err(Unusable::Implausible(at.seconds()));
            }
            (Some(ending), Some(at)) => Some((ending, at)),
            (Some(_), None) => return Err(Unusable::NoTime),
            (None, _) => None,
        };
        if !self.is_of_job(line.job)? {
            self.counts.events += 1;
            self.counts.of_other_jobs += 1;
            return Ok(());
        }
        let Some((ending, at)) = ended else {
            self.counts.events += 1;
            self.counts.deleted += 1;
            return Ok(());
        };
        self.counts.events += 1;
        self.note_misspelled(&ending);
        let device = line.thing.map(identity::device);
        self.waiting.push(Waiting {
            id: line.id.map(identity::event),
            is_named: device.is_some(),
            ended: Ended::new(device.unwrap_or_default(), number, at, &ending),
        });
        if self.waiting.len() >= WAITING {
            self.look_up();
        }
        Ok(())
    }

    /// Takes note of keys that are nearly those of details.
    fn note_misspelled(&mut self, ending: &ExecutionEnding) {
        for invalid in &ending.invalid {
            let InvalidDetail::Key { meant, key } = invalid else { continue };
            let first = self.misspelled.entry(*meant).or_insert_with(|| key.clone());
            if key < first {
                first.clone_from(key);
            }
        }
    }

    /// Takes an execution that began. One without a device is counted, and nothing comes of it.
    fn begin(&mut self, line: &Line<'_>, attempts: u64) -> Result<(), Unusable> {
        let at = line.at.ok_or(Unusable::NoTime)?;
        if !is_plausible(at) {
            return Err(Unusable::Implausible(at.seconds()));
        }
        let is_of_job = self.is_of_job(line.job)?;
        self.counts.events += 1;
        if is_of_job {
            self.counts.begun += 1;
            let device = line.thing.map(identity::device);
            let begun = device.map(|device| Begun { device, at, is_retry: attempts > 0 });
            self.begun.extend(begun);
        } else {
            self.counts.of_other_jobs += 1;
        }
        Ok(())
    }

    /// Counts what was read and was not there before.
    fn look_up(&mut self) {
        let before = self.waiting.len();
        self.waiting.retain(|event| event.id.is_none_or(|id| self.seen.insert(id)));
        self.counts.repeated += (before - self.waiting.len()) as u64;
        for Waiting { is_named, mut ended, .. } in self.waiting.drain(..) {
            if !is_named {
                ended.device = u64::MAX - self.endings.len() as u64;
            }
            self.endings.push(ended);
        }
    }

    /// Counts an event for its job. Whether it is to be kept.
    fn is_of_job(&mut self, job: &str) -> Result<bool, PoisonEvent> {
        if let Some(count) = self.jobs.get_mut(job) {
            *count += 1;
        } else {
            let checked = JobId::new(job)?;
            if self.jobs.len() < MAX_JOBS {
                self.jobs.insert(job.to_owned(), 1);
            } else {
                self.more += 1;
            }
            if self.job.is_none() {
                self.job = Some(checked);
            } else if !self.asked_for && !self.several {
                *self = Self {
                    several: true,
                    jobs: std::mem::take(&mut self.jobs),
                    counts: self.counts,
                    keeps_devices: self.keeps_devices,
                    ..Self::new(self.job.take())
                };
            }
        }
        Ok(!self.several && self.job.as_ref().is_some_and(|ours| ours.as_str() == job))
    }

    /// What was read, as the rollout of one job.
    pub fn rollout(mut self) -> Result<RecordedRollout, NoRollout> {
        if self.several {
            return Err(NoRollout::SeveralJobs { jobs: self.jobs, more: self.more });
        }
        let Some(job) = self.job.take().filter(|_| self.counts.events > 0) else {
            return Err(NoRollout::Empty);
        };
        if self.counts.events == self.counts.of_other_jobs {
            return Err(NoRollout::OtherJobs { jobs: self.jobs });
        }
        self.look_up();
        drop(self.seen);
        let Some((first, last, far_away)) = leave_most(&mut self.endings) else {
            return Err(NoRollout::NothingEnded(job));
        };
        self.counts.events -= far_away.events;
        leave_near(&mut self.begun, first);
        let keeps_devices = self.keeps_devices || !self.begun.is_empty();
        let read = Read {
            counts: self.counts,
            far_away,
            endings: self.endings,
            begun: self.begun,
            misspelled: self.misspelled,
            keeps_devices,
        };
        Ok(RecordedRollout::new(job, (first, last), read))
    }
}
