//! Arguments that the commands of a fleet have in common.

use clap::Args;

use super::names::Prefix;
use crate::aws::pace::Pace;

/// Which things a fleet is made of.
#[derive(Debug, Args)]
pub struct Devices {
    /// Number of devices
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub devices: u32,
    /// Start of every device's name, such as `demo-` for `demo-000001`
    #[arg(long)]
    pub prefix: Prefix,
}

/// How hard the account's limits are used.
#[derive(Debug, Args)]
pub struct Limits {
    /// Most calls a second; AWS allows an account 200 job reports, and as many looks for a job
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rate: u32,
    /// Most calls at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub concurrency: u32,
}

impl Limits {
    /// The pace of the calls.
    pub fn pace(&self) -> Pace {
        Pace::new(self.rate, self.concurrency)
    }
}
