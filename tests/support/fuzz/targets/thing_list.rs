//! A thing list.

use tripline_config::{MAX_LISTED, MAX_TARGETS, ThingList};

use super::super::said::{FILE, is_fit};
use super::super::{Shape, Target};

pub(super) const TARGET: Target = Target {
    name: "thing-list",
    shape: Shape::Lines,
    seeds: &["examples/trackers.txt"],
    words: &[
        "arn:aws:iot:us-east-1:111122223333:thing/a",
        "arn:aws:iot:us-east-1:111122223333:thinggroup/a",
        "arn:aws-cn:iot:cn-north-1:111122223333:thing/a",
        "# ",
        "::",
    ],
    check,
};

fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let list = ThingList::parse("things.txt", &text);
    assert_eq!(list, ThingList::parse("things.txt", &text), "read twice");
    let for_waves = ThingList::parse_for_waves("things.txt", &text);
    match &list {
        Ok(list) => {
            assert_eq!(for_waves.as_ref(), Ok(list), "waves take more, and nothing else");
            assert!((1..=MAX_TARGETS).contains(&list.targets().len()));
        }
        Err(faults) => is_fit(&faults.to_string(), FILE),
    }
    let list = match for_waves {
        Ok(list) => list,
        Err(faults) => return is_fit(&faults.to_string(), FILE),
    };
    assert!((1..=MAX_LISTED).contains(&list.targets().len()));
    let mut written = String::new();
    for target in list.targets() {
        assert!(text.contains(target.arn()), "{target:?}");
        assert!((1..=128).contains(&target.name().len()), "{target:?}");
        assert_eq!(Some(target.region()), list.region(), "one Region");
        assert_eq!(Some(target.account()), list.account(), "one account");
        written += &format!("{}\n", target.arn());
    }
    assert_eq!(ThingList::parse_for_waves("written", &written), Ok(list), "written and read");
}
