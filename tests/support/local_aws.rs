//! The local AWS: one server process of its own for every [`LocalAws`], gone with it.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_s3::config::{
    Credentials, Region, SharedCredentialsProvider, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use tempfile::TempDir;

use crate::{Error, Result, at, runner, workspace};

/// Where the local AWS says it is. Its account is 000000000000.
pub const REGION: &str = "us-east-1";
/// It takes any credentials.
const CREDENTIALS: &str = "test";
/// It is ready in one or two seconds, on a busy machine later.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// A port that was free a moment ago can be taken by now.
const TRIES: u32 = 5;

/// Runs the server ($1), and ends the whole process group, functions included, when the server
/// ends or when stdin does: the parent holds its other end, which the kernel closes however the
/// parent dies. Only then do its files ($2) go too; otherwise the parent wants to read the log.
/// `kill 0` reaches this group and no other process.
const GUARDIAN: &str = r#"{ "$1"; kill -KILL 0; } & read -r _; rm -rf "$2"; kill -KILL 0"#;

/// A running local AWS. Dropping it ends the server and removes its files.
#[derive(Debug)]
pub struct LocalAws {
    endpoint: String,
    guardian: Child,
    files: TempDir,
}

impl LocalAws {
    /// Starts a server on a free port and waits until it answers.
    pub async fn start() -> Result<Self> {
        Self::start_calling(None).await
    }

    /// The same, whose functions do not call it but whoever is at this address, to be passed on.
    pub(crate) async fn start_with_functions_at(endpoint: &str) -> Result<Self> {
        Self::start_calling(Some(endpoint)).await
    }

    async fn start_calling(functions_at: Option<&str>) -> Result<Self> {
        let mut last = Error(String::new());
        for _ in 0..TRIES {
            let mut started = Self::spawn(functions_at)?;
            match started.ready().await {
                Ok(()) => return Ok(started),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn spawn(functions_at: Option<&str>) -> Result<Self> {
        let server = server()?;
        let files = TempDir::with_prefix("tripline-local-aws-").map_err(at("temporary folder"))?;
        let log = File::create(files.path().join("log")).map_err(at("log of the local AWS"))?;
        let port = free_port()?;
        let endpoint = format!("http://127.0.0.1:{port}");

        let mut command = Command::new("/bin/sh");
        // Its own environment: a proxy, profile, time zone or Python path of the caller must not matter.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        let guardian = command
            .args(["-c", GUARDIAN, "local-aws"])
            .arg(server)
            .arg(files.path())
            .env("AWS_ENDPOINT_URL", functions_at.unwrap_or(&endpoint)) // what the functions call
            .env("GATEWAY_PORT", port.to_string())
            .env("BIND_HOST", "127.0.0.1")
            .env("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.1") // AWS waits minutes before it tries again
            .env("IOT_MTLS_ENABLED", "0") // nobody speaks MQTT here: one port less to meet on
            .env("MINISTACK_EDITION", mark(&files)) // distinguishes it from another one, see `answers`
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_REGION", REGION)
            .env("TMPDIR", files.path())
            .env("HOME", files.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .current_dir(files.path())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().map_err(at("log of the local AWS"))?)
            .stderr(log)
            .spawn()
            .map_err(at("/bin/sh"))?;
        Ok(Self { endpoint, guardian, files })
    }

    async fn ready(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < READY_WITHIN {
            if self.answers().unwrap_or(false) {
                return Ok(());
            }
            if let Ok(Some(_)) = self.guardian.try_wait() {
                return Err(self.error("ended at once"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(self.error(&format!("gave no answer within {READY_WITHIN:?}")))
    }

    /// Whether the server at this address is this one: another process may have got the same port
    /// a moment earlier, and must not be taken for it.
    fn answers(&self) -> std::io::Result<bool> {
        let timeout = Duration::from_secs(2);
        let mut stream = TcpStream::connect_timeout(&self.address(), timeout)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.write_all(
            b"GET /_ministack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.contains(&mark(&self.files)))
    }

    /// Its own address.
    pub fn address(&self) -> SocketAddr {
        let port = self.endpoint.rsplit(':').next().and_then(|port| port.parse().ok());
        SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)))
    }

    /// What goes into `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The process group of the server and its functions.
    pub fn process_group(&self) -> u32 {
        self.guardian.id()
    }

    /// The server's own temporary folder, with its log.
    pub fn files(&self) -> &std::path::Path {
        self.files.path()
    }

    /// The last lines of the server's log.
    pub fn log_tail(&self) -> String {
        let log = std::fs::read(self.files.path().join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines
            .iter()
            .skip(lines.len().saturating_sub(25))
            .map(|line| format!("  | {line}\n"))
            .collect()
    }

    fn error(&self, what: &str) -> Error {
        Error(format!(
            "local AWS {}: {what}; its log ends with\n{}",
            self.endpoint,
            self.log_tail()
        ))
    }

    /// Settings for AWS clients that reach only this server, whatever the caller's environment.
    pub fn config(&self) -> SdkConfig {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let credentials = Credentials::new(CREDENTIALS, CREDENTIALS, None, None, "local AWS");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http)
            .region(Region::new(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(&self.endpoint)
            .retry_config(RetryConfig::standard())
            .timeout_config(
                TimeoutConfig::builder().operation_timeout(Duration::from_secs(60)).build(),
            )
            .build()
    }

    /// A program whose AWS is this server, whatever the caller's environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = runner::command(program, workspace::root());
        command
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", CREDENTIALS)
            .env("AWS_SECRET_ACCESS_KEY", CREDENTIALS)
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("NO_PROXY", "127.0.0.1");
        command
    }

    /// The command `tripline`, from the same build as this one, with this server as its AWS.
    pub fn tripline(&self) -> Result<Command> {
        workspace::program("tripline").map(|program| self.command(program))
    }
}

impl Drop for LocalAws {
    fn drop(&mut self) {
        // The end of its stdin ends the group; waiting for it leaves no zombie.
        drop(self.guardian.stdin.take());
        self.guardian.wait().ok();
    }
}

/// The server's program: installed in this checkout, or what `TRIPLINE_LOCAL_AWS` names.
fn server() -> Result<PathBuf> {
    let server = std::env::var_os("TRIPLINE_LOCAL_AWS")
        .map_or_else(|| workspace::root().join(".local/local-aws/bin/ministack"), PathBuf::from);
    if server.is_file() {
        Ok(server)
    } else {
        Err(Error(format!(
            "{}: no such file (expected the local AWS)\n\n  hint: make setup",
            server.display()
        )))
    }
}

/// The Python that the server runs on, which has a client of AWS.
pub fn python() -> Result<PathBuf> {
    Ok(server()?.with_file_name("python"))
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(at("127.0.0.1"))?;
    Ok(listener.local_addr().map_err(at("127.0.0.1"))?.port())
}

/// The name of the server's own temporary folder is unique on this machine.
fn mark(files: &TempDir) -> String {
    files.path().file_name().unwrap_or_default().to_string_lossy().into_owned()
}
