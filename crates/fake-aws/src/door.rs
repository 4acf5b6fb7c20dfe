//! The one door that every call goes through.

use std::fmt;

use aws_smithy_mocks::MockResponse;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::CreateUnhandledError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use tokio::time::Instant;

use crate::{Account, FakeAws};

/// Names of operations that change nothing begin like this.
const READS: [&str; 5] = ["Describe", "Get", "List", "Query", "Scan"];

/// A call that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When, by tokio's clock.
    pub at: Instant,
    /// Whose it is, as the SDK's crate is called: `iot`.
    pub service: &'static str,
    /// The API's name of it: `DescribeJob`.
    pub operation: &'static str,
    /// What it is about, by its name or ARN.
    pub subject: String,
}

impl Call {
    /// Whether it may change something.
    pub fn is_write(&self) -> bool {
        !READS.iter().any(|read| self.operation.starts_with(read))
    }
}

/// How a call fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Refused with this code and message.
    Refused(&'static str, &'static str),
    /// Carried out, and answered with this code and message all the same.
    Lost(&'static str, &'static str),
    /// An answer of this HTTP status that says nothing.
    Status(u16),
}

type Decide = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;

/// Which calls fail. Of several that decide, the one that was given first counts.
#[derive(Default)]
pub struct Faults(Vec<Decide>);

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faults({})", self.0.len())
    }
}

impl Faults {
    /// Decides of every call whether it fails.
    pub fn add(&mut self, decide: impl FnMut(&Call) -> Option<Fault> + Send + 'static) {
        self.0.push(Box::new(decide));
    }

    /// Nothing fails any more.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn of(&mut self, call: &Call) -> Option<Fault> {
        self.0.iter_mut().find_map(|decide| decide(call))
    }
}

impl FakeAws {
    /// Takes a call down, and carries it out unless it is to fail.
    pub(crate) fn answer<O, E: CreateUnhandledError>(
        &self,
        service: &'static str,
        operation: &'static str,
        subject: String,
        carry_out: impl FnOnce(&mut Account) -> Result<O, E>,
    ) -> MockResponse<O, E> {
        let mut account = self.account();
        let call = Call { at: Instant::now(), service, operation, subject };
        let fault = account.faults.of(&call);
        account.calls.push(call);
        match fault {
            None => match carry_out(&mut account) {
                Ok(output) => MockResponse::Output(output),
                Err(error) => MockResponse::Error(error),
            },
            Some(Fault::Refused(code, message)) => MockResponse::Error(error(code, message)),
            Some(Fault::Lost(code, message)) => {
                carry_out(&mut account).ok();
                MockResponse::Error(error(code, message))
            }
            Some(Fault::Status(status)) => {
                let status = status.try_into().expect("an HTTP status");
                MockResponse::Http(HttpResponse::new(status, SdkBody::from("{}")))
            }
        }
    }
}

/// An error of any operation.
pub(crate) fn error<E: CreateUnhandledError>(code: &str, message: &str) -> E {
    let meta = ErrorMetadata::builder().code(code).message(message).build();
    E::create_unhandled_error(code.into(), Some(meta))
}

/// What AWS answers of something that there is not.
pub(crate) fn not_found<E: CreateUnhandledError>() -> E {
    error("ResourceNotFoundException", "as it says")
}

/// An operation: whose it is, the client's method, the API's name, what it is about, and what it
/// answers.
macro_rules! on {
    ($fake:expr, $service:literal, $method:path, $name:literal, |$input:ident| $subject:expr, $answer:expr) => {{
        let fake: $crate::FakeAws = $fake.clone();
        aws_smithy_mocks::mock!($method).then_compute_response(move |$input| {
            let subject = String::from($subject);
            fake.answer($service, $name, subject, |account| $answer(account, $input))
        })
    }};
}
pub(crate) use on;
