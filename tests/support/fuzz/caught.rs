//! An invariant that does not hold, as a value.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Where the last panic of this thread was, while it is being caught.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Where: the same for every input that shows the same fault.
    pub place: String,
    /// In words.
    pub text: String,
}

impl Failed {
    pub(super) fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into() }
    }
}

/// Runs a check; a panic of it is what failed. Panics of other threads are printed as ever.
pub(super) fn caught(check: fn(&[u8]), input: &[u8]) -> Result<(), Failed> {
    keep_places();
    PLACE.set(Some(String::new()));
    let result = panic::catch_unwind(AssertUnwindSafe(|| check(input)));
    let place = PLACE.take().unwrap_or_default();
    result.map_err(|panic| Failed::new(place, text_of(panic.as_ref())))
}

/// Keeps where a panic was, in place of printing it, on threads that catch one.
fn keep_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_kept = PLACE.with_borrow_mut(|place| {
                let here = info.location().map(ToString::to_string);
                place.as_mut().map(|place| *place = here.unwrap_or_default()).is_some()
            });
            if !is_kept {
                before(info);
            }
        }));
    });
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").to_owned()
}
