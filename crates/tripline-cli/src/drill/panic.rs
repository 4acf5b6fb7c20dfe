//! A panic that waits until the clean-up is done.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Runs to the end, or to a panic, which has been shown by then and is to be resumed.
pub async fn catch_panic<T>(run: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    let mut run = pin!(run);
    std::future::poll_fn(|context| {
        match catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_comes_after_a_panic_is_done() {
        let panic = catch_panic(async {
            tokio::task::yield_now().await;
            panic!("in the middle");
        });
        assert_eq!(panic.await.unwrap_err().downcast_ref(), Some(&"in the middle"));
        assert_eq!(catch_panic(async { 7 }).await.unwrap(), 7);
    }
}
