//! Programs at a proxy, and their end in the middle of a call.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::door::Door;
use super::fault::{Mishap, Mishaps};
use super::{Call, ENDPOINT, Proxy, listen, lock};
use crate::{Error, Result, at};

/// No program of a test takes longer.
const WITHIN: Duration = Duration::from_secs(120);
const SIGKILL: i32 = 9;

/// Where a program is killed (SIGKILL): at one of its calls, counted from 1 in the order in which
/// they come, tries again included. Calls that came before it have all been carried out by then, and
/// none that comes after it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    pub(super) call: usize,
    pub(super) when: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Before,
    After,
}

impl Cut {
    /// The call has come and is not carried out.
    pub fn before(call: usize) -> Self {
        Self { call, when: When::Before }
    }

    /// The call has been carried out, and the program never sees the answer.
    pub fn after(call: usize) -> Self {
        Self { call, when: When::After }
    }
}

/// A program that has ended.
#[derive(Debug)]
pub struct Ran {
    /// How.
    pub status: ExitStatus,
    /// What it wrote.
    pub stdout: String,
    /// What it printed for people.
    pub stderr: String,
    /// Its calls, and no one else's. The last one of a program that was cut has a `status` if it
    /// has been carried out.
    pub calls: Vec<Call>,
    /// Whether it was killed at a call. False if it ended before.
    pub cut: bool,
}

/// A program that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Arc<Mutex<Child>>,
    name: String,
    door: Arc<Door>,
    task: AbortHandle,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

impl Proxy {
    /// Runs a program to its end, or to the cut. Its AWS is this proxy, whatever the command says.
    pub async fn run(&self, command: &mut Command, cut: Option<Cut>) -> Result<Ran> {
        self.spawn(command, cut)?.end().await
    }

    /// The same, with what becomes of its n-th call, from 1, instead of its answer.
    pub async fn run_under(
        &self,
        command: &mut Command,
        cut: Option<Cut>,
        mishap: impl Fn(u64, &Call) -> Option<Mishap> + Send + Sync + 'static,
    ) -> Result<Ran> {
        self.start_program(command, cut, Mishaps::new(mishap))?.end().await
    }

    /// Starts a program that goes on while the test does other things. It has no input.
    pub fn spawn(&self, command: &mut Command, cut: Option<Cut>) -> Result<Running> {
        self.start_program(command, cut, Mishaps::none())
    }

    fn start_program(
        &self,
        command: &mut Command,
        cut: Option<Cut>,
        mishaps: Mishaps,
    ) -> Result<Running> {
        let (listener, endpoint) = listen()?;
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .env(ENDPOINT, endpoint)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(at(&name))?;
        let (stdout, stderr) = (child.stdout.take().map(read), child.stderr.take().map(read));
        let child = Arc::new(Mutex::new(child));
        // Its first calls wait in the listener's queue until here: who is to be killed is known.
        let (door, task) = self.open(listener, Some((child.clone(), cut)), mishaps);
        Ok(Running { child, name, door, task, stdout, stderr })
    }
}

impl Running {
    /// Its process.
    pub fn id(&self) -> u32 {
        lock(&self.child).id()
    }

    /// Its calls until now.
    pub fn calls(&self) -> Vec<Call> {
        self.door.calls()
    }

    /// Waits for its end.
    pub async fn end(mut self) -> Result<Ran> {
        let ended = tokio::task::spawn_blocking(move || self.wait()).await;
        ended.map_err(|error| Error(format!("waiting for a program: {error}")))?
    }

    fn wait(&mut self) -> Result<Ran> {
        let start = Instant::now();
        let status = loop {
            // Not `wait`, which would keep the child from who has to kill it.
            if let Some(status) = lock(&self.child).try_wait().map_err(at(&self.name))? {
                break Some(status);
            }
            if start.elapsed() > WITHIN {
                self.kill();
                break None;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = |reader: Option<JoinHandle<String>>| reader.and_then(|r| r.join().ok());
        let stdout = text(self.stdout.take()).unwrap_or_default();
        let stderr = text(self.stderr.take()).unwrap_or_default();
        match status {
            Some(status) => {
                let killed = status.signal() == Some(SIGKILL);
                let (calls, cut) = (self.door.calls(), killed && self.door.was_cut());
                Ok(Ran { status, stdout, stderr, calls, cut })
            }
            None => Err(Error(format!(
                "{}: still running after {WITHIN:?}\n{stdout}{stderr}",
                self.name
            ))),
        }
    }

    fn kill(&self) {
        let mut child = lock(&self.child);
        child.kill().ok();
        child.wait().ok();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        self.task.abort();
    }
}

/// Reads all, on a thread of its own, so that the program never waits for a reader.
fn read(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut all = Vec::new();
        from.read_to_end(&mut all).ok();
        String::from_utf8_lossy(&all).into_owned()
    })
}
