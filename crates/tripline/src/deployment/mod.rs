//! What a rollout is made of, before AWS is asked for any of it: names that AWS accepts, the list
//! of its targets, and the document that devices get.

mod document;
mod things;
mod values;

pub use document::{DocumentFault, Image, JobDocument, MAX_DOCUMENT};
pub use things::{MAX_TARGETS, Target, TargetKind, ThingList};
pub use values::{Bucket, FileId, Presigned, RoleArn, StreamId, TargetSelection};
