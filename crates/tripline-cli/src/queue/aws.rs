//! The clients of a queue, and its table.

use tripline::text::excerpt;
use tripline_aws::SdkConfig;

use super::arguments::Common;
use super::files::Files;
use super::store::Store;
use crate::aws::clients;
use crate::aws::connect::{Connection, connect, connect_to_change};
use crate::aws::region::Region;
use crate::aws::stack::Stack;
use crate::aws::topics;
use crate::exit::Error;

/// The output of the stack that names the table.
const TABLE: &str = "QueueTableName";

/// Where a queue is.
#[derive(Debug, Clone)]
pub struct Aws {
    /// The region of the table and the bucket.
    pub region: String,
    pub store: Store,
    pub files: Files,
    /// The AWS in memory, where an entry's job is in it.
    #[cfg(test)]
    pub fake: Option<clients::Aws>,
}

impl Aws {
    pub async fn connect(common: &Common) -> Result<Self, Error> {
        Self::at(connect(common.region.clone()).await?, common).await
    }

    /// The same, for a command that changes something: it says where.
    pub async fn connect_to_change(common: &Common) -> Result<Self, Error> {
        Self::at(connect_to_change(common.region.clone()).await?, common).await
    }

    async fn at(connection: Connection, common: &Common) -> Result<Self, Error> {
        let Connection { region, config } = connection;
        // A table that is named is of an account that nobody has said.
        let (table, arn) = match &common.table {
            Some(table) => (table.clone(), String::new()),
            None => table_of(&config, &common.stack).await?,
        };
        let store = Store::new(&config, table, common.queue.clone(), region.clone());
        Ok(Self {
            region,
            store,
            files: Files::new(&config, &arn),
            #[cfg(test)]
            fake: None,
        })
    }

    /// AWS, where an entry's job is.
    pub async fn of_rollout(&self, region: Option<&str>) -> Result<clients::Aws, Error> {
        #[cfg(test)]
        if let Some(fake) = &self.fake {
            return Ok(fake.clone());
        }
        clients::Aws::connect(Some(self.rollout_region(region)?)).await
    }

    /// Where an entry's job is: in the region of its `dev.ini`, or else in the queue's.
    pub fn rollout_region(&self, region: Option<&str>) -> Result<Region, Error> {
        let region = region.unwrap_or(&self.region);
        region.parse().map_err(|error| Error::input(format!("region of the dev.ini: {error}")))
    }
}

/// The stack's table, and an ARN of its account.
async fn table_of(config: &SdkConfig, stack: &str) -> Result<(String, String), Error> {
    let found = Stack::find(&aws_sdk_cloudformation::Client::new(config), stack).await?;
    match found.output(TABLE) {
        Ok(table) => Ok((table.to_owned(), topics::of_stack(&found, topics::EMAIL)?.to_owned())),
        Err(_) => Err(Error::input(format!("stack `{}` has no queue", excerpt(stack)))
            .hint("deploy it with the parameter `Queue=on`, or name a table with `--table`")),
    }
}
