use std::fmt;

use crate::invalid::Invalid;

/// An alarm's name in the config: 1 to 100 characters, none of them a control character.
///
/// CloudWatch takes names of 255 characters; `tripline-`, the job id and `-` need 74 of them, and a
/// short name leaves an SMS room for the facts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmName(String);

impl AlarmName {
    /// What it can be, in words.
    pub const EXPECTED: &str = "1 to 100 characters, none of them a control character";

    /// Most characters.
    pub const MAX: usize = 100;

    /// Checks a name.
    ///
    /// # Errors
    /// What it can be.
    pub fn new(name: &str) -> Result<Self, Invalid> {
        let characters = name.chars().count();
        ((1..=Self::MAX).contains(&characters) && !name.chars().any(char::is_control))
            .then(|| Self(name.to_owned()))
            .ok_or(Invalid(Self::EXPECTED))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AlarmName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_1_to_100_characters_and_no_control_character() {
        for good in ["a", "Slow downloads", "é", &"é".repeat(100)] {
            assert_eq!(AlarmName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a\nb", "\u{1b}", &"x".repeat(101)] {
            assert_eq!(AlarmName::new(bad).ok(), None, "{bad:?}");
        }
    }
}
