//! The clients of all services that are asked.

use super::clock::Dates;
use crate::aws::clients::Aws;
use crate::aws::connect::Connection;

/// The clients, all of one region.
#[derive(Debug)]
pub struct Clients {
    pub alarms: Aws,
    pub lambda: aws_sdk_lambda::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub iam: aws_sdk_iam::Client,
    pub kms: aws_sdk_kms::Client,
    /// What time it is at AWS.
    pub dates: Dates,
}

impl Clients {
    /// Clients for a connection.
    pub fn new(connection: Connection) -> Self {
        let config = &connection.config;
        let (lambda, sqs) = (aws_sdk_lambda::Client::new(config), aws_sdk_sqs::Client::new(config));
        let (iam, kms) = (aws_sdk_iam::Client::new(config), aws_sdk_kms::Client::new(config));
        let dates = Dates::default();
        let dated =
            aws_sdk_cloudformation::config::Builder::from(config).interceptor(dates.clone());
        let mut alarms = Aws::for_connection(connection);
        alarms.cloudformation = aws_sdk_cloudformation::Client::from_conf(dated.build());
        Self { alarms, lambda, sqs, iam, kms, dates }
    }
}
