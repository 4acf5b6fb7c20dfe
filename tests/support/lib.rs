//! Tripline's chain on one machine: a local AWS, the stack on it, and what the demo and the
//! end-to-end tests share of them.
//!
//! No part of the product knows of this crate. What it needs from outside is the local AWS
//! (`.local/local-aws`) and the functions' zips for this machine (`target/lambda-<processor>`).

mod cbor;
pub mod demo;
pub mod faults;
pub mod fuzz;
pub mod http_aws;
pub mod lambda_runtime;
pub mod ledger;
pub mod local_aws;
pub mod mailbox;
pub mod proxy;
pub mod runner;
pub mod stack;
mod taken;
pub mod wire;
pub mod workspace;

/// Why the harness could not do what it was asked for, for the person at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(pub String);

/// What the harness gives back.
pub type Result<T> = std::result::Result<T, Error>;

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<tripline_aws::Failure> for Error {
    fn from(failure: tripline_aws::Failure) -> Self {
        Self(failure.to_string())
    }
}

/// Gives an I/O error the words *where* and *what*.
pub fn at(what: impl std::fmt::Display) -> impl FnOnce(std::io::Error) -> Error {
    move |error| Error(format!("{what}: {error}"))
}

/// A failed AWS call, by the API's name of it.
pub(crate) fn call<E>(
    operation: &'static str,
) -> impl FnOnce(aws_sdk_iot::error::SdkError<E>) -> Error
where
    E: aws_sdk_iot::error::ProvideErrorMetadata + std::error::Error + 'static,
{
    move |error| tripline_aws::Failure::from_sdk(operation, &error).into()
}
