/// What a period without values counts as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MissingData {
    /// It is left out of account.
    Missing,
    /// The alarm keeps its state.
    Ignore,
    /// It breaches.
    Breaching,
    /// It does not breach. The default, for a rollout reports sparsely and CloudWatch's own default
    /// (`missing`) can alarm on a single point between gaps.
    #[default]
    NotBreaching,
}

impl MissingData {
    /// The names that the config takes, which are CloudWatch's.
    pub const NAMES: [&'static str; 4] = ["missing", "ignore", "breaching", "notBreaching"];

    /// Reads a name without regard to case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Missing, Self::Ignore, Self::Breaching, Self::NotBreaching]
            .into_iter()
            .find(|treatment| treatment.name().eq_ignore_ascii_case(text))
    }

    /// CloudWatch's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Ignore => "ignore",
            Self::Breaching => "breaching",
            Self::NotBreaching => "notBreaching",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn treatments_are_read_without_regard_to_case() {
        for name in MissingData::NAMES {
            assert_eq!(MissingData::parse(&name.to_uppercase()).map(MissingData::name), Some(name));
        }
        assert_eq!(MissingData::parse("breach"), None);
        assert_eq!(MissingData::default(), MissingData::NotBreaching);
    }
}
