use super::ended::Ended;
use super::rollout::RecordedRollout;
use crate::simulation::Reached;
use tripline::job::EndedCounts;
use tripline::time::Timestamp;

/// What happened in each minute.
pub(super) struct Minutes {
    start: i64,
    minutes: Vec<Minute>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Minute {
    outcomes: [u32; 6],
    exposed: u32,
}

impl Minutes {
    pub fn new(first: Timestamp, last: Timestamp) -> Self {
        let start = first.minute().seconds();
        let number = last.seconds().saturating_sub(start).div_euclid(60).saturating_add(1);
        Self { start, minutes: vec![Minute::default(); usize::try_from(number).unwrap_or(0)] }
    }

    fn minute_of(&mut self, ended: &Ended) -> Option<&mut Minute> {
        let minute = ended.at.seconds().saturating_sub(self.start).div_euclid(60);
        self.minutes.get_mut(usize::try_from(minute).ok()?)
    }

    pub fn end(&mut self, ended: &Ended) {
        let place = RecordedRollout::OUTCOMES.iter().position(|outcome| *outcome == ended.outcome);
        let minute = self.minute_of(ended);
        if let Some(count) =
            minute.zip(place).and_then(|(minute, place)| minute.outcomes.get_mut(place))
        {
            *count += 1;
        }
    }

    pub fn expose(&mut self, ended: &Ended) {
        if let Some(minute) = self.minute_of(ended) {
            minute.exposed += 1;
        }
    }

    pub fn outcomes(&self) -> [u32; 6] {
        self.minutes.iter().fold([0; 6], |mut all, minute| {
            all.iter_mut().zip(minute.outcomes).for_each(|(all, more)| *all += more);
            all
        })
    }

    /// What had happened by the end of each minute.
    pub fn cumulated(self) -> Vec<Reached> {
        let mut reached = Reached::default();
        let cumulate = |minute: Minute| {
            // A removed execution is in none of AWS's counts.
            let [succeeded, failed, rejected, timed_out, canceled, _] = minute.outcomes;
            let endings = &mut reached.progress.ended;
            *endings = EndedCounts {
                succeeded: endings.succeeded + succeeded,
                failed: endings.failed + failed,
                rejected: endings.rejected + rejected,
                timed_out: endings.timed_out + timed_out,
            };
            reached.progress.canceled += canceled;
            reached.notified += minute.outcomes.iter().sum::<u32>();
            reached.exposed += minute.exposed;
            reached
        };
        self.minutes.into_iter().map(cumulate).collect()
    }
}
