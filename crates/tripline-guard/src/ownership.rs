//! Whose an alarm is. Its tags say so, and nothing else: anybody can give an alarm any name, and an
//! alarm that somebody changed is still whose it was.

use std::fmt;

use aws_sdk_cloudwatch::types::Tag;
use tripline::alarm::AlarmName;
use tripline::job::JobId;
use tripline::text::excerpt;

/// The tag with the job that an alarm guards.
pub const JOB_TAG: &str = "tripline:job";
/// The tag with the alarm's name in the config.
pub const ALARM_TAG: &str = "tripline:alarm";
/// The tag with the stack that an alarm belongs to: no other stack's keeper touches it.
pub const STACK_TAG: &str = "tripline:stack";

/// The tags of a job's alarm, which belongs to a stack.
pub fn tags(alarm: &AlarmName, job: &JobId, stack: &str) -> Vec<Tag> {
    [(JOB_TAG, job.as_str()), (ALARM_TAG, alarm.as_str()), (STACK_TAG, stack)]
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .into()
}

/// What an alarm's tags say of whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlarmTags {
    /// [`JOB_TAG`].
    pub job: Option<String>,
    /// [`STACK_TAG`].
    pub stack: Option<String>,
}

impl AlarmTags {
    /// Reads keys and values.
    pub fn read(tags: &[(String, String)]) -> Self {
        let value = |key| tags.iter().find(|(other, _)| other == key).map(|(_, is)| is.clone());
        Self { job: value(JOB_TAG), stack: value(STACK_TAG) }
    }
}

/// Whose an alarm is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// This job's, and made by this stack.
    Ours,
    /// Somebody else's. It guards nothing, and is never touched.
    Foreign(Foreign),
    /// Its tags are not known yet.
    NotKnown,
}

/// Who else made an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    /// It does not have Tripline's tags.
    Untagged,
    /// Another stack.
    Stack(String),
    /// It is another job's.
    Job(String),
}

/// Whose an alarm with these tags is, for one job of a stack.
pub fn owner_of(tags: Option<&AlarmTags>, job: &JobId, stack: &str) -> Owner {
    match tags {
        None => Owner::NotKnown,
        Some(AlarmTags { job: Some(of), stack: Some(by) }) => match by == stack {
            true if of == job.as_str() => Owner::Ours,
            true => Owner::Foreign(Foreign::Job(of.clone())),
            false => Owner::Foreign(Foreign::Stack(by.clone())),
        },
        Some(_) => Owner::Foreign(Foreign::Untagged),
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untagged => write!(f, "is not Tripline's: it lacks the tags"),
            Self::Stack(stack) => write!(f, "belongs to the stack `{}`", excerpt(stack)),
            Self::Job(job) => write!(f, "guards job `{}`", excerpt(job)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_ours_by_both_tags_and_by_nothing_less() {
        let job = JobId::new("fw").unwrap();
        let tags = |job: Option<&str>, stack: Option<&str>| AlarmTags {
            job: job.map(str::to_owned),
            stack: stack.map(str::to_owned),
        };
        for (tags, owner) in [
            (tags(Some("fw"), Some("tripline")), Owner::Ours),
            (tags(None, None), Owner::Foreign(Foreign::Untagged)),
            (tags(Some("fw"), None), Owner::Foreign(Foreign::Untagged)),
            (tags(None, Some("tripline")), Owner::Foreign(Foreign::Untagged)),
            (tags(Some("fw-1"), Some("tripline")), Owner::Foreign(Foreign::Job("fw-1".to_owned()))),
            (tags(Some("fw"), Some("other")), Owner::Foreign(Foreign::Stack("other".to_owned()))),
        ] {
            assert_eq!(owner_of(Some(&tags), &job, "tripline"), owner, "{tags:?}");
        }
        assert_eq!(owner_of(None, &job, "tripline"), Owner::NotKnown);
    }

    #[test]
    fn what_an_alarm_is_made_with_makes_it_ours() {
        let job = JobId::new("fw").unwrap();
        let made = tags(&AlarmName::new("slow").unwrap(), &job, "tripline");
        let pair = |tag: &Tag| (tag.key().unwrap().to_owned(), tag.value().unwrap().to_owned());
        let read = AlarmTags::read(&made.iter().map(pair).collect::<Vec<_>>());
        assert_eq!(owner_of(Some(&read), &job, "tripline"), Owner::Ours);
    }
}
