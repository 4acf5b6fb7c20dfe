//! The clients of one region that are needed to guard a job.

use tripline::job::{JobId, JobState};
use tripline_aws::Failure;

use super::connect::{Connection, connect, connect_to_change};
use super::job::{DescribedJob, find_job};
use super::region::Region;
use crate::exit::Error;

/// The clients, all of one region.
#[derive(Debug, Clone)]
pub struct Aws {
    pub region: String,
    pub cloudformation: aws_sdk_cloudformation::Client,
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub iot: aws_sdk_iot::Client,
    pub sns: aws_sdk_sns::Client,
}

impl Aws {
    /// Clients for a region, or for the environment's if there is none.
    pub async fn connect(region: Option<Region>) -> Result<Self, Error> {
        Ok(Self::for_connection(connect(region).await?))
    }

    /// The same, for a command that changes something: it says where.
    pub async fn connect_to_change(region: Option<Region>) -> Result<Self, Error> {
        Ok(Self::for_connection(connect_to_change(region).await?))
    }

    /// Clients for a connection.
    pub fn for_connection(Connection { region, config }: Connection) -> Self {
        Self {
            region,
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            iot: aws_sdk_iot::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
        }
    }

    /// Whether a job still reaches devices; `None` if there is no such job.
    pub async fn job_state(&self, job: &JobId) -> Result<Option<JobState>, Failure> {
        let job = find_job(&self.iot, job).await?;
        Ok(job.map(|job| DescribedJob::from(&job).state))
    }
}
