//! AWS in memory, over HTTP: what the released functions speak to when no answer may be left to
//! chance.
//!
//! It answers the calls of the functions in AWS's own protocols: CloudWatch in Smithy RPC v2
//! CBOR, AWS IoT in REST, SNS in Query and XML, DynamoDB in JSON. Each process has a door of its
//! own (a port), through which its calls fail by the door's [`Plan`]; whatever was done stands in
//! the [`Ledger`]. A request that AWS would refuse is refused, and fails the test in which its door ends.

#![allow(clippy::indexing_slicing, reason = "what JSON does not have is null")]

mod account;
mod alarms;
mod body;
mod dynamodb;
mod jobs;
mod machine;
mod metrics;
mod page;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

pub use account::{ACCOUNT, Account, Alarm, Published, alarm_arn, topic_arn};
use body::Body;
pub use jobs::job_arn;
pub use machine::Token;
pub use metrics::Datum;

use crate::cbor;
use crate::faults::{Draw, Fault, Plan};
use crate::ledger::{Entry, Ledger};
use crate::proxy::call::{Call, parameter};
use crate::proxy::fault::Refusal;
use crate::{Result, at, taken};

/// Where the account is.
pub const REGION: &str = "us-east-1";

/// Seconds since the epoch.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// DynamoDB's code of a condition that does not hold.
const CONDITION: &str = "ConditionalCheckFailedException";

/// AWS in memory. A clone is the same account.
#[derive(Debug, Clone, Default)]
pub struct HttpAws(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    account: Mutex<Account>,
    ledger: Ledger,
    doors: AtomicU64,
}

impl HttpAws {
    /// What the account holds. No call is answered meanwhile.
    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.0.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was asked, and what was done.
    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// Opens a door on a free port, through which calls fail by what `plan` makes of its number.
    pub async fn door(&self, plan: impl FnOnce(u64) -> Plan) -> Result<Door> {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(free).await.map_err(at("a free port"))?;
        let address = listener.local_addr().map_err(at("a free port"))?;
        let number = self.0.doors.fetch_add(1, Ordering::Relaxed);
        let inner = Arc::new(Inner {
            aws: self.clone(),
            number,
            plan: plan(number),
            attempt: AtomicU32::new(1),
            came: Mutex::default(),
            refused: Mutex::default(),
        });
        let task = tokio::spawn(serve(inner.clone(), listener)).abort_handle();
        Ok(Door { address, inner, task })
    }
}

/// A port of [`HttpAws`], closed when it is dropped.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    inner: Arc<Inner>,
    task: AbortHandle,
}

impl Door {
    /// What goes into `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its number, from 0.
    pub fn number(&self) -> u64 {
        self.inner.number
    }

    /// From now on, calls belong to this delivery of their event.
    pub fn set_attempt(&self, attempt: u32) {
        self.inner.attempt.store(attempt, Ordering::SeqCst);
    }

    /// What AWS would refuse of the requests that came. Whatever of it is not taken fails the test in which the door ends.
    pub fn take_refused(&self) -> Vec<String> {
        std::mem::take(&mut *self.inner.refused.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
        let refused = self.take_refused();
        // A test that fails already says why.
        assert!(refused.is_empty() || std::thread::panicking(), "{refused:#?}");
    }
}

#[derive(Debug)]
struct Inner {
    aws: HttpAws,
    number: u64,
    plan: Plan,
    attempt: AtomicU32,
    /// How many calls of each operation came.
    came: Mutex<BTreeMap<String, u32>>,
    /// What AWS would refuse.
    refused: Mutex<Vec<String>>,
}

async fn serve(door: Arc<Inner>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(converse(door.clone(), stream));
            }
            // Of one that went away at once, or of too many open files: the next may do better.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// One connection; its calls come one after another.
async fn converse(door: Arc<Inner>, stream: TcpStream) {
    stream.set_nodelay(true).ok();
    let reset = AtomicBool::new(false);
    let service = service_fn(|request| Box::pin(door.clone().answer(request, &reset)));
    let mut connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    std::future::poll_fn(|context| connection.poll_without_shutdown(context)).await.ok();
    let stream = connection.into_parts().io.into_inner();
    if reset.load(Ordering::SeqCst) {
        // What is closed without waiting is reset.
        stream.set_zero_linger().ok();
    }
}

/// Why a call gets no answer.
#[derive(Debug)]
struct Unanswered;

impl std::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no answer, on purpose")
    }
}

impl std::error::Error for Unanswered {}

impl Inner {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        reset: &AtomicBool,
    ) -> std::result::Result<Response<Body>, Unanswered> {
        let (request, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Unanswered)?.to_bytes();
        let asked = Asked::of(&request, &body);
        let wrong = taken::faults(&request, &body);
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&wrong);
        let attempt = self.attempt.load(Ordering::SeqCst);
        let n = {
            let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
            let n = came.entry(asked.operation.clone()).or_default();
            *n += 1;
            *n
        };
        let (service, operation) = (asked.service.as_str(), asked.operation.as_str());
        let fault = self.plan.of(Draw { service, operation, n, attempt });
        // As on AWS, what has come is carried out, whether its client waits for the answer or not.
        let answer = fault.is_none_or(Fault::is_carried_out).then(|| match wrong.is_empty() {
            true => asked.carry_out(&mut self.aws.account(), &request),
            false => asked.refusal(&request, 400, "ValidationException", wrong.join("; ")),
        });
        self.aws.ledger().add(Entry {
            at: Instant::now(),
            door: self.number,
            attempt,
            carried_out: answer.as_ref().is_some_and(|answer| answer.status().is_success()),
            operation: asked.operation.clone(),
            subject: asked.subject.clone(),
            fault,
            text: asked.text.clone(),
        });
        let refused = |status, code| asked.refusal(&request, status, code, "as it says".to_owned());
        let answer = answer.unwrap_or_else(|| refused(500, "InternalFailure"));
        match fault {
            None => Ok(answer),
            Some(Fault::Refused(status, code)) => Ok(refused(status, code)),
            Some(Fault::Html(status)) => Ok(body::html(status)),
            Some(Fault::Junk(text)) => Ok(body::junk(text)),
            Some(Fault::Late(time)) => {
                tokio::time::sleep(time).await;
                Ok(refused(503, "ServiceUnavailableException"))
            }
            Some(Fault::Slow(time)) => {
                tokio::time::sleep(time).await;
                Ok(answer)
            }
            Some(Fault::Hang | Fault::TakenAndHang) => std::future::pending().await,
            Some(Fault::HangWithin) => Ok(answer.map(Body::hanging)),
            Some(Fault::Cut) => Ok(answer.map(Body::cut)),
            Some(Fault::Lost) => Err(Unanswered),
            Some(Fault::Reset) => {
                reset.store(true, Ordering::SeqCst);
                Err(Unanswered)
            }
        }
    }
}

/// A call, understood.
struct Asked {
    service: String,
    operation: String,
    subject: String,
    input: Input,
    text: String,
}

enum Input {
    Cbor(Value),
    Json(Value),
    Form(BTreeMap<String, String>),
}

impl Asked {
    fn of(request: &Parts, body: &[u8]) -> Self {
        let call = Call::of(request, body);
        let operation = call.name().to_owned();
        let path = request.uri.path();
        let (subject, input) = if request.headers.contains_key("smithy-protocol") {
            let input = cbor::read(body);
            let names = input["AlarmNames"].as_array().into_iter().flatten();
            let names: Vec<&str> =
                names.chain(input.get("AlarmName")).filter_map(Value::as_str).collect();
            (names.join(" "), Input::Cbor(input))
        } else if crate::proxy::call::is_form(request) {
            let form = fields(&call.body);
            (form.get("TopicArn").cloned().unwrap_or_default(), Input::Form(form))
        } else {
            let input: Value = serde_json::from_slice(body).unwrap_or_default();
            let named = ["/jobs/", "/thing-groups/"].iter().find_map(|at| path.strip_prefix(at));
            let named = named.and_then(|rest| rest.split('/').next());
            let subject = named.or(input["TableName"].as_str()).unwrap_or_default().to_owned();
            (subject, Input::Json(input))
        };
        let text = match &input {
            Input::Cbor(input) | Input::Json(input) => input.to_string(),
            Input::Form(form) => {
                let field = |name| form.get(name).map_or("", String::as_str);
                format!("{}\n{}", field("Subject"), field("Message"))
            }
        };
        Self { service: call.service, operation, subject, input, text }
    }

    fn carry_out(&self, account: &mut Account, request: &Parts) -> Response<Body> {
        let query = fields(request.uri.query().unwrap_or_default());
        let answer = match (self.operation.as_str(), &self.input) {
            ("DescribeAlarms", Input::Cbor(asked)) => Ok(account.describe_alarms(asked)),
            ("DescribeAlarmHistory", Input::Cbor(asked)) => Ok(account.alarm_history(asked)),
            ("PutMetricAlarm", Input::Cbor(asked)) => account.put_metric_alarm(asked),
            ("DeleteAlarms", Input::Cbor(asked)) => account.delete_alarms(asked),
            ("SetAlarmState", Input::Cbor(asked)) => account.set_alarm_state(asked),
            ("ListTagsForResource", Input::Cbor(asked)) => Ok(account.tags_of_alarm(asked)),
            ("ListAlarmMuteRules", Input::Cbor(asked)) => Ok(account.list_mute_rules(asked)),
            ("GetAlarmMuteRule", Input::Cbor(asked)) => account.mute_rule(asked),
            ("PutMetricData", Input::Cbor(asked)) => account.put_metric_data(asked),
            ("GetMetricData", Input::Cbor(asked)) => Ok(account.get_metric_data(asked)),
            ("ListJobs", _) => Ok(account.list_jobs(&query)),
            ("DescribeJob", _) => account.describe_job(&self.subject),
            ("CreateJob", Input::Json(asked)) => account.create_job(&self.subject, asked),
            ("CancelJob", Input::Json(asked)) => {
                let force = query.get("force").is_some_and(|force| force == "true");
                account.cancel_job(&self.subject, force, asked)
            }
            ("ListJobExecutionsForJob", _) => account.list_executions(&self.subject, &query),
            ("ListThingsInThingGroup", _) => account.list_things(&self.subject, &query),
            ("DeleteThingGroup", _) => account.delete_group(&self.subject),
            ("ListTagsForResource", _) => Ok(account.tags_of_job(&query)),
            ("DescribeEventConfigurations", _) => Ok(account.event_configurations()),
            ("UpdateEventConfigurations", Input::Json(asked)) => {
                account.update_event_configurations(asked)
            }
            ("Publish", Input::Form(form)) => return body::xml(account.publish(form)),
            (operation, Input::Json(asked)) if self.service == "dynamodb" => {
                account.dynamodb(operation, asked)
            }
            (operation, Input::Json(asked)) if self.service == "states" => {
                account.machine(operation, asked)
            }
            _ => Err((400, "UnknownOperationException", self.operation.clone())),
        };
        match answer {
            Ok(answer) => match &self.input {
                Input::Cbor(_) => body::cbor(cbor::write(&answer)),
                _ => body::json(&answer),
            },
            // What is there instead, if it was asked for.
            Err((status, code, item)) if code == CONDITION && item.starts_with('{') => {
                body::refused_with(status, code, &item)
            }
            Err((status, code, message)) => self.refusal(request, status, code, message),
        }
    }

    fn refusal(
        &self,
        request: &Parts,
        status: u16,
        code: &'static str,
        message: String,
    ) -> Response<Body> {
        Refusal::new(status, code, message).answer(request, &self.service).map(Body::whole)
    }
}

/// The fields of a query or a form, decoded.
fn fields(text: &str) -> BTreeMap<String, String> {
    let names = text.split('&').filter_map(|pair| Some(pair.split_once('=')?.0));
    names.filter_map(|name| Some((name.to_owned(), parameter(text, name)?))).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// What is read until the connection ends or nothing more comes, and which of the two it was.
    async fn asked(fault: Fault) -> (HttpAws, String, Option<std::io::Result<()>>) {
        let aws = HttpAws::default();
        aws.account().add_job("fw", 1.0);
        let door = aws.door(|_| Plan::new(move |_| Some(fault))).await.unwrap();
        let mut stream = TcpStream::connect(door.address).await.unwrap();
        let request = "PUT /jobs/fw/cancel HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let end = tokio::time::timeout(Duration::from_millis(500), read).await.ok();
        (aws, String::from_utf8(answer).unwrap(), end.map(|read| read.map(drop)))
    }

    #[tokio::test]
    async fn every_fault_is_what_it_says() {
        let whole = r#""jobId":"fw"}"#;
        for (fault, begins, is_whole) in [
            (Fault::Slow(Duration::ZERO), "HTTP/1.1 200", true),
            (Fault::Refused(400, "ThrottlingException"), "HTTP/1.1 400", false),
            (Fault::Html(408), "HTTP/1.1 408", false),
            (Fault::Junk(""), "HTTP/1.1 200", false),
            (Fault::Late(Duration::ZERO), "HTTP/1.1 503", false),
            (Fault::Hang, "", false),
            (Fault::HangWithin, "HTTP/1.1 200", false),
            (Fault::Cut, "HTTP/1.1 200", false),
            (Fault::Reset, "", false),
            (Fault::Lost, "", false),
            (Fault::TakenAndHang, "", false),
        ] {
            let (aws, answer, end) = asked(fault).await;
            assert!(answer.starts_with(begins), "{fault:?}: {answer}");
            assert_eq!(answer.is_empty(), begins.is_empty(), "{fault:?}: {answer}");
            assert_eq!(answer.ends_with(whole), is_whole, "{fault:?}: {answer}");
            let hangs = [Fault::Hang, Fault::HangWithin, Fault::TakenAndHang].contains(&fault);
            assert_eq!(end.is_none(), hangs, "{fault:?}");
            let is_reset = matches!(end, Some(Err(_)));
            assert_eq!(is_reset, fault == Fault::Reset, "{fault:?}: {end:?}");
            assert_eq!(aws.account().is_canceled("fw"), fault.is_carried_out(), "{fault:?}");
            let [entry] = &aws.ledger().of("CancelJob")[..] else { panic!("{fault:?}") };
            assert_eq!(entry.carried_out, fault.is_carried_out(), "{fault:?}");
        }
    }
}
