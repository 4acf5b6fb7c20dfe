use std::collections::HashMap;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValue};
use tripline::evidence::Record;
use tripline::job::JobId;
use tripline::release::hold::{HOLDS, Hold};
use tripline::text::excerpt;
use tripline::time::Timestamp;
use tripline_aws::answer::{Complete, LastAnswer};
use tripline_aws::{Failure, FailureKind};

use super::Aws;
use crate::ask::{ReadEvidence, TakeTurn, Turn};

/// The key of the stack's table, whose other items are of jobs.
const KEY: &str = "jobId";
/// The key of what the environments of this function count together. No job can be called so. The
/// role may write no other item.
const ITEM: &str = "$force-stopper";

/// One more turn while the last is recent, if one is left.
const MORE: (&str, &str) =
    ("#count < :most AND #last > :past", "SET #count = #count + :one, #last = :now");
/// After a window without any, the first of all of them. Never true together with [`MORE`].
const FIRST: (&str, &str) =
    ("attribute_not_exists(#last) OR #last <= :past", "SET #count = :one, #last = :now");
/// The only turn, after a window without it or for whom had it last.
const ONLY: (&str, &str) =
    ("attribute_not_exists(#last) OR #last <= :past OR #by = :id", "SET #by = :id, #last = :now");

/// Something that was said by another delivery is not said again for a while.
const SAID: (&str, &str) = (
    "attribute_not_exists(#last) OR #last <= :past OR #key <> :key OR #by = :id",
    "SET #key = :key, #by = :id, #last = :now",
);
/// So many things that were said are remembered at a time, each in a place that follows from what it
/// is: another one of the same place takes it over, and the first can be said again.
const PLACES: u64 = 16;

/// The only turn is over: whoever had it has it no longer.
const OVER: (&str, &str) = ("#by = :id", "REMOVE #by");

impl TakeTurn for Aws {
    async fn take_turn(&self, turn: Turn, delivery: &str, now: Timestamp) -> Result<bool, Failure> {
        // The first again, for whoever was overtaken between the two.
        let updates: &[_] = if turn.most() == 1 { &[ONLY] } else { &[MORE, FIRST, MORE] };
        for update in updates {
            if self.update(turn, delivery, now, *update).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn may_say(&self, key: u64, delivery: &str, now: Timestamp) -> Result<bool, Failure> {
        let (condition, update) = SAID;
        let place = key % PLACES;
        let text = |text: String| AttributeValue::S(text);
        let number = |number: i64| AttributeValue::N(number.to_string());
        let said = self
            .update_item(condition, update)
            .expression_attribute_names("#key", format!("said{place}Key"))
            .expression_attribute_names("#by", format!("said{place}By"))
            .expression_attribute_names("#last", format!("said{place}Last"))
            .expression_attribute_values(":key", text(format!("{key:x}")))
            .expression_attribute_values(":id", text(excerpt(delivery)))
            .expression_attribute_values(":now", number(now.seconds()))
            .expression_attribute_values(":past", number(now.seconds() - Turn::WINDOW));
        send(said).await
    }

    async fn end_turn(&self, turn: Turn, delivery: &str) -> Result<(), Failure> {
        let (condition, update) = OVER;
        let over = self
            .update_item(condition, update)
            .expression_attribute_names("#by", format!("{}By", name_of(turn)))
            .expression_attribute_values(":id", AttributeValue::S(excerpt(delivery)));
        // That it is nobody's any more is as good.
        send(over).await.map(|_| ())
    }
}

fn name_of(turn: Turn) -> &'static str {
    match turn {
        Turn::UnverifiedStop => "unverifiedStop",
        Turn::RefusalMail => "refusalMail",
        Turn::UnverifiedMail => "unverifiedMail",
        Turn::OtherSms => "otherSms",
    }
}

/// Whether the condition of an update was true.
async fn send(update: UpdateItemFluentBuilder) -> Result<bool, Failure> {
    let last = LastAnswer::new();
    let answer = update
        // An answer that shows nothing new is none of DynamoDB's.
        .return_values(ReturnValue::AllNew)
        .customize()
        .interceptor(last.clone())
        .interceptor(Complete::<UpdateItemOutput>::new(|output| output.attributes.is_some()))
        .send()
        .await;
    match answer {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
        Err(error) => Err(last.failure("UpdateItem", &error)),
    }
}

impl ReadEvidence for Aws {
    async fn read_evidence(&self, job: &JobId) -> Result<Option<Record>, Failure> {
        let last = LastAnswer::new();
        let output = self
            .dynamodb
            .get_item()
            .table_name(&self.settings.table)
            .key(KEY, AttributeValue::S(Record::key(job)))
            // What the guard-keeper has just written must be seen.
            .consistent_read(true)
            .projection_expression(Record::ATTRIBUTE)
            // An answer without an item is as empty as one of a proxy. DynamoDB's own says this too.
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(last.clone())
            .interceptor(Complete::<GetItemOutput>::new(|output| {
                output.item.is_some() || output.consumed_capacity.is_some()
            }))
            .send()
            .await
            .map_err(|error| unread(last.failure("GetItem", &error)))?;
        let Some(item) = output.item else { return Ok(None) };
        let text = item.get(Record::ATTRIBUTE).and_then(|value| value.as_s().ok());
        match text.and_then(|text| Record::from_text(text)) {
            Some(record) => Ok(Some(record)),
            None => Err(Failure::new("GetItem", FailureKind::Unavailable, "no record of evidence")),
        }
    }
}

/// No failure of DynamoDB, such as that the table is not there, says that there is no evidence.
fn unread(mut failure: Failure) -> Failure {
    if matches!(failure.kind, FailureKind::NotFound | FailureKind::Refused) {
        failure.kind = FailureKind::Unavailable;
    }
    failure
}

impl Aws {
    /// A job's hold.
    pub(super) async fn read_hold(&self, job: &JobId) -> Result<Option<Hold>, Failure> {
        let last = LastAnswer::new();
        let output = self
            .dynamodb
            .get_item()
            .table_name(&self.settings.table)
            .key(KEY, AttributeValue::S(HOLDS.to_owned()))
            .consistent_read(true)
            .projection_expression("#job")
            .expression_attribute_names("#job", job.as_str())
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(last.clone())
            .interceptor(Complete::<GetItemOutput>::new(|output| {
                output.item.is_some() || output.consumed_capacity.is_some()
            }))
            .send()
            .await
            .map_err(|error| unread(last.failure("GetItem", &error)))?;
        let text = output.item.as_ref().and_then(|item| item.get(job.as_str()));
        Ok(text.and_then(|value| value.as_s().ok()).and_then(|text| Hold::from_text(text)))
    }

    /// Writes a hold in place of what was read.
    pub(super) async fn write_hold(
        &self,
        job: &JobId,
        read: Option<&Hold>,
        hold: &Hold,
    ) -> Result<(), Failure> {
        let text = |hold: &Hold| AttributeValue::S(hold.to_text());
        let update = self
            .dynamodb
            .update_item()
            .table_name(&self.settings.table)
            .key(KEY, AttributeValue::S(HOLDS.to_owned()))
            .update_expression("SET #job = :hold")
            .expression_attribute_names("#job", job.as_str())
            .expression_attribute_values(":hold", text(hold));
        let update = match read {
            None => update.condition_expression("attribute_not_exists(#job)"),
            Some(read) => update
                .condition_expression("#job = :read")
                .expression_attribute_values(":read", text(read)),
        };
        match send(update).await? {
            true => Ok(()),
            false => Err(Failure::new(
                "UpdateItem",
                FailureKind::Unavailable,
                "somebody else holds it or goes on at this moment",
            )),
        }
    }

    fn update_item(&self, condition: &str, update: &str) -> UpdateItemFluentBuilder {
        self.dynamodb
            .update_item()
            .table_name(&self.settings.table)
            .set_key(Some(HashMap::from([(KEY.to_owned(), AttributeValue::S(ITEM.to_owned()))])))
            .condition_expression(condition)
            .update_expression(update)
    }

    /// Takes a turn; false if its condition is not true.
    async fn update(
        &self,
        turn: Turn,
        delivery: &str,
        now: Timestamp,
        (condition, update): (&str, &str),
    ) -> Result<bool, Failure> {
        let name = name_of(turn);
        let number = |number: i64| AttributeValue::N(number.to_string());
        let update = self
            .update_item(condition, update)
            .expression_attribute_names("#last", format!("{name}Last"))
            .expression_attribute_values(":now", number(now.seconds()))
            .expression_attribute_values(":past", number(now.seconds() - Turn::WINDOW));
        // What is given and not used is refused.
        let update = if turn.most() == 1 {
            update
                .expression_attribute_names("#by", format!("{name}By"))
                .expression_attribute_values(":id", AttributeValue::S(excerpt(delivery)))
        } else {
            update
                .expression_attribute_names("#count", format!("{name}Count"))
                .expression_attribute_values(":one", number(1))
        };
        let update = if condition.contains(":most") {
            update.expression_attribute_values(":most", number(turn.most().into()))
        } else {
            update
        };
        send(update).await
    }
}
