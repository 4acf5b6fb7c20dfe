use std::fmt;

/// What of a period's values is compared with the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// How many there are.
    SampleCount,
    /// Their mean.
    Average,
    /// Their sum.
    Sum,
    /// The smallest.
    Minimum,
    /// The largest.
    Maximum,
    /// A percentile.
    Percentile(Percentile),
}

impl Statistic {
    /// The names that the config takes beside percentiles.
    pub const NAMES: [&'static str; 5] = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"];

    /// Reads `SampleCount`, `Average`, `Sum`, `Minimum`, `Maximum` or `p0.0` to `p100`, without
    /// regard to case.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "samplecount" => Self::SampleCount,
            "average" => Self::Average,
            "sum" => Self::Sum,
            "minimum" => Self::Minimum,
            "maximum" => Self::Maximum,
            other => Self::Percentile(Percentile::parse(other.strip_prefix('p')?)?),
        })
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SampleCount => f.write_str("SampleCount"),
            Self::Average => f.write_str("Average"),
            Self::Sum => f.write_str("Sum"),
            Self::Minimum => f.write_str("Minimum"),
            Self::Maximum => f.write_str("Maximum"),
            Self::Percentile(percentile) => percentile.fmt(f),
        }
    }
}

/// A percentile, 0 to 100 with at most two decimals, which every CloudWatch call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percentile {
    hundredths: u16,
}

impl Percentile {
    /// Reads a number such as `99` or `99.9`.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || whole.len() > 3
            || decimals.len() > 2
            || !digits(whole)
            || !digits(decimals)
        {
            return None;
        }
        let whole: u32 = whole.parse().ok()?;
        let decimals: u32 = format!("{decimals:0<2}").parse().ok()?;
        let hundredths = whole * 100 + decimals;
        let hundredths = u16::try_from(hundredths).ok()?;
        (hundredths <= 10_000).then_some(Self { hundredths })
    }

    /// As a number from 0 to 100.
    pub fn get(self) -> f64 {
        f64::from(self.hundredths) / 100.0
    }
}

impl fmt::Display for Percentile {
    /// As CloudWatch writes it: `p99.9`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_have_at_most_two_decimals() {
        for (text, shown) in [
            ("p0.0", "p0"),
            ("p50", "p50"),
            ("P99", "p99"),
            ("p99.9", "p99.9"),
            ("p99.95", "p99.95"),
            ("p100", "p100"),
            ("p100.0", "p100"),
        ] {
            assert_eq!(
                Statistic::parse(text).map(|s| s.to_string()),
                Some(shown.to_owned()),
                "{text}"
            );
        }
        for text in [
            "p", "p-1", "p100.1", "p101", "p656", "p999", "p99.999", "p1e1", "99", "p 9", "pp9",
            "p.5", "median",
        ] {
            assert_eq!(Statistic::parse(text), None, "{text}");
        }
    }

    #[test]
    fn statistics_are_read_without_regard_to_case() {
        for name in Statistic::NAMES {
            let read =
                Statistic::parse(&name.to_uppercase()).map(|statistic| statistic.to_string());
            assert_eq!(read, Some(name.to_owned()));
        }
    }
}
