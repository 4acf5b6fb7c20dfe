//! What the keeper has to know from minute to minute, whichever environment it runs in.
//!
//! Written as lines, which are small and quickly read: the first with the time since when somebody
//! has looked, then one a job, one a job whose guard was made whole lately, with a plus sign, and one a case that
//! people are alerted to, with an exclamation mark; no job's name can begin with these.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::pipeline::Pipeline;
use crate::announce::announced::Announced;
use tripline::job::JobId;
use tripline::time::Timestamp;
use tripline_guard::coverage::Counted;

/// Most jobs that are remembered: what DynamoDB takes in one item, with room.
pub const MAX_JOBS: usize = 1_300;
/// Most guards that are remembered as made whole lately: more than two alarms a second come to in five minutes.
pub const MAX_RESTORED: usize = 600;

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// Since when job events have been on and somebody has looked, in seconds since the epoch.
    pub since: i64,
    /// Job events were off at the last look.
    pub events_off: bool,
    /// By job.
    pub jobs: BTreeMap<JobId, Remembered>,
    /// Jobs whose guard was made whole, and when.
    pub restored: BTreeMap<JobId, Timestamp>,
    /// What people were alerted to, or are about to be.
    pub announced: Announced,
}

/// What is remembered of a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remembered {
    /// When it was created, in seconds since the epoch.
    pub created: i64,
    /// Events that were counted before it, of an earlier job of the same name.
    pub before: u32,
    /// Whether its endings are counted.
    pub pipeline: Pipeline,
    /// Devices that may have died at work.
    pub overdue: u32,
    /// Whether these are enough for people to look.
    pub worry: bool,
    /// Endings that were not counted because job events were off.
    pub lost: u32,
    /// What devices had reported when it was last asked.
    pub reported: Counted,
}

impl Memory {
    /// Reads what was written; what cannot be read is forgotten, and the watch begins again.
    pub fn from_text(text: Option<&str>, now: Timestamp) -> Self {
        text.and_then(Self::read)
            .unwrap_or_else(|| Self { since: now.seconds(), ..Self::default() })
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let since = lines.next()?.strip_prefix("since ")?;
        let on = since.strip_suffix(" off");
        let since = on.unwrap_or(since).parse().ok()?;
        let mut memory = Self { since, events_off: on.is_some(), ..Self::default() };
        for line in lines {
            let (job, numbers) = line.split_once(' ')?;
            if let Some(job) = job.strip_prefix('+') {
                let at = Timestamp::from_seconds(numbers.parse().ok()?);
                memory.restored.insert(JobId::new(job).ok()?, at);
            } else if let Some(job) = job.strip_prefix('!') {
                memory.announced.read(JobId::new(job).ok()?, numbers)?;
            } else {
                memory.jobs.insert(JobId::new(job).ok()?, Remembered::read(numbers, since)?);
            }
        }
        Some(memory)
    }

    /// As text, with at most [`MAX_JOBS`] jobs and [`MAX_RESTORED`] guards.
    pub fn to_text(&self) -> String {
        let off = if self.events_off { " off" } else { "" };
        let mut text = format!("since {}{off}", self.since);
        for (job, is) in self.jobs.iter().take(MAX_JOBS) {
            let [ended, counted, grown, uncounted, excess, asked] = is.pipeline.numbers();
            let Remembered { created, before, overdue, worry, lost, reported, .. } = is;
            let Counted { ended: reported, succeeded, download_times, invalid, .. } = reported;
            let worry = u8::from(*worry);
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "\n{job} {created} {before} {ended} {counted} {grown} {uncounted} {overdue} {worry} {excess} {asked} {lost} {succeeded} {download_times} {invalid} {reported}"
            );
        }
        for (job, at) in self.restored.iter().take(MAX_RESTORED) {
            let _ = write!(text, "\n+{job} {}", at.seconds());
        }
        self.announced.write(&mut text);
        text
    }

    /// Whether a job's whole life lies within what was watched.
    pub fn saw_beginning(&self, created: Timestamp) -> bool {
        created.seconds() >= self.since
    }

    /// What is remembered of a job.
    pub fn job(&self, job: &JobId) -> Option<Remembered> {
        self.jobs.get(job).copied()
    }

    /// Executions that ended while no event was counted, of all jobs.
    pub fn uncounted(&self) -> u64 {
        self.jobs.values().map(|job| u64::from(job.pipeline.uncounted())).sum()
    }

    /// Executions that were counted and have not ended, of all jobs.
    pub fn overcounted(&self) -> u64 {
        self.jobs.values().map(|job| u64::from(job.pipeline.overcounted())).sum()
    }

    /// Jobs with so many overdue devices that people should look.
    pub fn worrying(&self) -> usize {
        self.jobs.values().filter(|job| job.worry).count()
    }
}

impl Remembered {
    /// What an earlier version wrote ends sooner: nothing was asked since `since` then.
    fn read(text: &str, since: i64) -> Option<Self> {
        let mut words = text.split(' ');
        let mut number = || words.next()?.parse::<i64>().ok();
        let created = number()?;
        let before = u32::try_from(number()?).ok()?;
        let [ended, counted, grown, uncounted] = [number()?, number()?, number()?, number()?];
        let overdue = u32::try_from(number()?).ok()?;
        let worry = number()? != 0;
        let mut later = || match words.next() {
            Some(word) => word.parse::<i64>().ok().map(Some),
            None => Some(None),
        };
        let (excess, asked) = (later()?.unwrap_or(0), later()?.unwrap_or(since));
        let mut number = || u32::try_from(later()?.unwrap_or(0)).ok();
        let lost = number()?;
        let (succeeded, download_times, invalid) = (number()?, number()?, number()?);
        let all = number()?;
        let reported = Counted { ended: all, succeeded, download_times, invalid, uncounted: 0 };
        let pipeline = Pipeline::from_numbers([ended, counted, grown, uncounted, excess, asked])?;
        Some(Self { created, before, pipeline, overdue, worry, lost, reported })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;

    fn job(id: &str) -> JobId {
        JobId::new(id).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let mut memory = Memory { since: 1_790_000_000, ..Memory::default() };
        let then = Timestamp::from_seconds(30);
        let mut pipeline = Pipeline::seen(7, 6, then);
        let created = 1_790_000_000;
        let reported =
            Counted { ended: 9, succeeded: 7, download_times: 5, invalid: 2, uncounted: 0 };
        let is =
            Remembered { created, before: 3, pipeline, overdue: 6, worry: true, lost: 4, reported };
        memory.jobs.insert(job("fw-1"), is);
        let _ = pipeline.needs_count(9, Timestamp::from_seconds(60), 600);
        pipeline.judge(9, 6, Timestamp::from_seconds(660), 600);
        memory.jobs.insert(job("fw-2"), Remembered { pipeline, ..Remembered::default() });
        let now = Timestamp::from_seconds(1);
        memory.restored.insert(job("fw-1"), Timestamp::from_seconds(1_790_000_060));
        let text = memory.to_text();
        assert_eq!(
            text,
            "since 1790000000\nfw-1 1790000000 3 7 6 0 0 6 1 0 30 4 7 5 2 9\nfw-2 0 0 7 6 60 2 0 0 0 660 0 0 0 0 0\n+fw-1 1790000060"
        );
        assert_eq!(Memory::from_text(Some(&text), now), memory);
        memory.events_off = true;
        assert_eq!(Memory::from_text(Some(&memory.to_text()), now), memory);
        assert_eq!((memory.worrying(), memory.uncounted()), (1, 2));
        for unreadable in [
            None,
            Some(""),
            Some("since"),
            Some("{\"since\": 1}"),
            Some("since 9\nfw 1 2"),
            Some("since 9\nf.w 0 0 0 0 0 0 0 0"),
            Some("since 9\nfw 0 -1 0 0 0 0 0 0"),
            Some("since 9\nfw 0 0 0 0 0 0 0 0 0 soon"),
            Some("since 9\n!fw"),
            Some("since 9\n!fw case 0 0"),
            Some("since 9\n+fw"),
            Some("since 9\n+fw now"),
            Some("since 9\n+f.w 9"),
        ] {
            let fresh = Memory { since: 1, ..Memory::default() };
            assert_eq!(Memory::from_text(unreadable, now), fresh, "{unreadable:?}");
        }
    }

    #[test]
    fn what_an_earlier_version_wrote_is_read() {
        let now = Timestamp::from_seconds(1);
        let read = Memory::from_text(Some("since 9\nfw 2 0 7 6 0 0 5 1"), now);
        let pipeline = Pipeline::seen(7, 6, Timestamp::from_seconds(9));
        let expected =
            Remembered { created: 2, pipeline, overdue: 5, worry: true, ..Remembered::default() };
        assert_eq!(read.job(&job("fw")), Some(expected));
    }

    #[test]
    fn it_fits_into_one_item() {
        let mut memory = Memory { since: i64::MAX, ..Memory::default() };
        for number in 0..MAX_JOBS + 1 {
            let at = Timestamp::from_seconds(1_790_000_000);
            // Each number as long as it can be.
            let large = i64::from(u32::MAX);
            let numbers = [large, large, at.seconds(), large, -large, at.seconds()];
            let pipeline = Pipeline::from_numbers(numbers).unwrap();
            let is = Remembered {
                created: 1_790_000_000,
                before: u32::MAX,
                pipeline,
                overdue: u32::MAX,
                worry: true,
                lost: u32::MAX,
                reported: Counted {
                    ended: u32::MAX,
                    succeeded: u32::MAX,
                    download_times: u32::MAX,
                    invalid: u32::MAX,
                    uncounted: 0,
                },
            };
            let job = job(&format!("{number:x<64}"));
            let case = Finding::new(&job, "uncounted_while_off", String::new());
            let _ = memory.announced.due(&[case], at);
            memory.restored.insert(job.clone(), Timestamp::from_seconds(1_790_000_000));
            memory.jobs.insert(job, is);
        }
        let text = memory.to_text();
        assert!(text.len() < 400_000, "{}", text.len());
        let now = Timestamp::from_seconds(0);
        let read = Memory::from_text(Some(&text), now);
        assert_eq!((read.jobs.len(), read.restored.len()), (MAX_JOBS, MAX_RESTORED));
    }
}
