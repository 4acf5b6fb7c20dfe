//! The job that a command is about: an argument, or `--job-id`.

use std::path::PathBuf;

use clap::Args;
use tripline::job::JobId;

use crate::exit::Error;

/// A job that has to be given. What it is to the command, the command's `mut_arg("job", ..)` says.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct RequiredJob {
    /// The job
    #[arg(id = "job", value_name = "JOB")]
    argument: Option<JobId>,
    /// The same as JOB
    #[arg(id = "job_id", long = "job-id", value_name = "JOB")]
    option: Option<JobId>,
}

impl RequiredJob {
    /// The job.
    pub fn id(self) -> Result<JobId, Error> {
        // clap has seen to that.
        self.argument
            .or(self.option)
            .ok_or_else(|| Error::input("no job (expected an argument, or `--job-id`)".to_owned()))
    }
}

/// A job that may be given.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
pub struct OptionalJob {
    /// The job
    #[arg(id = "job", value_name = "JOB")]
    argument: Option<JobId>,
    /// The same as JOB
    #[arg(id = "job_id", long = "job-id", value_name = "JOB")]
    option: Option<JobId>,
}

impl OptionalJob {
    /// The job, if there is one.
    pub fn id(&self) -> Option<JobId> {
        self.argument.as_ref().or(self.option.as_ref()).cloned()
    }
}

/// A config and a job, of which either may be given. A lone argument that can be a job's ID, and is
/// no file, is the job.
#[derive(Debug, Clone, Args)]
pub struct ConfigAndJob {
    /// The config [default: dev.ini]
    #[arg(id = "config", value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// The job [default: the config's `jobId`]; may be given without a config
    #[arg(id = "job", value_name = "JOB")]
    argument: Option<JobId>,
    /// The same as JOB
    #[arg(id = "job_id", long = "job-id", value_name = "JOB", conflicts_with = "job")]
    option: Option<JobId>,
}

impl ConfigAndJob {
    /// What each argument is.
    pub fn given(&self) -> (Option<PathBuf>, Option<JobId>) {
        let job = self.argument.as_ref().or(self.option.as_ref());
        match (&self.config, job) {
            (Some(path), None) if !path.exists() => match path.to_str().map(JobId::new) {
                Some(Ok(job)) => (None, Some(job)),
                _ => (Some(path.clone()), None),
            },
            (config, job) => (config.clone(), job.cloned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Required {
        #[command(flatten)]
        job: RequiredJob,
    }

    #[derive(Debug, Parser)]
    struct Either {
        #[command(flatten)]
        given: ConfigAndJob,
    }

    #[test]
    fn a_job_is_an_argument_or_an_option_and_never_both() {
        for words in [&["x", "fw"][..], &["x", "--job-id", "fw"]] {
            let job = Required::try_parse_from(words).unwrap().job;
            assert_eq!(job.id().unwrap().as_str(), "fw");
        }
        for bad in [&["x"][..], &["x", "fw", "--job-id", "fw"], &["x", "f w"]] {
            assert!(Required::try_parse_from(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_lone_argument_that_is_no_file_can_be_the_job() {
        let given = |words: &[&str]| {
            let words = [&["x"], words].concat();
            let (config, job) = Either::try_parse_from(words).unwrap().given.given();
            (config.map(|path| path.display().to_string()), job.map(|job| job.to_string()))
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(given(&[]), (None, None));
        assert_eq!(given(&["fw-1-3-0"]), (None, text("fw-1-3-0")));
        assert_eq!(given(&["none.ini"]), (text("none.ini"), None));
        assert_eq!(given(&["src"]), (text("src"), None), "a folder is there");
        assert_eq!(given(&["none.ini", "fw"]), (text("none.ini"), text("fw")));
        assert_eq!(given(&["none", "--job-id", "fw"]), (text("none"), text("fw")));
    }
}
