//! The table: conditional writes, so that two workers never do the same.
//!
//! Whoever has looked at the whole queue and decides on it (adds, claims, declares, removes) also
//! writes the queue's head, on condition that nobody has done so since. So decisions are made one
//! after another, whichever entries they are about. A worker that has an entry writes only that, on
//! condition that it still has it.

use std::collections::HashMap;
use std::time::Duration;

use crate::queue::state::{Entry, QueueName, State};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem, Update};
use tripline::text::excerpt;
use tripline_aws::{Failure, FailureKind, SdkConfig};

use super::clock;
use super::item::{
    ENTRY, HEAD, Item, LEASE_UNTIL, QUEUE, STATE, VERSION, WORKER, counted, entry, item, key,
    number, text, word,
};
use crate::exit::Error;

/// Most entries of a queue, done ones included: fifty years of one a day.
const MAX_ENTRIES: usize = 20_000;
/// How often a decision is made again because others have changed the queue meanwhile.
const MOST_TRIES: u32 = 20;

const TRANSACT: &str = "TransactWriteItems";

/// A queue in its table.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    pub table: String,
    pub queue: QueueName,
    region: String,
}

/// A queue as it was read.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The version of its head.
    head: u64,
    /// Oldest first.
    pub entries: Vec<Entry>,
}

/// A decision on what was read.
#[derive(Debug, Clone)]
pub enum Change {
    Add(Entry),
    Step { from: Box<Entry>, to: Box<Entry> },
    Remove(Entry),
}

impl Change {
    pub fn step(from: &Entry, to: &Entry) -> Self {
        Self::Step { from: Box::new(from.clone()), to: Box::new(to.clone()) }
    }
}

/// The condition that an entry is still as it was read.
#[derive(Debug)]
struct Unchanged {
    condition: &'static str,
    names: HashMap<String, String>,
    values: Item,
}

impl Unchanged {
    fn condition_for(entry: &Entry) -> Self {
        let mut names = vec![("#version", VERSION), ("#state", STATE)];
        let mut values =
            vec![(":version", number(entry.version)), (":state", text(word(&entry.state)))];
        let condition = if let State::Claimed(lease) = &entry.state {
            names.extend([("#worker", WORKER), ("#until", LEASE_UNTIL)]);
            values.extend([
                (":worker", text(&lease.worker)),
                (":until", number(lease.until.seconds())),
            ]);
            "#version = :version AND #state = :state AND #worker = :worker AND #until = :until"
        } else {
            "#version = :version AND #state = :state"
        };
        let owned = |(name, of): (&str, &str)| (name.to_owned(), of.to_owned());
        Self {
            condition,
            names: names.into_iter().map(owned).collect(),
            values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }
}

impl Store {
    pub fn new(config: &SdkConfig, table: String, queue: QueueName, region: String) -> Self {
        Self { client: Client::new(config), table, queue, region }
    }

    #[cfg(test)]
    pub fn with_client(client: Client) -> Self {
        let queue = "default".parse().unwrap();
        Self { client, table: "releases".to_owned(), queue, region: "us-east-1".to_owned() }
    }

    /// Reads the whole queue, as it is now.
    pub async fn read(&self) -> Result<View, Error> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#q = :queue")
            .expression_attribute_names("#q", QUEUE)
            .expression_attribute_values(":queue", text(self.queue.as_str()))
            .into_paginator()
            .send();
        let mut view = View::default();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.unread(Failure::from_sdk("Query", &error)))?;
            for item in page.items() {
                self.take(item, &mut view)?;
            }
        }
        Ok(view)
    }

    fn take(&self, item: &Item, view: &mut View) -> Result<(), Error> {
        let place = format!("table `{}`: queue `{}`", excerpt(&self.table), self.queue);
        let fault = |text: String| Error::input(format!("{place}: {text}"));
        if item.get(ENTRY).and_then(|name| name.as_s().ok()).is_some_and(|name| name == HEAD) {
            view.head = counted(item, VERSION).map_err(fault)?;
        } else if view.entries.len() == MAX_ENTRIES {
            return Err(fault(format!("more than {MAX_ENTRIES} entries")));
        } else {
            view.entries.push(entry(item).map_err(fault)?);
        }
        Ok(())
    }

    fn unread(&self, failure: Failure) -> Error {
        if failure.kind != FailureKind::NotFound {
            return failure.into();
        }
        Error::input(format!("there is no table `{}` in `{}`", excerpt(&self.table), self.region))
            .hint("without `--table` it is the one of the stack; `--region` takes another region")
    }

    /// Makes a decision come true, unless the queue has changed since it was read: then the answer
    /// is `false`, and the queue has to be read again.
    pub async fn change(&self, view: &View, change: Change) -> Result<bool, Failure> {
        let sent = self
            .client
            .transact_write_items()
            .client_request_token(clock::token())
            .transact_items(self.head(view))
            .transact_items(self.write(change))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) => {
                let lost = matches!(error.as_service_error(),
                    Some(TransactWriteItemsError::TransactionCanceledException(canceled))
                        if is_lost(canceled.cancellation_reasons().iter().filter_map(|reason| reason.code())));
                if lost { Ok(false) } else { Err(Failure::from_sdk(TRANSACT, &error)) }
            }
        }
    }

    fn head(&self, view: &View) -> TransactWriteItem {
        let mut update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(&self.queue, HEAD)))
            .update_expression("SET #version = :next")
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_values(":next", number(view.head.saturating_add(1)));
        update = if view.head == 0 {
            update.condition_expression("attribute_not_exists(#version)")
        } else {
            update
                .condition_expression("#version = :seen")
                .expression_attribute_values(":seen", number(view.head))
        };
        // All that a builder can miss is given above.
        let update = update.build().ok();
        TransactWriteItem::builder().set_update(update).build()
    }

    fn write(&self, change: Change) -> TransactWriteItem {
        let write = TransactWriteItem::builder();
        match change {
            Change::Add(new) => {
                let put = Put::builder()
                    .table_name(&self.table)
                    .set_item(Some(item(&self.queue, &new)))
                    .condition_expression("attribute_not_exists(#entry)")
                    .expression_attribute_names("#entry", ENTRY);
                write.set_put(put.build().ok())
            }
            Change::Step { from, to } => {
                let seen = Unchanged::condition_for(&from);
                let put = Put::builder()
                    .table_name(&self.table)
                    .set_item(Some(item(&self.queue, &to)))
                    .condition_expression(seen.condition)
                    .set_expression_attribute_names(Some(seen.names))
                    .set_expression_attribute_values(Some(seen.values));
                write.set_put(put.build().ok())
            }
            Change::Remove(entry) => {
                let seen = Unchanged::condition_for(&entry);
                let delete = Delete::builder()
                    .table_name(&self.table)
                    .set_key(Some(key(&self.queue, entry.id.as_str())))
                    .condition_expression(seen.condition)
                    .set_expression_attribute_names(Some(seen.names))
                    .set_expression_attribute_values(Some(seen.values));
                write.set_delete(delete.build().ok())
            }
        }
        .build()
    }

    /// A worker writes the entry that it has; `false` if it has it no more.
    ///
    /// The condition is the worker's name, which no other claim has, and not the version: when an
    /// answer is lost and the SDK sends the write again, it holds again.
    pub async fn keep(&self, worker: &str, new: &Entry) -> Result<bool, Failure> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item(&self.queue, new)))
            .condition_expression("#worker = :me")
            .expression_attribute_names("#worker", WORKER)
            .expression_attribute_values(":me", text(worker))
            .send()
            .await;
        match put {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                // Done by a try whose answer was lost: the entry is nobody's any more then.
                self.is_there(new).await
            }
            Err(error) => Err(Failure::from_sdk("PutItem", &error)),
        }
    }

    async fn is_there(&self, wanted: &Entry) -> Result<bool, Failure> {
        let got = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true)
            .set_key(Some(key(&self.queue, wanted.id.as_str())))
            .send()
            .await
            .map_err(|error| Failure::from_sdk("GetItem", &error))?;
        Ok(got.item().is_some_and(|item| entry(item).as_ref() == Ok(wanted)))
    }

    /// Decides on the queue and makes it come true, again and again while others change it.
    pub async fn decide<T>(
        &self,
        mut decide: impl FnMut(&View) -> Result<(Change, T), Error>,
    ) -> Result<T, Error> {
        for _ in 0..MOST_TRIES {
            let view = self.read().await?;
            let (change, result) = decide(&view)?;
            if self.change(&view, change).await? {
                return Ok(result);
            }
            pause().await;
        }
        let text = format!("queue `{}` keeps changing; run the command again", self.queue);
        Err(Failure::new(TRANSACT, FailureKind::Throttled, text).into())
    }
}

/// Those who have collided would collide again.
pub async fn pause() {
    tokio::time::sleep(Duration::from_millis(10 + clock::random() % 190)).await;
}

/// Whether somebody else was faster, and nothing else is wrong.
fn is_lost<'a>(codes: impl Iterator<Item = &'a str>) -> bool {
    let mut codes = codes.filter(|code| *code != "None").peekable();
    codes.peek().is_some()
        && codes.all(|code| matches!(code, "ConditionalCheckFailed" | "TransactionConflict"))
}
