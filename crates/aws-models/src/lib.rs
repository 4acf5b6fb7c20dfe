//! What AWS takes: requests of tests, checked before a stand-in answers them.
//!
//! A stand-in of AWS takes much that AWS refuses. So every request is read back into the input of its operation, in
//! whichever protocol it came, and compared with botocore's model of the service: required and unknown members, types,
//! lengths, patterns, enums, ranges ([`faults`]). What the models do not know stands in `rules.rs`.
//!
//! The models are those of the local AWS's own Python environment, `.local/local-aws`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by panicking

mod check;
mod given;
mod model;
mod pattern;
mod rules;
mod taken;
mod wire;

#[cfg(test)]
mod tests;

pub use taken::Taken;
pub use wire::Request;

/// What AWS would refuse of a request, each with the operation, the member and what is expected.
pub fn faults(request: &Request) -> Vec<String> {
    let asked = match wire::read(request) {
        Ok(Some(asked)) => asked,
        Ok(None) => return Vec::new(),
        Err(fault) => return vec![fault],
    };
    let mut faults = asked.unknown.clone();
    check::input(asked.model, asked.operation, &asked.input, &mut faults);
    // As on AWS, what stands in a request is not looked at before it is understood.
    if faults.is_empty() {
        rules::hold(&asked, request.now, &mut faults);
    }
    let of = format!("{} {}", asked.model.name, asked.operation.name);
    faults.into_iter().map(|fault| format!("{of}: {fault}")).collect()
}
