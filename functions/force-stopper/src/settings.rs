//! What the stack tells this function.

use tripline::stop::{StopMode, UnknownStopMode};

/// The function's settings, from its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `STOP_MODE`: what a stop does; `cancel` unless set.
    pub mode: StopMode,
    /// `EMAIL_TOPIC_ARN`: where the whole message goes.
    pub email_topic: Option<String>,
    /// `SMS_TOPIC_ARN`: where the short message goes.
    pub sms_topic: Option<String>,
}

impl Settings {
    /// Reads the settings; an empty value is as good as none.
    ///
    /// # Errors
    /// An unknown mode. A guard that does not know what to do fails loudly, on every alarm and
    /// into the undelivered queue, instead of doing something that nobody asked for.
    pub fn from_environment(
        read: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, UnknownStopMode> {
        let value = |name| read(name).filter(|value| !value.is_empty());
        Ok(Self {
            mode: value("STOP_MODE").map_or(Ok(StopMode::default()), |mode| mode.parse())?,
            email_topic: value("EMAIL_TOPIC_ARN"),
            sms_topic: value("SMS_TOPIC_ARN"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_as_good_as_unset() {
        let all_empty = Settings::from_environment(|_| Some(String::new())).unwrap();
        assert_eq!(all_empty, Settings::from_environment(|_| None).unwrap());
        assert_eq!(all_empty.mode, StopMode::Cancel);
    }

    #[test]
    fn an_unknown_mode_is_an_error() {
        let read = |name: &str| (name == "STOP_MODE").then(|| "stop".to_owned());
        assert!(Settings::from_environment(read).is_err());
    }
}
