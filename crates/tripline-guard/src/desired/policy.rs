//! Which jobs get the stack's default guard.

use std::str::FromStr;

use super::{Purpose, Tagged};

/// The parameter `GuardedJobs`: which jobs get the default guard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GuardedJobs {
    /// `all`: every job that does not opt out.
    #[default]
    All,
    /// `tagged`: those whose tag `tripline:guard` is `on`.
    Tagged,
}

/// The parameter `GreengrassDeployments`: what becomes of jobs that are deployments of Greengrass V2,
/// which another service owns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GreengrassDeployments {
    /// `alert`: the default guard sends an e-mail, and stops nothing.
    #[default]
    Alert,
    /// `stop`: as any other job.
    Stop,
    /// `ignore`: no default guard.
    Ignore,
}

/// Both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// Which jobs get the default guard.
    pub jobs: GuardedJobs,
    /// What becomes of deployments of Greengrass.
    pub greengrass: GreengrassDeployments,
}

impl GuardedJobs {
    /// What it can be, in words.
    pub const EXPECTED: &str = "`all` or `tagged`";
}

impl GreengrassDeployments {
    /// What it can be, in words.
    pub const EXPECTED: &str = "`alert`, `stop` or `ignore`";
}

impl FromStr for GuardedJobs {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "all" => Ok(Self::All),
            "tagged" => Ok(Self::Tagged),
            _ => Err(()),
        }
    }
}

impl FromStr for GreengrassDeployments {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "alert" => Ok(Self::Alert),
            "stop" => Ok(Self::Stop),
            "ignore" => Ok(Self::Ignore),
            _ => Err(()),
        }
    }
}

impl Policy {
    /// By the stack's parameters, as far as they can be used; else as the template has it.
    pub fn read(parameter: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            jobs: parameter("GuardedJobs").and_then(|is| is.parse().ok()).unwrap_or_default(),
            greengrass: parameter("GreengrassDeployments")
                .and_then(|is| is.parse().ok())
                .unwrap_or_default(),
        }
    }

    /// What the guard of a job is for that brings none. As long as its tags are not known it may have
    /// opted out, and so nothing stops it yet.
    pub(super) fn purpose(self, tagged: Option<&Tagged>, is_greengrass: bool) -> Purpose {
        if is_greengrass && self.greengrass == GreengrassDeployments::Ignore {
            return Purpose::Outside;
        }
        match tagged {
            None => Purpose::AlertUntilTagsAreRead,
            Some(tagged) if self.jobs == GuardedJobs::Tagged && !tagged.opted_in => {
                Purpose::Outside
            }
            Some(_) if is_greengrass && self.greengrass == GreengrassDeployments::Alert => {
                Purpose::Alert
            }
            Some(_) => Purpose::Stop,
        }
    }
}
