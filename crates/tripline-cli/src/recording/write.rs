//! The lines of a job's executions, as `tripline replay` and `tripline calibrate` read them.

use serde_json::{Value, json};
use tripline::job::JobId;
use tripline::metric::Outcome;

use super::executions::JobExecution;

/// A line for each execution that began, and one for each that ended, in the order of time.
pub fn recording_of(job: &JobId, executions: &[JobExecution]) -> String {
    let mut lines: Vec<(i64, Value)> = Vec::new();
    for execution in executions {
        let line = |operation: &str, at: i64| {
            let mut line = json!({
                "eventType": "JOB_EXECUTION",
                "jobId": job.as_str(),
                "operation": operation,
                "thingArn": execution.thing_arn,
                "timestamp": at,
            });
            if execution.retries > 0
                && let Some(fields) = line.as_object_mut()
            {
                fields.insert("retryAttempt".to_owned(), execution.retries.into());
            }
            (at, line)
        };
        lines.extend(execution.began.map(|at| line("in_progress", at)));
        let ended = execution.outcome.map(|outcome| line(operation(outcome), execution.changed));
        lines.extend(ended);
    }
    // A device's beginning stays before its end.
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().map(|(_, line)| format!("{line}\n")).collect()
}

/// What AWS IoT's events call an outcome.
fn operation(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Rejected => "rejected",
        Outcome::TimedOut => "timed_out",
        Outcome::Canceled => "canceled",
        Outcome::Removed => "removed",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tripline::time::Timestamp;
    use tripline_simulation::replay::{Began, DeviceTimes};

    use super::*;
    use crate::recording::lines::Lines;
    use crate::recording::read;

    const START: i64 = 1_790_000_000;

    fn execution(thing: u32, began: Option<i64>, ended: Option<Outcome>) -> JobExecution {
        JobExecution {
            thing_arn: format!("arn:aws:iot:eu-west-1:111122223333:thing/pump-{thing}"),
            outcome: ended,
            began: began.map(|at| START + at),
            changed: START + 100 + i64::from(thing),
            retries: 0,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let again = JobExecution { retries: 2, ..execution(6, Some(50), Some(Outcome::Failed)) };
        let all = [
            execution(1, Some(0), Some(Outcome::Succeeded)),
            execution(2, Some(5), Some(Outcome::TimedOut)),
            execution(3, None, Some(Outcome::Rejected)),
            execution(4, Some(7), None),
            execution(5, None, None),
            again,
        ];
        let job = JobId::new("fw").unwrap();
        let text = recording_of(&job, &all);
        assert_eq!(text.lines().count(), 8);
        let first = text.lines().next().unwrap();
        assert_eq!(
            first,
            r#"{"eventType":"JOB_EXECUTION","jobId":"fw","operation":"in_progress","thingArn":"arn:aws:iot:eu-west-1:111122223333:thing/pump-1","timestamp":1790000000}"#
        );
        let lines = Lines::from_reader(Cursor::new(text.into_bytes())).unwrap();
        let read = read::rollout("x", lines, read::Wanted { strict: true, ..Default::default() });
        let rollout = read.unwrap().rollout;
        assert_eq!((rollout.outcomes, rollout.counts.begun), ([1, 1, 1, 1, 0, 0], 4));
        let at = |seconds| Timestamp::from_seconds(START + seconds);
        let mut times = rollout.device_times;
        let key = |device: &DeviceTimes| match device.began {
            Began::Recorded(at) => at.seconds(),
            _ => 0,
        };
        times.sort_by_key(key);
        let began: Vec<Began> = times.iter().map(|device| device.began).collect();
        let recorded = |seconds| Began::Recorded(at(seconds));
        assert_eq!(began, [Began::AtItsEnd, recorded(0), recorded(5), recorded(7), recorded(50)]);
        assert_eq!(times[1].ended, Some((at(101), Outcome::Succeeded)));
        assert_eq!((times[3].ended, times[4].is_retry), (None, true));
    }
}
