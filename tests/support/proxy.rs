//! A proxy: what programs and tests speak to instead of the local AWS when calls have to be
//! counted, refused, or cut off in the middle.
//!
//! It passes every call on as it came and its answer back, on a thread of its own, so that a test
//! that blocks does not stop it. Every program that it runs has a door of its own (a port): its
//! calls are notified from all others, and so two programs can run at once.
//!
//! **What a function calls has to be in its role** (see `proxy/witness.rs`): a test in which a function makes another
//! call fails at its end. **So does a test in which a program sends what AWS would refuse** (see `crates/aws-models`).
//!
//! **AWS IoT streams are answered by the proxy itself** (see `proxy/streams.rs`): the local AWS has none.
//! What uses them is proven against this stand-in only, which follows AWS's documentation. **So are
//! CloudWatch's alarm mute rules** (see `proxy/mutes.rs`). To answers of the local AWS it adds further attempts of
//! devices (`proxy/attempts.rs`) and what metric math is made of (`proxy/metric_math.rs`).

mod attempts;
pub(crate) mod call;
mod caller;
mod door;
pub(crate) mod fault;
mod metric_math;
mod mutes;
mod program;
mod right;
mod streams;
mod witness;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use aws_config::SdkConfig;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::local_aws::LocalAws;
use crate::{Result, at, runner, workspace};
use attempts::Attempts;
pub use call::Call;
use door::Door;
pub use fault::Mishap;
use fault::{Fault, Mishaps};
use metric_math::MetricMath;
use mutes::Mutes;
pub use program::{Cut, Ran, Running};
pub use right::Right;
use streams::Streams;
use witness::Witness;
pub use witness::decide;

/// How programs and SDKs learn where AWS is.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// A running proxy. Dropping it closes all its doors.
#[derive(Debug)]
pub struct Proxy {
    endpoint: String,
    config: SdkConfig,
    /// What [`LocalAws::command`] sets.
    environment: Vec<(OsString, OsString)>,
    shared: Arc<Shared>,
    runtime: Handle,
    /// Dropping it ends the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What all doors have in common.
#[derive(Debug)]
struct Shared {
    /// The local AWS.
    aws: SocketAddr,
    numbers: AtomicU64,
    calls: Mutex<Vec<Logged>>,
    faults: Mutex<Vec<Fault>>,
    streams: Mutex<Streams>,
    mutes: Mutex<Mutes>,
    attempts: Mutex<Attempts>,
    metric_math: Mutex<MetricMath>,
    /// What functions asked for, and the way to the local AWS to ask what they may.
    witness: Witness,
    local: SdkConfig,
}

/// A call, and which one it is at which door.
#[derive(Debug)]
struct Logged {
    number: u64,
    door: u64,
    call: Call,
}

impl Proxy {
    /// Opens a door to this local AWS on a free port.
    pub fn start(aws: &LocalAws) -> Result<Self> {
        let (listener, endpoint) = listen()?;
        Self::open_to(aws, listener, endpoint)
    }

    /// A local AWS whose functions speak to the proxy in front of it, too. (A function's own
    /// `AWS_ENDPOINT_URL` does not count there: the server's is put in its place.)
    pub async fn start_with_functions() -> Result<(LocalAws, Self)> {
        let (listener, endpoint) = listen()?;
        let aws = LocalAws::start_with_functions_at(&endpoint).await?;
        let proxy = Self::open_to(&aws, listener, endpoint)?;
        Ok((aws, proxy))
    }

    fn open_to(aws: &LocalAws, listener: TcpListener, endpoint: String) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(at("runtime of the proxy"))?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(stopped).ok();
        });
        let proxy = Self {
            config: aws.config().into_builder().endpoint_url(&endpoint).build(),
            endpoint,
            environment: aws
                .command("")
                .get_envs()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
                .collect(),
            shared: Arc::new(Shared {
                aws: aws.address(),
                numbers: AtomicU64::new(0),
                calls: Mutex::default(),
                faults: Mutex::default(),
                streams: Mutex::default(),
                mutes: Mutex::default(),
                attempts: Mutex::default(),
                metric_math: Mutex::default(),
                witness: Witness::default(),
                local: aws.config(),
            }),
            runtime: handle,
            stop: Some(stop),
            thread: Some(thread),
        };
        proxy.open(listener, None, Mishaps::none());
        Ok(proxy)
    }

    /// What goes into `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Settings for AWS clients that reach only this proxy, like [`LocalAws::config`].
    pub fn config(&self) -> SdkConfig {
        self.config.clone()
    }

    /// An S3 client with one address for all buckets: `bucket.127.0.0.1` is none.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// A program whose AWS is this proxy, like [`LocalAws::command`].
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = runner::command(program, workspace::root());
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        command.envs(environment).env(ENDPOINT, &self.endpoint);
        command
    }

    /// The command `tripline`, from the same build as this one, with this proxy as its AWS.
    pub fn tripline(&self) -> Result<Command> {
        workspace::program("tripline").map(|program| self.command(program))
    }

    /// All calls that came since the start or the last [`clear`](Self::clear), in their order.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.shared.calls).iter().map(|logged| logged.call.clone()).collect()
    }

    /// Forgets the calls that came.
    pub fn clear(&self) {
        lock(&self.shared.calls).clear();
    }

    /// Refuses the next calls that match, so often, with an error as AWS would send it. They
    /// do not reach the local AWS. Of several faults that match, the one that was given first counts.
    pub fn fail_next(
        &self,
        matches: impl Fn(&Call) -> bool + Send + 'static,
        http_status: u16,
        error_code: &str,
        times: usize,
    ) {
        lock(&self.shared.faults).push(Fault::new(matches, http_status, error_code, times));
    }

    /// From now on an alarm mute rule of this name is active, and mutes these alarms and no others.
    pub fn mute(&self, rule: &str, alarms: &[&str]) {
        let alarms = alarms.iter().map(|alarm| (*alarm).to_owned()).collect();
        lock(&self.shared.mutes).put(rule, alarms);
    }

    /// Deletes an alarm mute rule; whether there was one.
    pub fn lift(&self, rule: &str) -> bool {
        lock(&self.shared.mutes).delete(rule)
    }

    /// From now on a thing has failed so often at a job before its execution that the local AWS knows.
    pub fn failed_before(&self, job: &str, thing: &str, attempts: u32) {
        lock(&self.shared.attempts).put(job, thing, attempts);
    }

    /// What functions have asked for through this proxy, each with its function.
    pub fn asked_by_functions(&self) -> BTreeSet<(String, Right)> {
        self.shared.witness.asked()
    }

    /// What functions have asked for and their roles do not allow, and what AWS would refuse of any request. Whatever of it
    /// is not taken fails the test in which the proxy ends.
    pub fn take_violations(&self) -> Vec<String> {
        self.shared.witness.take_violations()
    }

    /// Forgets what functions asked for, and reads their roles again.
    pub fn forget_functions(&self) {
        self.shared.witness.forget();
    }

    fn open(
        &self,
        listener: TcpListener,
        program: Option<(Arc<Mutex<Child>>, Option<Cut>)>,
        mishaps: Mishaps,
    ) -> (Arc<Door>, AbortHandle) {
        let door = Arc::new(Door::new(self.shared.clone(), program, mishaps));
        let task = self.runtime.spawn(door::serve(door.clone(), listener));
        (door, task.abort_handle())
    }
}

impl Shared {
    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
        let violations = self.take_violations();
        // A test that fails already says why.
        assert!(violations.is_empty() || std::thread::panicking(), "{violations:#?}");
    }
}

/// A free port, and how it is named to those who speak to it.
fn listen() -> Result<(TcpListener, String)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(at("127.0.0.1"))?;
    listener.set_nonblocking(true).map_err(at("127.0.0.1"))?;
    let port = listener.local_addr().map_err(at("127.0.0.1"))?.port();
    Ok((listener, format!("http://127.0.0.1:{port}")))
}

/// What a test that panicked has left is as good as ever.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
