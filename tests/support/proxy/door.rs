//! A door: a port, what comes through it, and how it gets to the local AWS.

use std::net::TcpListener;
use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::header::CONTENT_LENGTH;
use hyper::http::request::Parts;
use hyper::http::response::Parts as Head;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};
use tokio::task::JoinSet;

use super::call::Call;
use super::caller::function_at;
use super::fault::{Fault, Mishap, Mishaps};
use super::mutes::Mutes;
use super::program::{Cut, When};
use super::streams::Streams;
use super::{Logged, Shared, lock};
use crate::taken;

/// More than anything here sends at once; the functions' zips have 2 MB.
const LARGEST: usize = 64 << 20;
/// The local AWS closes a connection that is idle for longer than some seconds: a call that is
/// sent in the same moment would be lost.
const IDLE: Duration = Duration::from_secs(1);

type Answer = Response<Full<Bytes>>;
/// A connection, and when it was used last.
type Idle = (SendRequest<Full<Bytes>>, Instant);
type Lost = Box<dyn std::error::Error + Send + Sync>;

/// One of the proxy's ports.
#[derive(Debug)]
pub(super) struct Door {
    shared: Arc<Shared>,
    number: u64,
    /// Who comes through it, if it is one program's.
    program: Option<Arc<Mutex<Child>>>,
    cut: Option<Cut>,
    mishaps: Mishaps,
    came: Mutex<usize>,
    carried_out: AtomicU64,
    /// Read by each call that is carried out.
    busy: Arc<RwLock<()>>,
}

/// What becomes of a call.
enum Turn {
    /// It is carried out; by its number its status is noted.
    Pass(u64, Option<OwnedRwLockReadGuard<()>>),
    /// The program is killed before or after it is carried out.
    Last(u64, When),
    /// The program is about to be killed.
    TooLate,
}

impl Door {
    pub(super) fn new(
        shared: Arc<Shared>,
        program: Option<(Arc<Mutex<Child>>, Option<Cut>)>,
        mishaps: Mishaps,
    ) -> Self {
        let number = shared.number();
        let (program, cut) = program.map_or((None, None), |(child, cut)| (Some(child), cut));
        Self {
            shared,
            number,
            program,
            cut,
            mishaps,
            came: Mutex::new(0),
            carried_out: AtomicU64::new(0),
            busy: Arc::default(),
        }
    }

    /// The calls that came through this door and are not forgotten.
    pub(super) fn calls(&self) -> Vec<Call> {
        let calls = lock(&self.shared.calls);
        let mine = calls.iter().filter(|logged| logged.door == self.number);
        mine.map(|logged| logged.call.clone()).collect()
    }

    /// Whether the program was killed at its call.
    pub(super) fn was_cut(&self) -> bool {
        self.cut.is_some_and(|cut| *lock(&self.came) >= cut.call)
    }

    fn admit(&self, call: &Call) -> Turn {
        // Held until the call is noted: the n-th is the n-th in the notes.
        let mut came = lock(&self.came);
        *came += 1;
        if self.cut.is_some_and(|cut| *came > cut.call) {
            return Turn::TooLate;
        }
        let number = self.shared.number();
        let call = call.clone();
        lock(&self.shared.calls).push(Logged { number, door: self.number, call });
        match self.cut {
            Some(cut) if *came == cut.call => Turn::Last(number, cut.when),
            // None comes after the cut, so that no one waits to write.
            _ => Turn::Pass(number, self.busy.clone().try_read_owned().ok()),
        }
    }

    async fn answer(
        self: Arc<Self>,
        way: Arc<Way>,
        request: Request<Incoming>,
    ) -> Result<Answer, Lost> {
        let (request, body) = request.into_parts();
        let body = match Limited::new(body, LARGEST).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "more than the proxy takes"));
            }
            Err(error) => return Err(error),
        };
        let call = Call::of(&request, &body);
        let of = way.function.as_deref().unwrap_or("a program");
        self.shared.witness.note_faults(of, taken::faults(&request, &body));
        if let Some(function) = way.function.as_deref() {
            let rights = call.rights.clone();
            self.shared.witness.note(&self.shared.local, function, rights).await;
        }
        let turn = self.admit(&call);
        // As on AWS, a call that has come is carried out, whether its client still waits or not.
        let taken = tokio::spawn(async move { self.take(turn, &way, &call, request, body).await });
        match taken.await? {
            Some(answer) => Ok(answer),
            // The end of the program closes its connections.
            None => std::future::pending().await,
        }
    }

    /// A program that is killed gets no answer.
    async fn take(
        &self,
        turn: Turn,
        way: &Way,
        call: &Call,
        request: Parts,
        body: Bytes,
    ) -> Option<Answer> {
        match turn {
            Turn::TooLate => None,
            Turn::Last(_, When::Before) => self.kill().await,
            Turn::Last(number, When::After) => {
                self.carry_out(number, way, call, request, body).await;
                self.kill().await
            }
            Turn::Pass(number, _busy) => {
                Some(self.carry_out(number, way, call, request, body).await)
            }
        }
    }

    /// Ends the program once its earlier calls have been carried out, so that what is left behind
    /// is the same every time.
    async fn kill(&self) -> Option<Answer> {
        let _idle = self.busy.write().await;
        if let Some(program) = &self.program {
            lock(program).kill().ok();
        }
        None
    }

    async fn carry_out(
        &self,
        number: u64,
        way: &Way,
        call: &Call,
        request: Parts,
        body: Bytes,
    ) -> Answer {
        let n = 1 + self.carried_out.fetch_add(1, Ordering::Relaxed);
        let mishap = self.mishaps.of(n, call);
        let refusal = |mishap: Mishap| mishap.refusal().answer(&request, &call.service);
        let answer = match mishap {
            Some(refused @ Mishap::Refused(..)) => refusal(refused),
            _ => self.answer_of(way, call, request.clone(), body).await,
        };
        let mut calls = lock(&self.shared.calls);
        if let Some(logged) = calls.iter_mut().rev().find(|logged| logged.number == number) {
            logged.call.status = Some(answer.status().as_u16());
        }
        match mishap {
            Some(lost @ Mishap::Lost(..)) => refusal(lost),
            _ => answer,
        }
    }

    async fn answer_of(&self, way: &Way, call: &Call, request: Parts, body: Bytes) -> Answer {
        if let Some(refusal) = Fault::take(&mut lock(&self.shared.faults), call) {
            return refusal.answer(&request, &call.service);
        }
        if Streams::are_meant_by(call, &body) {
            return lock(&self.shared.streams).answer(&request, &body);
        }
        if Mutes::are_meant_by(call) {
            return lock(&self.shared.mutes).answer(call, &request, &body);
        }
        match way.pass_on(request, body.clone()).await {
            Ok((head, answer)) => self.completed(call, &body, head, answer),
            Err(lost) => {
                plain(StatusCode::BAD_GATEWAY, &format!("the local AWS cannot be reached: {lost}"))
            }
        }
    }

    /// The local AWS's answer, with what it leaves out.
    fn completed(&self, call: &Call, asked: &[u8], mut head: Head, answer: Bytes) -> Answer {
        let mut shown = None;
        if head.status.is_success() {
            let mut metric_math = lock(&self.shared.metric_math);
            metric_math.note(call, asked);
            shown = metric_math.shown(call, &answer);
            shown = shown.or_else(|| lock(&self.shared.attempts).shown(call, &answer));
        }
        let answer = match shown {
            Some(shown) => {
                head.headers.remove(CONTENT_LENGTH);
                shown.into()
            }
            None => answer,
        };
        Response::from_parts(head, Full::new(answer))
    }
}

/// Lets in whoever comes, until it is aborted.
pub(super) async fn serve(door: Arc<Door>, listener: TcpListener) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(converse(door.clone(), stream));
            }
            // Of one that went away at once, or of too many open files: the next may do better.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

/// One connection; its calls come one after another.
async fn converse(door: Arc<Door>, stream: TcpStream) {
    stream.set_nodelay(true).ok();
    // A program's own door is no function's.
    let ends = stream.peer_addr().ok().zip(stream.local_addr().ok());
    let ends = ends.filter(|_| door.program.is_none());
    let function =
        tokio::task::spawn_blocking(move || ends.and_then(|(peer, own)| function_at(peer, own)));
    let function = function.await;
    let way = Arc::new(Way {
        aws: door.shared.aws,
        idle: tokio::sync::Mutex::new(None),
        function: function.ok().flatten(),
    });
    let service = service_fn(|request| door.clone().answer(way.clone(), request));
    hyper::server::conn::http1::Builder::new()
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(stream), service)
        .await
        .ok();
}

/// The way to the local AWS from one connection of a client.
struct Way {
    aws: std::net::SocketAddr,
    idle: tokio::sync::Mutex<Option<Idle>>,
    /// Who is at its other end, if it is a function.
    function: Option<String>,
}

impl Way {
    async fn pass_on(&self, mut request: Parts, body: Bytes) -> Result<(Head, Bytes), Lost> {
        let mut idle = self.idle.lock().await;
        let mut connection = self.connection(idle.take()).await?;
        request.version = Version::HTTP_11;
        of_one_hop(&mut request.headers);
        let request = Request::from_parts(request, Full::new(body));
        let (mut answer, body) = connection.send_request(request).await?.into_parts();
        let body = Limited::new(body, LARGEST).collect().await?.to_bytes();
        of_one_hop(&mut answer.headers);
        *idle = Some((connection, Instant::now()));
        Ok((answer, body))
    }

    async fn connection(&self, idle: Option<Idle>) -> Result<SendRequest<Full<Bytes>>, Lost> {
        if let Some((mut open, used)) = idle
            && used.elapsed() < IDLE
            && open.ready().await.is_ok()
        {
            return Ok(open);
        }
        self.connect().await
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Lost> {
        let stream = TcpStream::connect(self.aws).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = hyper::client::conn::http1::Builder::new()
            .preserve_header_case(true)
            .handshake(TokioIo::new(stream))
            .await?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// Takes away what is between two neighbors only (RFC 9110, 7.6.1), such as how a body is cut.
fn of_one_hop(headers: &mut HeaderMap) {
    for name in
        ["connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect"]
    {
        headers.remove(name);
    }
}

fn plain(status: StatusCode, text: &str) -> Answer {
    let mut answer = Response::new(Full::new(text.to_owned().into()));
    *answer.status_mut() = status;
    answer
}
