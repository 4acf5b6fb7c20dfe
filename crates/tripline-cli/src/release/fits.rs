//! Whether the stack, and Step Functions, can keep a release up until it is over.

use tripline::release::PlannedWave;

use crate::exit::Error;

/// The stack's parameter that says how long an ended job keeps its alarms.
const KEPT: &str = "RemoveAlarmsAfterMinutes";
/// Least of it in minutes. A wave whose job has ended still bakes, and its alarms are kept again every 20 minutes;
/// a look that comes late has ten more.
const LEAST_KEPT: u32 = 30;
/// Most seconds that the waves of a release may bake together. Step Functions ends an execution after a year, and
/// devices need some of it.
const MOST_BAKED: u64 = 360 * 86_400;

/// The stack's parameter with the roles that a wave's job may be given.
const ROLES: &str = "ReleaseRoles";

/// Refuses what could not be seen through. `role`: that of the waves' presigned URLs, if they have any.
pub fn check<'a>(
    file: &str,
    waves: &[PlannedWave],
    role: Option<&str>,
    parameter: impl Fn(&str) -> Option<&'a str>,
) -> Result<(), Error> {
    // One that cannot be read stands for no fault: the template takes whole numbers only.
    let kept = parameter(KEPT).and_then(|text| text.parse::<u32>().ok());
    if let Some(kept) = kept.filter(|kept| *kept < LEAST_KEPT) {
        return Err(Error::input(format!("the stack's {KEPT} is {kept} (expected at least {LEAST_KEPT}): Tripline would remove the alarms of a wave while it bakes, so that they could not fire")).hint(format!("deploy the stack with {KEPT}={LEAST_KEPT} or more")));
    }
    let named = parameter(ROLES).unwrap_or_default();
    // A pattern is IAM's matter.
    let passes = |role: &str| named.split(',').any(|one| one == role || one.contains('*'));
    if let Some(role) = role.filter(|role| !passes(role)) {
        return Err(Error::in_file(file, format!("roleArn `{role}` is not among the stack's {ROLES}, so that no wave could be created")).hint(format!("deploy the stack with it in {ROLES}")));
    }
    let baked: u64 = waves.iter().map(|wave| u64::from(wave.bake)).sum();
    if baked > MOST_BAKED {
        return Err(Error::in_file(
            file,
            format!(
                "the waves bake for {} days together (expected at most {}): Step Functions ends a release after a year",
                baked.div_ceil(86_400),
                MOST_BAKED / 86_400
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tripline::release::{ReleaseId, WaveName};

    use super::*;

    fn wave(bake: u32) -> PlannedWave {
        let name = WaveName::new("canary").unwrap();
        PlannedWave {
            job: ReleaseId::new("fw").unwrap().job(1, &name).unwrap(),
            name,
            targets: vec!["arn:aws:iot:us-east-1:111122223333:thing/a".to_owned()],
            group: None,
            devices: 1,
            rate: None,
            bake,
            tolerance: 0.02,
            decide_within: 60,
            approval: false,
            clears_at: None,
        }
    }

    fn checked(waves: &[PlannedWave], kept: Option<&str>) -> Result<(), String> {
        let parameter = |name: &str| kept.filter(|_| name == "RemoveAlarmsAfterMinutes");
        check("dev.ini", waves, None, parameter).map_err(said)
    }

    fn said(error: Error) -> String {
        match error {
            Error::Input(wrong) => wrong.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_role_that_the_stack_passes_to_nobody_is_refused_before_anything_begins() {
        const ROLE: &str = "arn:aws:iam::111122223333:role/firmware";
        for (named, role, fits) in [
            ("", None, true),
            ("", Some(ROLE), false),
            ("arn:aws:iam::111122223333:role/firmware-2", Some(ROLE), false),
            (
                "arn:aws:iam::111122223333:role/a,arn:aws:iam::111122223333:role/firmware",
                Some(ROLE),
                true,
            ),
            ("arn:aws:iam::111122223333:role/*", Some(ROLE), true),
        ] {
            let parameter = |name: &str| Some(named).filter(|_| name == "ReleaseRoles");
            let judged = check("dev.ini", &[wave(60)], role, parameter).map_err(said);
            assert_eq!(judged.is_ok(), fits, "{named}: {judged:?}");
        }
    }

    #[test]
    fn a_stack_that_removes_the_alarms_of_a_wave_while_it_bakes_takes_no_release() {
        for (kept, fits) in
            [(Some("0"), false), (Some("29"), false), (Some("30"), true), (Some("60"), true)]
        {
            let judged = checked(&[wave(3_600)], kept);
            assert_eq!(judged.is_ok(), fits, "{kept:?}: {judged:?}");
        }
        assert_eq!(checked(&[wave(3_600)], None), Ok(()));
        let text = checked(&[wave(3_600)], Some("10")).unwrap_err();
        let wrong = "the stack's RemoveAlarmsAfterMinutes is 10 (expected at least 30): ";
        assert!(text.starts_with(wrong), "{text}");
        assert!(text.contains("hint: deploy the stack with RemoveAlarmsAfterMinutes=30"), "{text}");
    }

    #[test]
    fn a_release_that_step_functions_would_end_is_not_begun() {
        let half = 180 * 86_400;
        assert_eq!(checked(&[wave(half), wave(half)], Some("60")), Ok(()));
        let text = checked(&[wave(half), wave(half), wave(1)], Some("60")).unwrap_err();
        let wrong = "dev.ini: the waves bake for 361 days together (expected at most 360): ";
        assert!(text.starts_with(wrong), "{text}");
    }
}
