//! The names that an alarm can have: its own, and with a number where a foreign alarm has that.
//! All of them begin as the job's do, so that the force-stopper knows them.

/// The name with this number; 1 is the name itself.
pub fn numbered(base: &str, number: u32) -> String {
    match number {
        0 | 1 => base.to_owned(),
        _ => format!("{base}-{number}"),
    }
}

/// The number with which a name comes of another; `None` if it does not.
pub(super) fn number_of(name: &str, base: &str) -> Option<u32> {
    if name == base {
        return Some(1);
    }
    let number: u32 = name.strip_prefix(base)?.strip_prefix('-')?.parse().ok()?;
    (number > 1 && numbered(base, number) == name).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_name_is_known_by_its_base() {
        for number in [1, 2, 17] {
            assert_eq!(
                number_of(&numbered("tripline-fw-slow", number), "tripline-fw-slow"),
                Some(number)
            );
        }
        for other in
            ["tripline-fw-slow-1", "tripline-fw-slow-02", "tripline-fw-slow-x", "tripline-fw-slo"]
        {
            assert_eq!(number_of(other, "tripline-fw-slow"), None, "{other}");
        }
    }
}
