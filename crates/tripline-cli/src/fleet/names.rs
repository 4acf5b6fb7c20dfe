//! What the devices of a fleet are called.

use std::fmt;
use std::str::FromStr;

/// The start of every device's name in a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

/// Digits of a device's number: enough for the largest fleet, and the same for every fleet, so
/// that device 7 has one name however many there are.
const DIGITS: usize = 6;

impl Prefix {
    /// The names of the first `devices`, counted from 1.
    pub fn names(&self, devices: u32) -> impl Iterator<Item = String> + '_ {
        (1..=devices).map(|number| format!("{}{number:0DIGITS$}", self.0))
    }

    /// Whether a thing is called like a device of this fleet.
    pub fn names_a_device(&self, thing: &str) -> bool {
        thing.strip_prefix(&self.0).is_some_and(|number| {
            number.len() == DIGITS && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    }

    /// The thing group of the fleet, unless it is given a name of its own.
    pub fn group(&self) -> String {
        format!("{}fleet", self.0)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Prefix {
    type Err = String;

    /// What AWS allows in the name of a thing, and not so long that no number fits behind it.
    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-');
        if (1..=100).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "`{text}` cannot start a thing's name (expected 1 to 100 of `a-zA-Z0-9:_-`)"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_knows_its_devices() {
        let prefix: Prefix = "demo-".parse().unwrap();
        let names: Vec<String> = prefix.names(2).collect();
        assert_eq!(names, ["demo-000001", "demo-000002"]);
        assert!(names.iter().all(|name| prefix.names_a_device(name)));
        for other in ["demo-1", "demo-000001a", "demo-pump01", "prod-000001", "demo-fleet"] {
            assert!(!prefix.names_a_device(other), "{other}");
        }
    }

    #[test]
    fn a_prefix_is_what_a_thing_may_be_called() {
        for bad in ["", "a b", "ä", "a/b", &"x".repeat(101)] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
    }
}
