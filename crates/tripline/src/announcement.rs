//! What people are sent: one plain message, and a short one that fits an SMS.

use std::fmt::Write;

use crate::job::{ExecutionCounts, JobId, JobPlace};
use crate::stop::{Certainty, Firing, Refusal, comment_for};
use crate::text::{ascii, bare_name, clean, excerpt};
use crate::time::Timestamp;

/// Longest subject of an e-mail, in ASCII characters (SNS `Publish`, `Subject`: fewer than 100).
pub const MAX_SUBJECT: usize = 99;
/// Longest SMS, in ASCII characters, that is sent as one part.
pub const MAX_SMS: usize = 140;

/// A message to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// ASCII, 1 to [`MAX_SUBJECT`] characters.
    pub subject: String,
    /// The whole message.
    pub body: String,
    /// The same in ASCII and at most [`MAX_SMS`] characters.
    pub sms: String,
}

/// What was done about a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Canceled; executions in progress go on.
    Canceled,
    /// Canceled with the executions in progress.
    Aborted,
    /// AWS IoT took the stop, and could not be asked afterwards whether the job is canceled.
    Taken,
    /// Nothing, because the guard only observes.
    Observed,
    /// Held: it goes on with one device a minute until a person has decided.
    Held,
}

/// The alarm that a message to people is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// Its rule in CloudWatch, in words.
    pub rule: Option<String>,
    /// That it fired, as CloudWatch reports it. Without it nothing but the name is quoted, and that
    /// as a [`bare_name`]: whoever may publish to a topic may have written the rest.
    pub firing: Option<Firing>,
    /// What the guard-keeper's own item says of it, if it is on evidence and that was read.
    pub evidence: Option<String>,
}

/// Most characters of what the guard-keeper's item says.
const MAX_EVIDENCE: usize = 400;

impl Alarm {
    /// An alarm of which nothing is known but what a message calls it.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), rule: None, firing: None, evidence: None }
    }

    /// The comment of a stop by this delivery: see [`comment_for`]. Evidence stands before CloudWatch's
    /// reason, which says the same as a number.
    pub fn comment(&self, delivery: &str) -> String {
        let firing = self.firing.as_ref().map(|firing| match &self.evidence {
            Some(evidence) => {
                let reason = format!("{} {}", clean(evidence, MAX_EVIDENCE), firing.reason);
                Firing { reason, at: firing.at }
            }
            None => firing.clone(),
        });
        comment_for(&self.name, firing.as_ref(), Some(delivery))
    }

    fn shown(&self) -> String {
        if self.firing.is_some() { clean(&self.name, 255) } else { bare_name(&self.name) }
    }
}

impl Announcement {
    /// Announces a stop, or of one that would have been made. `fallback` is the job that devices with the
    /// firmware can be taken back to, as far as it is known: what it takes is said, and a person does it.
    pub fn stop(
        job: &JobId,
        alarm: &Alarm,
        done: Done,
        certainty: &Certainty,
        counts: Result<ExecutionCounts, &str>,
        fallback: Option<&JobId>,
    ) -> Self {
        let verb = match done {
            Done::Canceled | Done::Aborted => "stopped",
            Done::Taken => "asked AWS IoT to stop",
            Done::Observed => "would have stopped",
            Done::Held => "holds",
        };
        let name = short_name(job, &alarm.shown());
        let mut body = format!("Tripline {verb} rollout {job}.\n\n");
        let mut line = |name: &str, text: &str| {
            let _ = writeln!(body, "{name:<9}{text}");
        };
        line("alarm", &alarm.shown());
        if let Some(Firing { reason, at }) = &alarm.firing {
            if let Some(evidence) = &alarm.evidence {
                line("evidence", &clean(evidence, MAX_EVIDENCE));
            }
            if let Some(rule) = &alarm.rule {
                line("limit", rule);
            }
            line("reason", &clean(reason, 1_024));
            if let Some(at) = at {
                line("fired", &Timestamp::from_seconds(*at).rfc3339());
            }
        }
        line(
            "done",
            match done {
                Done::Canceled => {
                    "AWS IoT canceled the job: devices in progress go on, no other device receives it"
                }
                Done::Aborted => {
                    "AWS IoT aborted the job: devices in progress are canceled too, no other device receives it"
                }
                Done::Taken => {
                    "AWS IoT accepted the stop, but did not answer whether the job is canceled"
                }
                Done::Observed => "nothing: StopMode is `observe`, so the rollout goes on",
                Done::Held => {
                    "Tripline holds the job: it notifies one device a minute, and the next wave does not begin"
                }
            },
        );
        if let Certainty::Unverified(cause) = certainty {
            line(
                "note",
                &format!(
                    "unverified: AWS did not answer whether the alarm fired ({})",
                    clean(cause, 300)
                ),
            );
        }
        match counts {
            Ok(counts) => {
                line(
                    "devices",
                    &format!(
                        "{} succeeded, {} failed, {} in progress",
                        counts.ended.succeeded,
                        counts.ended.unsuccessful(),
                        counts.in_progress
                    ),
                );
                let waiting = match counts.will_not_receive() {
                    0 => "those not yet notified".to_owned(),
                    n => format!("{n} queued devices, and those not yet notified,"),
                };
                let will = match done {
                    Done::Observed => "will receive it",
                    Done::Held => "receive it one a minute",
                    _ => "will not receive it",
                };
                // AWS IoT counts no device that a rate-limited rollout has not reached yet.
                line("", &format!("{waiting} {will}"));
            }
            Err(cause) => line("devices", &format!("not known ({})", clean(cause, 300))),
        }
        body.push('\n');
        body += &match done {
            Done::Observed => format!("To stop it by hand: tripline stop --job-id {job}\n"),
            Done::Held => format!(
                "To go on as before: tripline release go-on --job-id {job}\nTo stop it:         tripline stop --job-id {job}\nTripline alerts you again if AWS IoT still notifies more than two devices a minute.\n"
            ),
            Done::Taken => {
                format!(
                    "Check it: tripline watch --job-id {job}\nIf it goes on: tripline stop --job-id {job}\n"
                )
            }
            Done::Canceled | Done::Aborted => format!(
                "To resume once you have found the cause: tripline resume --job-id {job}\nThis creates a new job with the same document for the devices that do not have the firmware.\nNobody can restart a canceled job.\n{}",
                way_back(job, counts, fallback)
            ),
        };
        let numbers = match counts {
            Ok(c) => {
                let rest = match done {
                    Done::Observed | Done::Held => "",
                    _ => ", the rest spared",
                };
                let (ok, failed) = (c.ended.succeeded, c.ended.unsuccessful());
                format!("{ok} ok, {failed} failed, {} running{rest}", c.in_progress)
            }
            Err(_) => "counts not known".to_owned(),
        };
        let has_it = counts.is_ok_and(|counts| counts.ended.succeeded > 0);
        let unverified = if *certainty == Certainty::Verified { "" } else { " (unverified)" };
        let head = format!("Tripline {verb} {job}{unverified}");
        let evidence = alarm.evidence.as_ref().filter(|_| alarm.firing.is_some());
        Self {
            subject: ascii(&format!("Tripline {verb} rollout {job}"), MAX_SUBJECT),
            body,
            sms: with_next(
                match evidence {
                    Some(evidence) => fit_evidence(&head, evidence),
                    None => fit_sms(&head, &name, &numbers),
                },
                done,
                has_it,
            ),
        }
    }

    /// Alerts to a rollout that goes on although an alarm asked for a stop, which Tripline tries again.
    /// `cause` is AWS's answer.
    pub fn not_stopped(job: &JobId, alarm: &Alarm, cause: &str) -> Self {
        Self {
            sms: ascii(
                &format!("Tripline could NOT stop {job}, trying again. Stop it now: tripline stop"),
                MAX_SMS,
            ),
            ..Self::goes_on(
                job,
                alarm,
                cause,
                (
                    ", and is trying again",
                    "Tripline sends another message if it stops the rollout after all.",
                ),
            )
        }
    }

    /// Alerts to a rollout that an alarm was to hold and that goes on, as its tags say that people decide then.
    pub fn not_held(job: &JobId, alarm: &Alarm, cause: &str) -> Self {
        let next = "Tripline did not stop it, because its tag `tripline:onHoldFailed` is `alert`.";
        Self {
            subject: ascii(&format!("Tripline could NOT hold rollout {job}"), MAX_SUBJECT),
            sms: ascii(
                &format!("Tripline could NOT hold {job}, trying again. Stop it now: tripline stop"),
                MAX_SMS,
            ),
            ..Self::goes_on(job, alarm, cause, (", nor hold it", next))
        }
    }

    /// Alerts to a rollout that goes on although an alarm asked for a stop, which Tripline may not make
    /// because AWS could not be asked whether it is true. It is for e-mail only, as a refusal is.
    pub fn not_verified(job: &JobId, alarm: &Alarm, cause: &str) -> Self {
        let next =
            "The alarm message is in the undelivered queue. Check the rollout: tripline watch";
        Self::goes_on(job, alarm, cause, ("", next))
    }

    fn goes_on(job: &JobId, alarm: &Alarm, cause: &str, (and, next): (&str, &str)) -> Self {
        Self {
            subject: ascii(&format!("Tripline could NOT stop rollout {job}"), MAX_SUBJECT),
            body: format!(
                "Tripline could NOT stop rollout {job}{and}.\n\nStop it now: tripline stop --job-id {job}\n\nalarm    {}\nwhy      {}\n\n{next}\n",
                alarm.shown(),
                clean(cause, 600)
            ),
            sms: String::new(),
        }
    }

    /// Alerts to an alarm on other alarms that asked for a stop while CloudWatch could not be asked
    /// which rollout it is about. For e-mail only.
    pub fn unknown_rollout(alarm: &str, cause: &str) -> Self {
        Self {
            subject: "Tripline could NOT stop a rollout: which one is not known".to_owned(),
            body: format!(
                "A composite alarm asked for a stop, but CloudWatch did not answer which rollout it guards.\n\nFind that rollout and stop it: tripline stop --job-id ..\n\nalarm    {}\nwhy      {}\n\nThe alarm message is in the undelivered queue.\n",
                bare_name(alarm),
                clean(cause, 600)
            ),
            sms: String::new(),
        }
    }

    /// Announces a message that stopped nothing. It is for e-mail only: whoever may publish to the
    /// force-stop topic could use up the budget for SMS, which is 1 USD a month unless raised.
    pub fn refusal(refusal: &Refusal) -> Self {
        Self {
            subject: "Tripline refused an alarm message: no rollout was stopped".to_owned(),
            body: format!(
                "Tripline refused an alarm message and stopped no rollout.\n\nwhy      {refusal}\n\nIf a rollout should have been stopped, stop it now: tripline stop --job-id .. Then check the\nalarm's dimension `jobId`, who may publish to the force-stop topic, and the undelivered queue.\n\nTripline only counts further refusals within ten minutes, in the metric `refusedAlarms`.\n"
            ),
            sms: String::new(),
        }
    }
}

impl Announcement {
    /// The same with where the job of this ARN is, and a link to it: whoever reads it has several accounts and
    /// Regions. An SMS has no room for that.
    #[must_use]
    pub fn with_place(mut self, job_arn: &str) -> Self {
        if let Some(place) = JobPlace::of_arn(job_arn) {
            let JobPlace { account, region, .. } = place;
            let link = place.console_link();
            self.body += &format!("\nThe job is in account {account}, Region {region}:\n{link}\n");
        }
        self
    }
}

/// The alarm's name without what Tripline put before it: the job is named already.
fn short_name(job: &JobId, alarm: &str) -> String {
    let prefix = crate::alarm::alarm_name_prefix(job);
    excerpt(alarm.strip_prefix(&prefix).unwrap_or(alarm))
}

/// How devices that have the firmware get an earlier one; nothing if there are none.
fn way_back(
    job: &JobId,
    counts: Result<ExecutionCounts, &str>,
    fallback: Option<&JobId>,
) -> String {
    let devices = match counts {
        Ok(counts) => match counts.ended.succeeded {
            0 => return String::new(),
            1 => "1 device has the firmware".to_owned(),
            n => format!("{n} devices have the firmware"),
        },
        Err(_) => "Tripline does not know how many devices have the firmware".to_owned(),
    };
    let to = fallback.map_or("RELEASE", JobId::as_str);
    let release = match fallback {
        Some(_) => "",
        None => " (RELEASE: an earlier job that succeeded)",
    };
    format!(
        "\n{devices}. To revert them: tripline revert --job-id {job} --to {to}{release}\nTripline reverts no device by itself.\n"
    )
}

/// How to go on, and the way back if `has_it`, as far as there is room for it.
fn with_next(sms: String, done: Done, has_it: bool) -> String {
    let next: &[&str] = match done {
        Done::Observed => &[". Stop it: tripline stop"],
        Done::Taken => &[". Check it: tripline watch"],
        Done::Held => &[". Decide: tripline release go-on, or stop"],
        Done::Canceled | Done::Aborted if has_it => {
            &[". Go on: tripline resume", ". Back: tripline revert"]
        }
        Done::Canceled | Done::Aborted => &[". Go on: tripline resume"],
    };
    let mut said = sms;
    for next in next {
        if said.len() + next.len() > MAX_SMS {
            break;
        }
        said += next;
    }
    said
}

/// `<head>: <alarm>. <numbers>`; the alarm gives way first, then the head.
fn fit_sms(head: &str, alarm: &str, numbers: &str) -> String {
    let room = MAX_SMS.saturating_sub(": . ".len() + numbers.len());
    let head = ascii(head, room);
    let alarm = ascii(alarm, room.saturating_sub(head.len()));
    ascii(&format!("{head}: {alarm}. {numbers}"), MAX_SMS)
}

/// `<head>: <evidence>`, of which the first sentence says what was seen and what the limit is: where the
/// limit comes from gives way first. For the counts, and what the bound means, there is the e-mail.
fn fit_evidence(head: &str, evidence: &str) -> String {
    let sentence = evidence.split_once(". ").map_or(evidence, |(first, _)| first);
    let sentence = sentence.trim_end_matches('.');
    let bare = sentence.rsplit_once(" (").map_or(sentence, |(limit, _)| limit);
    let fits = |text: &str| head.len() + ": ".len() + text.chars().count() <= MAX_SMS;
    let said = if fits(sentence) { sentence } else { bare };
    ascii(&format!("{head}: {}", said.replace(" \u{b7}", ",")), MAX_SMS)
}

#[cfg(test)]
mod tests;
