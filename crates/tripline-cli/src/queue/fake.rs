//! A queue's table, and the files of its entries, in the AWS in memory.

use std::sync::MutexGuard;

use crate::queue::state::{Entry, EntryId};
use fake_aws::{Account, Table};

use super::aws::Aws;
use super::files::{Files, key};
use super::item::{ENTRY, QUEUE, entry, item};
use super::store::Store;

const TABLE: &str = "releases";
const NAME: &str = "default";

#[derive(Debug, Clone, Default)]
pub struct FakeAws(fake_aws::FakeAws);

impl FakeAws {
    pub fn with(entries: &[Entry]) -> Self {
        let fake = Self::default();
        fake.world().dynamodb.tables.insert(TABLE.to_owned(), Table::new(&[QUEUE, ENTRY]));
        for entry in entries {
            fake.put(entry);
            for file in &entry.files {
                fake.world().s3.put(&entry.bucket, &key(&entry.id, &file.name), "abc");
            }
        }
        fake
    }

    pub fn world(&self) -> MutexGuard<'_, Account> {
        self.0.account()
    }

    /// What every object of the bucket holds from now on.
    pub fn hold(&self, content: &[u8]) {
        self.world().s3.objects.values_mut().for_each(|object| *object = content.to_vec());
    }

    /// The table, with its entries.
    pub fn table(&self, change: impl FnOnce(&mut Table)) {
        change(self.world().dynamodb.tables.get_mut(TABLE).unwrap());
    }

    /// Writes an entry past all conditions.
    pub fn put(&self, entry: &Entry) {
        let item = item(&NAME.parse().unwrap(), entry);
        self.table(|table| table.put(item));
    }

    pub fn entry(&self, id: &EntryId) -> Entry {
        let key = vec![NAME.to_owned(), id.to_string()];
        entry(&self.world().dynamodb.tables[TABLE].items[&key]).unwrap()
    }

    pub fn aws(&self) -> Aws {
        Aws {
            region: fake_aws::REGION.to_owned(),
            store: Store::with_client(self.0.dynamodb()),
            files: Files::with_client(self.0.s3()),
            fake: Some(crate::alarms::fake::FakeAws(self.0.clone()).aws()),
        }
    }
}
