//! One rollout as a page.

use tripline::notification::AlarmState;

use super::forest::{CAPTION, Row, TABLE_HEAD, forest, marks, table_row};
use super::format::{count, minutes, number_of_minutes, percent};
use super::frame::{LEFT_OUT, Span, minutes_at};
use super::page::Page;
use super::picture::Picture;
use super::{alarm, evidence, rollout};
use tripline_guard::definition::in_words;

/// Most changes of state that a page lists.
const MOST_CHANGES: usize = 12;

/// The page.
pub fn html(picture: &Picture<'_>) -> String {
    let mut page = Page::new(picture.title);
    page.heading(picture.title, &picture.verdict, Some(picture.stopped));
    if let Some(stop) = &picture.stop {
        page.paragraph("reason", &format!("{}: {}", stop.by, stop.reason));
    }
    page.facts(&picture.facts);
    let span = Span::covering(&[&picture.record.minutes, picture.unguarded.unwrap_or_default()]);
    let left_out = format!(
        "The pictures end when all but {} of the executions have ended; the last one ends at minute {}.",
        percent(LEFT_OUT),
        count(u32::try_from(picture.record.minutes.len()).unwrap_or(u32::MAX))
    );
    let caption = if span.leaves_out(&picture.record.minutes) { left_out.as_str() } else { "" };
    page.figure("The rollout", &rollout::progress(picture, span), caption);
    page.figure("Devices that got the firmware", &rollout::exposure(picture, span), "");
    if let Some(trace) = picture.evidence {
        let svg = evidence::panel(trace, span, picture.stop.as_ref());
        page.figure(
            "Evidence that the rollout is beyond its limits",
            &svg,
            &evidence::caption(trace),
        );
    }
    for (index, panel) in picture.alarms.iter().enumerate() {
        let svg = alarm::panel(panel, picture.start, span, picture.stop.as_ref(), index);
        let heading = format!("{}: {}", panel.alarm.name, in_words(panel.alarm));
        page.figure(&heading, &svg, "A dot: the newest period was on the wrong side of the threshold when it was looked at.");
    }
    numbers(&mut page, picture);
    studies(&mut page, picture);
    changes(&mut page, picture);
    page.notes("What is to be known of these rules", &picture.notes);
    page.finish(&picture.made_by)
}

/// How far the rollout was at the stop, and in the end.
fn numbers(page: &mut Page, picture: &Picture<'_>) {
    let stop = picture
        .stop
        .as_ref()
        .map(|stop| (format!("minute {}, the stop", minutes(stop.at)), stop.reached));
    let end = picture.record.minutes.last().map(|end| {
        (
            format!(
                "minute {}, the end",
                count(u32::try_from(picture.record.minutes.len()).unwrap_or(u32::MAX))
            ),
            *end,
        )
    });
    let rows: Vec<[String; 8]> = stop
        .into_iter()
        .chain(end)
        .map(|(label, reached)| {
            let endings = reached.progress.ended;
            let numbers = [
                reached.notified,
                reached.exposed,
                reached.progress.in_progress,
                endings.succeeded,
                endings.failed,
                endings.rejected,
                endings.timed_out,
            ];
            let [notified, exposed, in_progress, succeeded, failed, rejected, timed_out] =
                numbers.map(count);
            [label, notified, exposed, in_progress, succeeded, failed, rejected, timed_out]
        })
        .collect();
    let head = [
        "",
        picture.known.notified(),
        "got the firmware",
        "in progress",
        "succeeded",
        "failed",
        "rejected",
        "timed out",
    ];
    page.table("Devices", &head, &rows);
}

fn changes(page: &mut Page, picture: &Picture<'_>) {
    for panel in &picture.alarms {
        let transitions = &panel.trace.transitions;
        let rows: Vec<[String; 3]> = transitions
            .iter()
            .take(MOST_CHANGES)
            .map(|transition| {
                let minute = number_of_minutes(minutes_at(picture.start, transition.at));
                [
                    format!("minute {minute}"),
                    state(transition.to).to_owned(),
                    transition.reason.clone(),
                ]
            })
            .collect();
        let more = transitions.len().saturating_sub(MOST_CHANGES);
        let more = if more > 0 {
            format!(", and {} more", count(u32::try_from(more).unwrap_or(u32::MAX)))
        } else {
            String::new()
        };
        page.words(
            &format!("Changes of state of {}{more}", panel.alarm.name),
            &["", "state", "reason"],
            &rows,
        );
    }
}

fn state(state: AlarmState) -> &'static str {
    match state {
        AlarmState::Alarm => "ALARM",
        AlarmState::Ok => "OK",
        AlarmState::InsufficientData => "INSUFFICIENT_DATA",
    }
}

fn studies(page: &mut Page, picture: &Picture<'_>) {
    if picture.studies.is_empty() {
        return;
    }
    let mut groups = Vec::new();
    let mut rows = Vec::new();
    for (name, study) in &picture.studies {
        let mut group =
            vec![Row { label: "any guard".to_owned(), class: "part", marks: marks(study) }];
        rows.push(table_row(name, study));
        for guard in &study.guards {
            let marks = [Some(guard.stopped.into()), None, None];
            group.push(Row { label: guard.name.clone(), class: "part", marks });
            // A guard that fires and does not stop: it observes, or comes after another.
            if guard.fired != guard.stopped {
                let label = format!("{}, fires", tripline::text::clean(&guard.name, 27));
                let marks = [Some(guard.fired.into()), None, None];
                group.push(Row { label, class: "part", marks });
            }
        }
        groups.push((name.clone(), group));
    }
    page.figure(
        "Over many runs",
        &forest("studies", "Many runs of the rollout", picture.devices, &groups),
        CAPTION,
    );
    page.table("The same in numbers, with 95 % intervals", &TABLE_HEAD, &rows);
}
