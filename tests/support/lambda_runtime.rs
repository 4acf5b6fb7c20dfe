//! A stand-in for AWS Lambda: the runtime API (`AWS_LAMBDA_RUNTIME_API`, "Using the Lambda runtime
//! API for custom runtimes"), the processes behind it, and asynchronous invocations with their
//! repetitions.
//!
//! It starts the `bootstrap` of a zip as it is deployed. What is not as on Lambda: the minutes
//! between two attempts are not waited for; the event is made as much older instead.

#![allow(clippy::indexing_slicing, reason = "what JSON does not have is null")]

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_iot::primitives::{DateTime, DateTimeFormat};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, oneshot};
use tokio::task::{AbortHandle, JoinSet};

use crate::http_aws::{Door, REGION, now};
use crate::{Error, Result, at};

/// What Lambda waits before the second and the third attempt of an asynchronous invocation, in
/// seconds ("Error handling for asynchronous invocation").
const WAITS: [f64; 2] = [60.0, LAST_WAIT];
const LAST_WAIT: f64 = 120.0;
/// A program that was just written can be open in a process that another thread is starting.
const BUSY_TRIES: u32 = 100;

/// A function as a template declares it.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its program.
    bootstrap: PathBuf,
    /// Where its program and its logs are.
    files: Arc<TempDir>,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// How often a failed asynchronous invocation is repeated.
    pub retries: u32,
    /// How old an event may become, in seconds.
    pub max_age: f64,
    /// Its environment.
    pub environment: Vec<(String, String)>,
}

impl Function {
    /// The function in this zip, with the properties of its `AWS::Serverless::Function`, in which
    /// references are resolved.
    pub fn new(zip: &Path, properties: &Value, resolve: impl Fn(&str) -> String) -> Result<Self> {
        let missing = |name: &str| Error(format!("{name}: not in the template"));
        let number = |of: &Value, name: &str| of[name].as_u64().ok_or_else(|| missing(name));
        let invoked = &properties["EventInvokeConfig"];
        let retries = number(invoked, "MaximumRetryAttempts")?;
        let variables = properties["Environment"]["Variables"].as_object();
        let variables = variables.ok_or_else(|| missing("Environment"))?;
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), &resolve);
        let files = TempDir::with_prefix("tripline-lambda-").map_err(at("temporary folder"))?;
        Ok(Self {
            bootstrap: unpack(zip, files.path())?,
            files: Arc::new(files),
            timeout: Duration::from_secs(number(properties, "Timeout")?),
            retries: u32::try_from(retries).map_err(|_| missing("MaximumRetryAttempts"))?,
            max_age: Duration::from_secs(number(invoked, "MaximumEventAgeInSeconds")?)
                .as_secs_f64(),
            environment: variables.iter().map(|(name, of)| (name.clone(), text(of))).collect(),
        })
    }

    /// The same with another value of a variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// An environment of it, which sees AWS through this door. Its process begins with the first
    /// invocation.
    pub async fn environment(&self, door: Door) -> Result<Environment> {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(free).await.map_err(at("a free port"))?;
        let address = listener.local_addr().map_err(at("a free port"))?;
        let api = Arc::new(Api::default());
        let server = tokio::spawn(serve(api.clone(), listener)).abort_handle();
        Ok(Environment {
            function: self.clone(),
            door,
            api,
            address,
            server,
            process: None,
            processes: 0,
        })
    }
}

/// Takes the program out of a zip.
fn unpack(zip: &Path, folder: &Path) -> Result<PathBuf> {
    let failed = |error: &dyn std::fmt::Display| Error(format!("{}: {error}", zip.display()));
    let file = std::fs::File::open(zip).map_err(|error| failed(&error))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| failed(&error))?;
    let mut program = archive.by_name("bootstrap").map_err(|error| failed(&error))?;
    let path = folder.join("bootstrap");
    let mut out = std::fs::File::create(&path).map_err(|error| failed(&error))?;
    std::io::copy(&mut program, &mut out).map_err(|error| failed(&error))?;
    let runs = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, runs).map_err(|error| failed(&error))?;
    Ok(path)
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It returned this.
    Ok(Value),
    /// It reported an error.
    Error {
        /// The stable type.
        kind: String,
        /// For people.
        message: String,
    },
    /// It took longer than it may, and was killed.
    TimedOut,
    /// Its process ended.
    Crashed,
}

impl Ended {
    /// The error's type, as Lambda names it.
    pub fn kind(&self) -> &str {
        match self {
            Self::Ok(_) => "-",
            Self::Error { kind, .. } => kind,
            Self::TimedOut => "Sandbox.Timedout",
            Self::Crashed => "Runtime.ExitError",
        }
    }
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// How each attempt ended.
    pub attempts: Vec<Ended>,
    /// Whether it was handed to the failure destination.
    pub undelivered: bool,
}

/// A process that handles one invocation at a time, and what it remembers.
#[derive(Debug)]
pub struct Environment {
    function: Function,
    door: Door,
    api: Arc<Api>,
    address: SocketAddr,
    server: AbortHandle,
    process: Option<Child>,
    processes: u64,
}

impl Environment {
    /// Hands over an event as SNS does: again when it fails, until it is handled, was tried as often
    /// as it may be, or is too old.
    pub async fn deliver(&mut self, event: &Value) -> Result<Delivery> {
        self.deliver_from(1, event, |_| None).await
    }

    /// The same, beginning with this attempt (from 1) as if those before it had failed. In each,
    /// the process is killed that long after it was asked, if it is still at work.
    pub async fn deliver_from(
        &mut self,
        first: u32,
        event: &Value,
        kill: impl Fn(u32) -> Option<Duration>,
    ) -> Result<Delivery> {
        let begun = Instant::now();
        let mut attempts = Vec::new();
        for attempt in first..=self.function.retries + 1 {
            let waits = WAITS.iter().chain(std::iter::repeat(&LAST_WAIT));
            let waited: f64 = waits.take(attempt.saturating_sub(1) as usize).sum();
            if waited + begun.elapsed().as_secs_f64() > self.function.max_age {
                break;
            }
            self.door.set_attempt(attempt);
            let ended = self.invoke(&older(event, waited), kill(attempt)).await?;
            let is_done = matches!(ended, Ended::Ok(_));
            attempts.push(ended);
            if is_done {
                return Ok(Delivery { attempts, undelivered: false });
            }
        }
        Ok(Delivery { attempts, undelivered: true })
    }

    /// One invocation.
    pub async fn invoke(&mut self, event: &Value, kill: Option<Duration>) -> Result<Ended> {
        let mut process = match self.process.take() {
            Some(process) => process,
            None => {
                self.processes += 1;
                self.start().await?
            }
        };
        let (answer, answered) = oneshot::channel();
        let deadline = now() + self.function.timeout.as_secs_f64();
        self.api.put(Invocation { event: event.to_string(), deadline, answer });
        let killed = async {
            match kill {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            answer = answered => answer.unwrap_or(Ended::Crashed),
            () = tokio::time::sleep(self.function.timeout) => Ended::TimedOut,
            () = killed => Ended::Crashed,
            _ = process.wait() => Ended::Crashed,
        };
        match ended {
            Ended::Ok(_) | Ended::Error { .. } => self.process = Some(process),
            // Lambda gives the next invocation a new process.
            Ended::TimedOut | Ended::Crashed => {
                process.kill().await.ok();
                self.api.clear();
            }
        }
        Ok(ended)
    }

    /// From now on, calls belong to this delivery of their event.
    pub fn set_attempt(&self, attempt: u32) {
        self.door.set_attempt(attempt);
    }

    /// How many processes it has had so far.
    pub fn processes(&self) -> u64 {
        self.processes
    }

    /// How much memory its process has at the moment, in KiB (`VmRSS`), if there is one.
    pub fn resident(&self) -> Option<u64> {
        let id = self.process.as_ref()?.id()?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// All that was logged.
    pub fn whole_log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The last lines of the log.
    pub fn log(&self) -> String {
        let text = self.whole_log();
        let lines: Vec<&str> = text.lines().rev().take(8).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    fn log_path(&self) -> PathBuf {
        self.function.files.path().join(format!("{}.log", self.address.port()))
    }

    async fn start(&self) -> Result<Child> {
        let log = std::fs::File::options().create(true).append(true).open(self.log_path());
        let log = log.map_err(at("log of the function"))?;
        let mut command = Command::new(&self.function.bootstrap);
        command
            .env_clear()
            .envs(self.function.environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", self.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "log")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "log")
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_ENDPOINT_URL", self.door.endpoint())
            .current_dir(self.function.files.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(at("log of the function"))?)
            .stderr(log)
            .kill_on_drop(true);
        for _ in 0..BUSY_TRIES {
            match command.spawn() {
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                other => return other.map_err(at(self.function.bootstrap.display())),
            }
        }
        Err(Error(format!("{}: still written to", self.function.bootstrap.display())))
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The same event, that many seconds older: SNS's time of it is moved.
fn older(event: &Value, seconds: f64) -> Value {
    let mut event = event.clone();
    for record in event.pointer_mut("/Records").and_then(Value::as_array_mut).into_iter().flatten()
    {
        if let Some(sent) = record.pointer_mut("/Sns/Timestamp")
            && let Some(at) = sent.as_str().and_then(time)
        {
            *sent = iso(at - seconds).into();
        }
    }
    event
}

fn time(text: &str) -> Option<f64> {
    DateTime::from_str(text, DateTimeFormat::DateTime).ok().map(|at| at.as_secs_f64())
}

/// A time (seconds since the epoch) as SNS writes it.
pub fn iso(seconds: f64) -> String {
    let text = DateTime::from_secs_f64(seconds).fmt(DateTimeFormat::DateTime);
    text.unwrap_or_default()
}

/// What the runtime API knows of one process.
#[derive(Debug, Default)]
struct Api {
    state: Mutex<State>,
    came: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Invocation>,
    /// The one at work, and its request id.
    current: Option<(String, oneshot::Sender<Ended>)>,
    count: u64,
}

#[derive(Debug)]
struct Invocation {
    event: String,
    /// Seconds since the epoch.
    deadline: f64,
    answer: oneshot::Sender<Ended>,
}

impl Api {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, invocation: Invocation) {
        self.state().waiting.push_back(invocation);
        self.came.notify_one();
    }

    fn clear(&self) {
        let mut state = self.state();
        state.waiting.clear();
        state.current = None;
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        loop {
            let came = self.came.notified();
            if let Some(answer) = self.state().begin() {
                return answer;
            }
            came.await;
        }
    }

    fn end(&self, id: &str, ended: Ended) {
        let mut state = self.state();
        if let Some((_, answer)) = state.current.take_if(|(current, _)| current == id) {
            answer.send(ended).ok();
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let rest = path.strip_prefix("/2018-06-01/runtime/").unwrap_or_default();
        let parts: Vec<&str> = rest.split('/').collect();
        match parts[..] {
            ["invocation", "next"] => return self.next().await,
            ["invocation", id, "response"] => {
                let body = request.into_body().collect().await;
                let body = body.map(|body| body.to_bytes()).unwrap_or_default();
                self.end(id, Ended::Ok(serde_json::from_slice(&body).unwrap_or_default()));
            }
            ["invocation", id, "error"] => {
                let body = request.into_body().collect().await;
                let body = body.map(|body| body.to_bytes()).unwrap_or_default();
                let error: Value = serde_json::from_slice(&body).unwrap_or_default();
                let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
                self.end(
                    id,
                    Ended::Error { kind: text("errorType"), message: text("errorMessage") },
                );
            }
            _ => {}
        }
        let mut taken = Response::new(Full::new("{}".into()));
        *taken.status_mut() = hyper::StatusCode::ACCEPTED;
        taken
    }
}

impl State {
    fn begin(&mut self) -> Option<Response<Full<Bytes>>> {
        let Invocation { event, deadline, answer } = self.waiting.pop_front()?;
        self.count += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.count);
        let response = Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", &id)
            .header("lambda-runtime-deadline-ms", format!("{:.0}", deadline * 1_000.0))
            .header("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0")
            .header(
                "lambda-runtime-invoked-function-arn",
                format!("arn:aws:lambda:{REGION}:{}:function:function", crate::http_aws::ACCOUNT),
            )
            .body(Full::new(event.into()))
            .ok()?;
        self.current = Some((id, answer));
        Some(response)
    }
}

async fn serve(api: Arc<Api>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).ok();
            let api = api.clone();
            connections.spawn(async move {
                let answer = service_fn(|request| {
                    let api = api.clone();
                    async move { Ok::<_, std::convert::Infallible>(api.answer(request).await) }
                });
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer)
                    .await
                    .ok();
            });
        }
        while connections.try_join_next().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use serde_json::json;

    use super::*;
    use crate::faults::Plan;
    use crate::http_aws::HttpAws;

    /// A function whose program is this script.
    fn function(script: &str) -> Function {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("bootstrap.zip");
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        zip.start_file("bootstrap", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(format!("#!/bin/sh\n{script}\n").as_bytes()).unwrap();
        zip.finish().unwrap();
        let properties = json!({
            "Timeout": 1,
            "EventInvokeConfig": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 100},
            "Environment": {"Variables": {"TOPIC": "<Topic>"}},
        });
        Function::new(&path, &properties, |text| text.to_uppercase()).unwrap()
    }

    async fn delivered(function: &Function) -> Delivery {
        let door = HttpAws::default().door(|_| Plan::none()).await.unwrap();
        function.environment(door).await.unwrap().deliver(&json!({})).await.unwrap()
    }

    #[tokio::test]
    async fn what_fails_is_repeated_and_then_undelivered() {
        let mut function = function("exit 1");
        assert_eq!(function.environment, [("TOPIC".to_owned(), "<TOPIC>".to_owned())]);
        // Before the third attempt the event is 180 s old.
        let attempts = vec![Ended::Crashed; 2];
        assert_eq!(delivered(&function).await, Delivery { attempts, undelivered: true });
        function.max_age = 3_600.0;
        let attempts = vec![Ended::Crashed; 3];
        assert_eq!(delivered(&function).await, Delivery { attempts, undelivered: true });
    }

    #[tokio::test]
    async fn a_process_is_killed_at_its_limit() {
        // The process itself, since a child of a shell would outlive it, with every lock that it inherited.
        let function = function("exec sleep 600");
        let door = HttpAws::default().door(|_| Plan::none()).await.unwrap();
        let mut environment = function.environment(door).await.unwrap();
        assert_eq!(environment.invoke(&json!({}), None).await, Ok(Ended::TimedOut));
        assert!(environment.process.is_none());
        let kill = Some(Duration::ZERO);
        assert_eq!(environment.invoke(&json!({}), kill).await, Ok(Ended::Crashed));
    }

    #[test]
    fn an_event_is_made_older_instead_of_waiting() {
        let event =
            json!({"Records": [{"Sns": {"Timestamp": "2026-11-28T10:03:00.500Z", "a": 1}}]});
        let expected =
            json!({"Records": [{"Sns": {"Timestamp": "2026-11-28T10:00:00.5Z", "a": 1}}]});
        assert_eq!(older(&event, 180.0), expected);
        assert_eq!(older(&json!("no object"), 1.0), json!("no object"));
    }
}
