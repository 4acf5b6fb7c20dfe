//! One line, read fast.
//!
//! An event of AWS IoT has a flat shape with few fields. Whatever has exactly that shape is read
//! here without a copy; anything odd is left to [`tripline::event`], which says what is wrong with it.
//! Both agree on every line that is read here.

use std::fmt;

use serde::Deserializer;
use serde::de::{Deserialize, DeserializeSeed, Error, MapAccess, Visitor};

use tripline::detail::Detail;
use tripline::event::{EventId, ExecutionEnding};
use tripline::metric::{DownloadTime, Outcome, RetryCount};
use tripline::time::Timestamp;

/// What a replay needs of an event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line<'a> {
    /// A usable one.
    pub id: Option<&'a str>,
    /// Not yet checked.
    pub job: &'a str,
    pub thing: Option<&'a str>,
    pub at: Option<Timestamp>,
    pub ending: Option<ExecutionEnding>,
    /// Of an execution that began, how many attempts its device had made before.
    pub began_after: Option<u64>,
}

/// The operation of an execution that began. AWS IoT has no such event; `tripline watch --record` writes
/// it.
pub(super) const BEGAN: &str = "in_progress";

impl<'a> Line<'a> {
    /// Reads an event without anything odd in it.
    #[inline]
    pub fn read(line: &'a [u8]) -> Option<Self> {
        let fields: Fields<'a> = serde_json::from_str(std::str::from_utf8(line).ok()?).ok()?;
        if fields.kind.is_some_and(|kind| kind != "JOB_EXECUTION") {
            return None;
        }
        let at = match fields.timestamp {
            Some(number) => Some(Timestamp::from_event(i64::try_from(number).ok()?)),
            None => None,
        };
        let operation = fields.operation?;
        let began_after = (operation == BEGAN).then(|| fields.attempt.unwrap_or(0));
        let ending = if began_after.is_some() { None } else { ending(operation, &fields.details)? };
        Some(Self {
            id: fields.id.filter(|id| (1..=EventId::MAX).contains(&id.len())),
            job: fields.job?,
            thing: fields.thing,
            at,
            ending,
            began_after,
        })
    }
}

/// How an execution ended; the outer `None` is for anything odd, the inner one for `deleted`.
///
/// A detail under a misspelled key is odd, unless it is there under the right one too.
#[inline]
fn ending(operation: &str, details: &Details<'_>) -> Option<Option<ExecutionEnding>> {
    let outcome = match operation {
        "succeeded" => Outcome::Succeeded,
        "failed" => Outcome::Failed,
        "rejected" => Outcome::Rejected,
        "timed_out" => Outcome::TimedOut,
        "canceled" => Outcome::Canceled,
        "removed" => Outcome::Removed,
        "deleted" => return Some(None),
        _ => return None,
    };
    let download_time = match details.download_time {
        Some(text) => Some(DownloadTime::new(text.parse().ok()?).ok()?),
        None if details.is_misspelled => return None,
        None => None,
    };
    let retry_count = match details.retry_count {
        Some(text) => Some(RetryCount::new(text.parse().ok()?).ok()?),
        None if details.is_misspelled => return None,
        None => None,
    };
    Some(Some(ExecutionEnding { outcome, download_time, retry_count, invalid: Vec::new() }))
}

/// The fields of an event, as they are. Of a key that comes twice the last value counts, as in any
/// JSON object.
#[derive(Default)]
struct Fields<'a> {
    kind: Option<&'a str>,
    id: Option<&'a str>,
    timestamp: Option<u64>,
    operation: Option<&'a str>,
    job: Option<&'a str>,
    thing: Option<&'a str>,
    attempt: Option<u64>,
    details: Details<'a>,
}

/// `statusDetails`; devices can only send texts.
#[derive(Default)]
struct Details<'a> {
    download_time: Option<&'a str>,
    retry_count: Option<&'a str>,
    /// Whether another key is nearly one of these.
    is_misspelled: bool,
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "eventType" => fields.kind = Some(map.next_value()?),
                "eventId" => fields.id = Some(map.next_value()?),
                "timestamp" => fields.timestamp = Some(map.next_value()?),
                "operation" => fields.operation = Some(map.next_value()?),
                "jobId" => fields.job = Some(map.next_value()?),
                "thingArn" => fields.thing = Some(map.next_value()?),
                "retryAttempt" => fields.attempt = Some(map.next_value()?),
                "statusDetails" => fields.details = map.next_value_seed(DetailsSeed)?,
                _ => map.next_value::<Plain>().map(drop)?,
            }
        }
        Ok(fields)
    }
}

struct DetailsSeed;

impl<'de> DeserializeSeed<'de> for DetailsSeed {
    type Value = Details<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for DetailsSeed {
    type Value = Details<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("details")
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut details = Details::default();
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "downloadTime" => details.download_time = Some(map.next_value()?),
                "retryCount" => details.retry_count = Some(map.next_value()?),
                other => {
                    details.is_misspelled |= Detail::misspelled(other).is_some();
                    map.next_value::<Plain>().map(drop)?;
                }
            }
        }
        Ok(details)
    }
}

/// A value that nobody looks at. It is read in full all the same: `serde`'s own way of ignoring a
/// value takes some that are no JSON, such as a number that no float can hold.
struct Plain;

impl<'de> Deserialize<'de> for Plain {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor)
    }
}

struct PlainVisitor;

/// Arrays and objects are odd, since they may go deep.
impl Visitor<'_> for PlainVisitor {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, a boolean or null")
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Plain, E> {
        Ok(Plain)
    }

    fn visit_unit<E: Error>(self) -> Result<Plain, E> {
        Ok(Plain)
    }
}
