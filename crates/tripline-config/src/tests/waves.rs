//! Waves: what is read, what is refused, who is drawn.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use tripline::release::hold::{OnAlarm, OnHoldFailed};

use crate::{DeployConfig, ThingList};

const REST_OF_IT: &str = "[DEFAULT]
thingList = pumps.txt
binName = pump.bin
jobId = pump-4
bucket = pump-firmware
[EVIDENCE_CONFIG]
useEvidence = True
falseStops = 2
unfinishedLimits = 60:5
snsTopics = @force-stop
";

const PLAN: &str = "[WAVES]
waveList = bench, early, rest
falseStops = 1.5
exposure = 1200
[WAVE_bench]
things = pump-1,
    pump-2
rate = 5
bake = 30m
tolerance = 0
[WAVE_early]
percent = 12.5
bake = 2d
tolerance = 4
decideWithin = 3d
[WAVE_rest]
rest = True
approval = True
";

fn parse(plan: &str) -> Result<DeployConfig, String> {
    DeployConfig::parse("dev.ini", &format!("{REST_OF_IT}{plan}"))
        .map_err(|faults| faults.to_string())
}

fn waves(plan: &str) -> Waves {
    parse(plan).unwrap().waves.unwrap()
}

/// The faults of a plan, without the first line's number: that is said by a test of its own.
fn faults(plan: &str) -> Vec<String> {
    let text = format!("{REST_OF_IT}{plan}");
    let faults = DeployConfig::parse("dev.ini", &text).unwrap_err().faults;
    faults.into_iter().map(|fault| fault.text).collect()
}

fn with(old: &str, new: &str) -> String {
    assert!(PLAN.contains(old), "{old}");
    PLAN.replacen(old, new, 1)
}

fn list(things: usize) -> ThingList {
    let text: String = (1..=things)
        .map(|n| format!("arn:aws:iot:eu-west-1:111122223333:thing/pump-{n}\n"))
        .collect();
    ThingList::parse_for_waves("pumps.txt", &text).unwrap()
}

#[test]
fn a_whole_plan_is_read() {
    let waves = waves(PLAN);
    assert_eq!((waves.false_stops, waves.exposure), (0.015, Some(1_200)));
    assert_eq!(waves.false_stops_of_each(), 0.005);
    let [bench, early, rest] = &waves.waves[..] else { unreachable!("{waves:?}") };
    let named: Vec<_> = ["pump-1", "pump-2"].into_iter().filter_map(TargetName::new).collect();
    assert_eq!((bench.name.as_str(), &bench.targets), ("bench", &WaveTargets::Things(named)));
    assert_eq!(
        (bench.rate, bench.bake, bench.tolerance, bench.approval),
        (Some(5), 1_800, 0.0, false)
    );
    assert_eq!(bench.line, 16, "the line of its targets");
    assert_eq!(early.targets, WaveTargets::Percent(0.125));
    assert_eq!((early.rate, early.bake, early.tolerance), (None, 172_800, 0.04));
    assert_eq!(early.decide_within, 259_200);
    assert_eq!((&rest.targets, rest.approval), (&WaveTargets::Rest, true));
}

#[test]
fn what_is_not_said_is_an_hour_of_bake_five_percent_and_a_day() {
    let plan = waves("[WAVES]\nwaveList = all\n[WAVE_all]\nrest = True\n");
    assert_eq!((plan.false_stops, plan.exposure), (0.02, None), "those of the evidence section");
    let all = &plan.waves[0];
    assert_eq!((all.rate, all.bake, all.tolerance), (None, 3_600, 0.05));
    assert_eq!((all.approval, all.decide_within), (false, 86_400));
    let long = waves("[WAVES]\nwaveList = all\n[WAVE_all]\nrest = True\nbake = 3d\n");
    assert_eq!(
        long.waves[0].decide_within,
        3 * 86_400,
        "nothing is decided before the bake is over"
    );
}

#[test]
fn without_the_section_everything_goes_out_at_once() {
    assert_eq!(parse("").unwrap().waves, None);
}

#[test]
fn every_kind_of_target_is_read() {
    let targets = |key: &str| {
        let plan = format!("[WAVES]\nwaveList = a\n[WAVE_a]\n{key}\n");
        waves(&plan).waves[0].targets.clone()
    };
    let names = |names: [&str; 2]| names.into_iter().filter_map(TargetName::new).collect();
    assert_eq!(targets("things = a, b:1"), WaveTargets::Things(names(["a", "b:1"])));
    assert_eq!(targets("groups = g-1,\n  g_2"), WaveTargets::Groups(names(["g-1", "g_2"])));
    assert_eq!(targets("devices = 500"), WaveTargets::Devices(500));
    assert_eq!(targets("percent = 100"), WaveTargets::Percent(1.0));
    let query = WaveTargets::Query("attributes.hw:B AND connectivity.connected:true".to_owned());
    assert_eq!(targets("query = attributes.hw:B AND connectivity.connected:true"), query);
    assert_eq!(targets("rest = true"), WaveTargets::Rest);
}

#[test]
fn every_fault_says_which_key_which_value_and_what_was_expected() {
    const DURATION: &str =
        "(expected a duration such as `90s`, `5m`, `2h` or `3d`, at most `365d`)";
    const ONE: &str =
        "(expected exactly one of `things`, `groups`, `devices`, `percent`, `query`, `rest`)";
    for (old, new, expected) in [
        (
            "waveList = bench, early, rest\n",
            "",
            "`[WAVES]`: missing key `waveList` (expected names separated by commas)",
        ),
        ("bench, early", "bench, bench, early", "waveList: `bench` is named twice"),
        (
            "bench, early",
            "bench, a_b, early",
            "waveList: `a_b` is no name of a wave (expected 1 to 16 letters, digits or `-`)",
        ),
        ("bench, early", "bench, late, early", "waveList: `late` has no section `[WAVE_late]`"),
        ("bench, early", "early", "wave `bench` is not in waveList"),
        (
            "falseStops = 1.5",
            "falseStops = 51",
            "`[WAVES]`: falseStops cannot be `51` (expected percent, 0.0001 to 50)",
        ),
        (
            "falseStops = 1.5",
            "falseStops = 0.0002",
            "`[WAVES]`: falseStops 0.0002 % is too little for 3 waves (expected at least 0.0003 %: 0.0001 % a wave)",
        ),
        (
            "exposure = 1200",
            "exposure = 0",
            "`[WAVES]`: exposure cannot be `0` (expected a number of devices from 1)",
        ),
        ("exposure", "expossure", "`[WAVES]`: unknown key `expossure`"),
        (
            "rate = 5",
            "rate = 1001",
            "`[WAVE_bench]`: rate cannot be `1001` (expected devices a minute, 1 to 1000)",
        ),
        ("bake = 30m", "bake = 366d", &format!("`[WAVE_bench]`: bake cannot be `366d` {DURATION}")),
        ("bake = 30m", "bake = 30", &format!("`[WAVE_bench]`: bake cannot be `30` {DURATION}")),
        (
            "bake = 30m",
            "bake = 2d\ndecideWithin = 1d",
            "`[WAVE_bench]`: decideWithin is 86400 s and bake 172800 s (expected decideWithin to be at least bake: before that nothing is decided)",
        ),
        (
            "tolerance = 0",
            "tolerance = 51",
            "`[WAVE_bench]`: tolerance cannot be `51` (expected percent, 0 to 50)",
        ),
        (
            "tolerance = 0",
            "tolerance = NaN",
            "`[WAVE_bench]`: tolerance cannot be `NaN` (expected percent, 0 to 50)",
        ),
        (
            "approval = True",
            "approval = me",
            "`[WAVE_rest]`: approval cannot be `me` (expected True or False)",
        ),
        (
            "percent = 12.5",
            "percent = 0",
            "`[WAVE_early]`: percent cannot be `0` (expected percent, above 0 and at most 100)",
        ),
        (
            "percent = 12.5",
            "percent = 101",
            "`[WAVE_early]`: percent cannot be `101` (expected percent, above 0 and at most 100)",
        ),
        (
            "percent = 12.5",
            "devices = 0",
            "`[WAVE_early]`: devices cannot be `0` (expected a whole number from 1)",
        ),
        (
            "percent = 12.5",
            "query = ",
            "`[WAVE_early]`: query cannot be `` (expected a fleet-indexing query of at most 1000 characters)",
        ),
        (
            "percent = 12.5",
            "rest = False",
            "`[WAVE_early]`: rest cannot be `False` (expected True)",
        ),
        (
            "percent = 12.5",
            "rest = True",
            "`[WAVE_early]`: rest leaves nothing to the waves after it (expected it in the last wave)",
        ),
        ("percent = 12.5\n", "", &format!("`[WAVE_early]`: says nothing of its devices {ONE}")),
        (
            "percent = 12.5",
            "percent = 12.5\ndevices = 3",
            &format!("`[WAVE_early]`: devices and percent {ONE}"),
        ),
        (
            "percent = 12.5",
            "things = pump/1",
            "`[WAVE_early]`: things: `pump/1` is no name (expected 1 to 128 letters, digits, `:`, `_` or `-`)",
        ),
        (
            "percent = 12.5",
            "things = ,",
            "`[WAVE_early]`: things names nothing (expected names separated by commas)",
        ),
        ("percent = 12.5", "groups = a, a", "`[WAVE_early]`: groups: `a` is named twice"),
        (
            "percent = 12.5",
            "things = pump-2",
            "`[WAVE_early]`: things: `pump-2` is in wave `bench` already, in line 16 (expected each device in one wave)",
        ),
        ("bake = 2d", "bakes = 2d", "`[WAVE_early]`: unknown key `bakes`"),
    ] {
        let found = faults(&with(old, new));
        assert!(found.contains(&expected.to_owned()), "{new}: {found:#?}");
        assert!(found.len() <= 2, "{new}: {found:#?}");
    }
}

#[test]
fn a_plan_never_comes_to_more_than_all() {
    let plan = "[WAVES]\nwaveList = a, b, c\n[WAVE_a]\npercent = 33.4\n[WAVE_b]\npercent = 33.3\n[WAVE_c]\npercent = ";
    assert_eq!(waves(&format!("{plan}33.3\n")).waves.len(), 3);
    assert_eq!(
        parse(&format!("{plan}33.4\n")).unwrap_err(),
        "dev.ini:18: `[WAVE_c]`: with it the waves come to 100.1000 % (expected at most 100 %)"
    );
}

#[test]
fn misspelt_names_have_the_nearest_as_a_hint() {
    for (old, new, hint) in [
        ("exposure", "expossure", "did you mean `exposure`?"),
        ("[WAVE_early]", "[WAVE_erly]", "did you mean `erly`?"),
        ("[WAVES]", "[WAVE]", "did you mean `[WAVES]`?"),
        ("decideWithin", "decidWithin", "did you mean `decideWithin`?"),
    ] {
        let text = parse(&with(old, new)).unwrap_err();
        assert!(text.contains(hint), "{text}");
    }
}

#[test]
fn sections_of_waves_need_a_list_of_them() {
    assert_eq!(
        parse("[WAVE_canary]\ndevices = 5\n").unwrap_err(),
        "dev.ini:11: wave `canary` is described, but there is no `[WAVES]` that lists it\n  hint: add `[WAVES]` with `waveList = canary`"
    );
}

#[test]
fn a_gate_needs_limits_and_a_wave_an_end() {
    let of = |text: String| DeployConfig::parse("dev.ini", &text).unwrap_err().to_string();
    let plan = "[WAVES]\nwaveList = a\n[WAVE_a]\nrest = True\n";
    let whole = format!("{REST_OF_IT}{plan}");
    assert_eq!(
        of(whole.replace("useEvidence = True", "useEvidence = False")),
        "dev.ini:11: `[WAVES]`: a gate needs the limits of a healthy rollout (expected `useEvidence = True` in `[EVIDENCE_CONFIG]`)"
    );
    assert_eq!(
        of(whole.replace("jobId", "targetSelection = CONTINUOUS\njobId")),
        "dev.ini:4: `[WAVES]`: `targetSelection = CONTINUOUS` never ends, so that no gate would be asked (expected SNAPSHOT)"
    );
    assert_eq!(
        of(whole.replace("jobId", "cleanUpCfg = True\nrounds = 3\njobId")),
        "dev.ini:5: `[WAVES]`: 3 rounds of a release (expected `rounds = 1`)"
    );
    let broken = of(whole.replace("60:5", "60:x"));
    assert!(!broken.contains("a gate needs"), "its own fault is enough: {broken}");
}

#[test]
fn holds_and_the_way_back_are_read() {
    let config =
        parse("[ALARM_CONFIG]\nalarmList =\nonAlarm = hold\nonHoldFailed = alert\n").unwrap();
    let alarms = config.alarms;
    assert_eq!((alarms.on_alarm, alarms.on_hold_failed), (OnAlarm::Hold, OnHoldFailed::Alert));
    let config = parse("[ALARM_CONFIG]\nalarmList =\n").unwrap();
    let usual = (config.alarms.on_alarm, config.alarms.on_hold_failed);
    assert_eq!(usual, (OnAlarm::Cancel, OnHoldFailed::Cancel));
    assert_eq!(config.fallback, None);
    assert_eq!(
        parse("[ALARM_CONFIG]\nalarmList =\nonAlarm = stop\nonHoldFailed = hold\n").unwrap_err(),
        "dev.ini: 2 faults
  line 13: `[ALARM_CONFIG]`: onAlarm cannot be `stop` (expected `cancel` or `hold`)
  line 14: `[ALARM_CONFIG]`: onHoldFailed cannot be `hold` (expected `cancel` or `alert`)"
    );
    let with = |fallback: &str| {
        let text = REST_OF_IT.replace("jobId", &format!("fallback = {fallback}\njobId"));
        DeployConfig::parse("dev.ini", &text)
    };
    assert_eq!(with("pump-3").unwrap().fallback.unwrap().as_str(), "pump-3");
    assert_eq!(
        with("pump-4").unwrap_err().to_string(),
        "dev.ini:4: `[DEFAULT]`: fallback `pump-4` is the job itself (expected an earlier one)"
    );
    assert!(with("<job>").unwrap_err().to_string().contains("fallback cannot be `<job>`"));
}

fn names(drawn: &DrawnWave) -> Vec<&str> {
    match &drawn.targets {
        DrawnTargets::Things(things) => things.iter().map(crate::Target::name).collect(),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn a_wave_s_own_devices_are_left_to_it_and_the_rest_is_drawn() {
    let list = list(80);
    let drawn = waves(PLAN).draw("dev.ini", &list).unwrap();
    let [bench, early, rest] = &drawn[..] else { unreachable!("{drawn:?}") };
    assert_eq!(names(bench), ["pump-1", "pump-2"]);
    assert_eq!((early.devices(), rest.devices()), (Some(10), Some(68)));
    assert_eq!(Waves::left_out(&drawn, &list), Vec::<&crate::Target>::new());
    let later = with("bench, early, rest", "early, bench, rest");
    let drawn = waves(&later).draw("dev.ini", &list).unwrap();
    assert_eq!(names(&drawn[1]), ["pump-1", "pump-2"], "an earlier draw leaves them");
}

/// The order is part of the contract: a release that starts again draws the same waves.
#[test]
fn the_draw_is_that_of_the_sha_256_of_names() {
    let plan = "[WAVES]\nwaveList = a, b\n[WAVE_a]\ndevices = 4\n[WAVE_b]\nrest = True\n";
    let drawn = waves(plan).draw("dev.ini", &list(9)).unwrap();
    // printf pump-N | sha256sum, sorted
    assert_eq!(names(&drawn[0]), ["pump-5", "pump-8", "pump-1", "pump-6",]);
}

#[test]
fn what_cannot_be_drawn_is_said_with_its_line() {
    let of =
        |plan: &str, list: &ThingList| waves(plan).draw("dev.ini", list).unwrap_err().to_string();
    assert_eq!(
        of("[WAVES]\nwaveList = a, b\n[WAVE_a]\ndevices = 6\n[WAVE_b]\ndevices = 4\n", &list(9)),
        "dev.ini:16: `[WAVE_b]`: devices: 4 devices, and 3 of 9 are left (expected no more than are left)"
    );
    assert_eq!(
        of("[WAVES]\nwaveList = a, b\n[WAVE_a]\ndevices = 9\n[WAVE_b]\nrest = True\n", &list(9)),
        "dev.ini:16: `[WAVE_b]`: rest: nothing is left of the thing list"
    );
    assert_eq!(
        of("[WAVES]\nwaveList = a\n[WAVE_a]\npercent = 5\n", &list(9)),
        "dev.ini:14: `[WAVE_a]`: percent: less than half a device of the thing list (expected at least one device)"
    );
    assert_eq!(
        of("[WAVES]\nwaveList = a\n[WAVE_a]\nthings = pumm-1, other\n", &list(1)),
        "dev.ini: 2 faults
  line 14: `[WAVE_a]`: things: `pumm-1` is not in the thing list
  hint: did you mean `pump-1`?
  line 14: `[WAVE_a]`: things: `other` is not in the thing list"
    );
    let group = "arn:aws:iot:eu-west-1:111122223333:thinggroup/field\n";
    let groups = ThingList::parse("pumps.txt", group).unwrap();
    assert_eq!(
        of("[WAVES]\nwaveList = a\n[WAVE_a]\nrest = True\n", &groups),
        "dev.ini:14: `[WAVE_a]`: rest: the thing list has groups, whose members are not known here (expected things only, or `groups`)"
    );
    let drawn =
        waves("[WAVES]\nwaveList = a\n[WAVE_a]\ngroups = field\n").draw("", &groups).unwrap();
    assert_eq!(drawn[0].devices(), None);
}

#[test]
fn sizes_are_those_of_a_draw() {
    for plan in [
        PLAN.to_owned(),
        with("percent = 12.5", "devices = 30"),
        with("bench, early, rest", "early, bench, rest"),
    ] {
        let waves = waves(&plan);
        let drawn = waves.draw("dev.ini", &list(79)).unwrap();
        let drawn: Vec<u32> = drawn.iter().filter_map(DrawnWave::devices).collect();
        assert_eq!(waves.sizes("dev.ini", 79).unwrap(), drawn);
    }
    let fault = |old: &str, new: &str, devices| {
        waves(&with(old, new)).sizes("dev.ini", devices).unwrap_err().to_string()
    };
    assert!(
        fault("percent = 12.5", "devices = 30", 31).contains("30 devices, and 29 of 31 are left")
    );
    assert!(
        fault("percent = 12.5", "devices = 30", 32)
            .contains("`[WAVE_rest]`: rest: comes to no device")
    );
    assert!(fault("percent = 12.5", "groups = a", 32).contains("only AWS IoT knows how many"));
    assert!(
        fault("percent = 12.5", "devices = 1", 1).contains("things: 2 devices, and there are 1")
    );
}

#[test]
fn waves_are_read_alone_as_they_are_with_the_rest() {
    let text = format!("{REST_OF_IT}{PLAN}");
    assert_eq!(parse_waves("dev.ini", &text).unwrap(), parse(PLAN).unwrap().waves);
    assert_eq!(parse_waves("dev.ini", REST_OF_IT).unwrap(), None);
}

fn size(name: &str, devices: Option<u32>, decides_from: Option<u32>) -> WaveSize {
    WaveSize { name: WaveName::new(name).unwrap(), devices, decides_from }
}

#[test]
fn exposed_are_the_devices_up_to_the_first_verdict() {
    for (sizes, devices, verdict) in [
        ([(Some(10), Some(800)), (Some(900), Some(800)), (Some(5_000), Some(800))], 910, Some("b")),
        ([(Some(900), Some(800)), (Some(10), Some(800)), (Some(10), Some(800))], 900, Some("a")),
        ([(Some(10), Some(800)), (Some(20), Some(800)), (Some(30), Some(800))], 60, None),
        ([(Some(900), None), (Some(900), None), (Some(900), None)], 2_700, None),
        ([(None, Some(800)), (Some(900), Some(800)), (Some(1), Some(800))], 900, Some("b")),
    ] {
        let sizes: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .zip(sizes)
            .map(|(name, (devices, from))| size(name, devices, from))
            .collect();
        let exposed = Exposed::of(&sizes);
        assert_eq!(exposed.devices, devices);
        assert_eq!(exposed.verdict.as_ref().map(WaveName::as_str), verdict);
    }
    let unknown = Exposed::of(&[size("a", None, Some(800)), size("b", Some(900), Some(800))]);
    assert_eq!(unknown.unknown, [WaveName::new("a").unwrap()]);
}

#[test]
fn a_wave_beyond_the_exposure_is_a_fault() {
    let plan = waves(PLAN);
    let sizes = |early, decides_from| {
        [
            size("bench", Some(2), Some(decides_from)),
            size("early", Some(early), Some(decides_from)),
            size("rest", Some(40_000), Some(decides_from)),
        ]
    };
    assert_eq!(plan.over_exposed(&sizes(1_198, 800)), None);
    let fault = plan.over_exposed(&sizes(1_199, 800)).unwrap();
    assert_eq!(fault.line, Some(22));
    assert_eq!(
        fault.text,
        "`[WAVE_early]`: 1199 devices of 1201 would hold the firmware before any verdict: the first verdict is that of wave `early` (expected at most 1198 here: `exposure = 1200` in line 14)"
    );
    let fault = plan.over_exposed(&sizes(700, 90_000)).unwrap();
    assert!(
        fault.text.starts_with("`[WAVE_rest]`: 40000 devices of 40702 would hold"),
        "{fault:?}"
    );
    assert!(fault.text.contains("no wave is large enough for a verdict"), "{fault:?}");
    let without = Waves { exposure: None, ..plan };
    assert_eq!(without.over_exposed(&sizes(1_199, 800)), None);
}

fn plan_of(kinds: &[(u8, u32)]) -> String {
    let names: Vec<String> = (0..kinds.len()).map(|n| format!("w{n}")).collect();
    let mut text = format!("[WAVES]\nwaveList = {}\n", names.join(", "));
    for (n, (kind, number)) in kinds.iter().enumerate() {
        let targets = match kind {
            0 => format!("devices = {}", 1 + number % 20),
            1 => format!("percent = {}", 1 + number % 30),
            _ => format!("things = pump-{}", 10 * n + 1 + *number as usize % 10),
        };
        text += &format!("[WAVE_w{n}]\n{targets}\n");
    }
    text
}

proptest! {
    /// Whatever the plan and the order of the list, it draws the same, and no device twice.
    #[test]
    fn a_draw_is_repeatable_and_no_device_is_in_two_waves(
        kinds in prop::collection::vec((0_u8..3, 0_u32..1_000), 1..6),
        things in 60_usize..200,
        turned in 0_usize..200,
    ) {
        let Ok(config) = parse(&plan_of(&kinds)) else { return Ok(()) };
        let plan = config.waves.unwrap();
        let list = list(things);
        let mut arns: Vec<&str> = list.targets().iter().map(crate::Target::arn).collect();
        arns.rotate_left(turned % things);
        let other = ThingList::parse_for_waves("", &arns.join("\n")).unwrap();
        let drawn = plan.draw("dev.ini", &list);
        prop_assert_eq!(&drawn, &plan.draw("dev.ini", &other));
        if let Ok(drawn) = drawn {
            let all: Vec<&str> = drawn.iter().flat_map(names).collect();
            let distinct: HashSet<&str> = all.iter().copied().collect();
            prop_assert_eq!(all.len(), distinct.len());
            prop_assert!(drawn.iter().all(|wave| wave.devices() > Some(0)));
            prop_assert_eq!(Waves::left_out(&drawn, &list).len(), things - all.len());
        }
    }

    /// All of 100 % is all of the list, however it is cut.
    #[test]
    fn shares_that_come_to_all_leave_nobody_out(
        cuts in prop::collection::btree_set(1_u32..1_000, 0..8),
        things in 200_usize..400,
    ) {
        let ends: Vec<u32> = cuts.into_iter().chain([1_000]).collect();
        let begins = std::iter::once(0).chain(ends.iter().copied());
        let shares: Vec<String> = begins
            .zip(&ends)
            .map(|(begin, end)| format!("{:.1}", f64::from(end - begin) / 10.0))
            .collect();
        let names: Vec<String> = (0..shares.len()).map(|n| format!("w{n}")).collect();
        let mut text = format!("[WAVES]\nwaveList = {}\n", names.join(", "));
        for (name, share) in names.iter().zip(&shares) {
            text += &format!("[WAVE_{name}]\npercent = {share}\n");
        }
        let list = list(things);
        if let Ok(drawn) = waves(&text).draw("dev.ini", &list) {
            prop_assert_eq!(Waves::left_out(&drawn, &list).len(), 0);
        }
    }
}
