//! Shares by age, as they were declared: who may be unfinished, and how soon failures come.

/// Shares below this are read as this: no fleet is known so well.
pub(super) const LOWEST: f64 = 1e-4;

/// The share of devices that may still be unfinished at an age. 1 before the first declared age;
/// from each declared age on, its share, until the next one: what was not declared is not asserted.
#[derive(Debug, Clone, PartialEq)]
pub struct Stairs(Vec<(u32, f64)>);

impl Stairs {
    /// From pairs that were checked: ages rise, shares never do.
    pub(super) fn of(pairs: Vec<(u32, f64)>) -> Self {
        Self(pairs)
    }

    /// The share at an age in whole minutes, 0.0001 to 1.
    pub fn share(&self, age: u32) -> f64 {
        let after = self.0.partition_point(|(from, _)| *from <= age);
        let newest = after.checked_sub(1).and_then(|place| self.0.get(place));
        newest.map_or(1.0, |(_, share)| share.max(LOWEST))
    }

    /// The share that is left at any age beyond the last one.
    pub(super) fn share_at_last(&self) -> f64 {
        self.share(u32::MAX)
    }

    /// The last declared age in minutes; 0 if there is none.
    pub fn last_age(&self) -> u32 {
        self.0.last().map_or(0, |(age, _)| *age)
    }

    /// The declared pairs: age in minutes, share.
    pub fn pairs(&self) -> &[(u32, f64)] {
        &self.0
    }
}

/// The share of all failures that come by an age, at most: of each declared pair, the share holds
/// up to its age. 1 beyond the last one.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve(Vec<(u32, f64)>);

impl Curve {
    /// From pairs that were checked: ages rise, shares never fall.
    pub(super) fn of(pairs: Vec<(u32, f64)>) -> Self {
        Self(pairs)
    }

    /// The share at an age in whole minutes; 1 for an age that is not known.
    pub fn share(&self, age: Option<u32>) -> f64 {
        let Some(age) = age else { return 1.0 };
        let place = self.0.partition_point(|(until, _)| *until < age);
        self.0.get(place).map_or(1.0, |(_, share)| *share)
    }

    /// The declared pairs: age in minutes, share.
    pub fn pairs(&self) -> &[(u32, f64)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stairs_hold_until_the_next_age() {
        let stairs = Stairs::of(vec![(8, 0.9), (14, 0.6), (40, 0.0)]);
        let shares = [0, 7, 8, 13, 14, 39, 40, u32::MAX].map(|age| stairs.share(age));
        assert_eq!(shares, [1.0, 1.0, 0.9, 0.9, 0.6, 0.6, LOWEST, LOWEST]);
        assert_eq!((stairs.last_age(), Stairs::of(vec![]).last_age()), (40, 0));
        assert_eq!(Stairs::of(vec![]).share(9), 1.0);
    }

    #[test]
    fn a_failure_curve_holds_up_to_its_ages() {
        let curve = Curve::of(vec![(2, 0.3), (10, 0.8)]);
        let shares = [0, 2, 3, 10, 11].map(|age| curve.share(Some(age)));
        assert_eq!(shares, [0.3, 0.3, 0.8, 0.8, 1.0]);
        assert_eq!(curve.share(None), 1.0);
    }
}
