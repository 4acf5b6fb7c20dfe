//! Ctrl-C and SIGTERM: a drill ends between two calls, never within one, so that its clean-up finds
//! all that it made.

use std::time::Duration;

use tokio::sync::watch;

/// Whether somebody wants the drill to end.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

/// Somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

impl Interrupt {
    /// Listens from now on.
    pub fn listen() -> Self {
        let (sender, receiver) = watch::channel(false);
        let mut signals = Signals::listen();
        tokio::spawn(async move {
            signals.next().await;
            sender.send(true).ok();
            // Without a sender, waiting would end at once.
            sender.closed().await;
        });
        Self(receiver)
    }

    pub fn check(&self) -> Result<(), Interrupted> {
        if *self.0.borrow() { Err(Interrupted) } else { Ok(()) }
    }

    /// Waits, unless somebody wants the drill to end.
    pub async fn pause(&mut self, pause: Duration) -> Result<(), Interrupted> {
        self.check()?;
        tokio::select! {
            changed = self.0.changed() => if changed.is_ok() { Err(Interrupted) } else { Ok(()) },
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }
}

/// What ends a program: caught from the moment on that this is made, not only once it is waited for.
#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Self(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let came = self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if came { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Self
    }

    async fn next(&mut self) {
        tokio::signal::ctrl_c().await.ok();
    }
}
