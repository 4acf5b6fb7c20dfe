#![allow(dead_code)]
//! `tripline deploy`: a rollout from a `dev.ini`.

use std::path::PathBuf;

use crate::connect::Region;
use crate::exit::{End, Error};

/// A rollout to deploy.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The `dev.ini`; the files it names are looked for in its folder.
    pub config: PathBuf,
    /// The stack whose force-stopper guards it.
    pub stack: String,
    /// Where, unless the config says so.
    pub region: Option<Region>,
    /// Go on with what an earlier, interrupted deploy has left.
    pub resume: bool,
    /// Return once the job is there, instead of waiting for its end.
    pub detach: bool,
}

impl Deployment {
    /// Deploys it: what is there already and is of the same deployment is left as it is.
    pub async fn run(&self) -> Result<End, Error> {
        Err(Error::Input(format!("{}: not yet", self.config.display())))
    }
}
