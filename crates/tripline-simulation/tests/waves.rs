//! Rows of `docs/reference/waves.md`, as `make waves` works them out, with few runs.

#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

#[path = "../examples/waves/world.rs"]
mod world;

use tripline_simulation::simulation::WaveShare;
use world::{Firmware, Shape, Waves};

fn wave(shape: Shape, firmware: Firmware, concludes: bool) -> WaveShare {
    let waves = Waves { count: 1, devices: 1_000, tolerance: 0.05, concludes };
    waves.study(shape, firmware, 60).unwrap().waves.remove(0)
}

#[test]
fn a_gate_opens_on_good_firmware_and_on_no_bad_one() {
    let good = wave(Shape::A, Firmware::Good, true);
    assert!(good.opened.count >= 54, "{good:?}");
    for firmware in [Firmware::Failing, Firmware::Slow, Firmware::Silent] {
        let bad = wave(Shape::A, firmware, true);
        assert_eq!(bad.opened.count, 0, "{bad:?}");
    }
}

#[test]
fn a_wave_that_ends_before_its_limits_ages_is_concluded() {
    let concluded = wave(Shape::Quick, Firmware::Good, true);
    let stands = wave(Shape::Quick, Firmware::Good, false);
    assert!(concluded.opened.count >= 54, "{concluded:?}");
    assert_eq!(stands.opened.count, 0, "{stands:?}");
}

#[test]
fn a_release_is_as_often_let_through_as_none_of_its_waves_is_stopped() {
    let waves = Waves { count: 3, devices: 90, tolerance: 0.05, concludes: true };
    let study = waves.study(Shape::B, Firmware::Good, 40).unwrap();
    assert_eq!(study.well.count + study.stopped.count + study.refused.count, 40);
    let asked: u32 = study.waves.iter().map(|wave| wave.asked.count + wave.over.count).sum();
    assert!((study.asked * 40.0 - f64::from(asked)).abs() < 1e-6, "{study:?}");
    assert_eq!(
        study.waves[0].opened.count, 0,
        "90 devices are too few for a verdict, however good they are"
    );
    let again = waves.study(Shape::B, Firmware::Good, 40).unwrap();
    assert_eq!(again, study, "the same seed, whatever the threads");
}
