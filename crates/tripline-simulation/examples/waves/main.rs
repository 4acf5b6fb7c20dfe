//! What gates between waves let through: `docs/reference/waves.md`.
//!
//! ```sh
//! cargo run --release -p tripline-simulation --example waves -- RUNS
//! ```
//!
//! The seed is fixed, so that the same commit gives the same numbers.

mod world;

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use tripline_simulation::simulation::{Proportion, ReleaseStudy};
use world::{Firmware, Shape, Waves};

fn main() -> Result<(), Box<dyn Error>> {
    let runs = std::env::args().nth(1).and_then(|runs| runs.parse().ok()).unwrap_or(200);
    let page = page(runs)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::write(root.join("docs/reference/waves.md"), page)?;
    Ok(())
}

const HEAD: &str = "# What gates let through

`make waves` writes this page: what becomes of releases in waves, of good and of bad firmware, simulated with the real gate and the real
evidence. [Waves](../guide/waves.md) says how a plan is written.

- The limits are those of [recommended.ini](../../examples/guards/recommended.ini), with its abort criteria and its timeout of 75 minutes. It
  is the same for both fleets. Each wave bakes for two hours and is rolled out to 100 devices a minute: 1,000
  devices are all notified after ten minutes, before much can be known of any of them. A slower wave is stopped with fewer.
- Fleet A: median 848 s, sigma 0.6. Fleet B: median 323.5 s, sigma 1. Of each, 0.8 % take more than an hour, 2 % fail and 0.2 % fall silent.
- Bad firmware: 9 % fail; or all are slower, so that 10 % take more than an hour; or 10 % fall silent. The rest is as with good firmware.
- **opens**: the gate lets the next wave begin by itself. **asks**: a person is asked, for nothing is known that is bad, and too little that is
  good. **too many**: a person is asked, since more devices are unsuccessful than `tolerance` allows. **stopped**: a guard has stopped the
  wave before. In brackets the 95 % interval.
- What people do is assumed: they approve at once what they are asked, but stop a wave with too many unsuccessful devices.
- Waves draw their devices independently of one another. A good firmware that turns bad with time is not in here, nor is a late alarm of a
  wave that was let through already.

";

fn page(runs: u32) -> Result<String, Box<dyn Error>> {
    let mut page = HEAD.to_owned();
    writeln!(page, "{runs} runs a row, seed {}.\n", world::SEED)?;
    page += "## One wave\n\n| firmware | fleet | devices | tolerance | opens | asks | too many | stopped |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n";
    let mut short = Vec::new();
    for firmware in Firmware::ALL {
        for shape in Shape::ALL {
            for devices in [500, 1_000, 2_000] {
                for tolerance in [0.02, 0.05] {
                    let waves = Waves { count: 1, devices, tolerance, concludes: true };
                    let study = waves.study(shape, firmware, runs)?;
                    let Some(wave) = study.waves.first() else { continue };
                    let cells = [wave.opened, wave.asked, wave.over, wave.stopped].map(share);
                    writeln!(
                        page,
                        "| {firmware} | {shape} | {devices} | {} % | {} |",
                        tolerance * 100.0,
                        cells.join(" | ")
                    )?;
                    if let Some(text) = falls_short(firmware, devices, wave.opened) {
                        short.push(format!(
                            "{firmware}, fleet {shape}, {devices} devices, tolerance {} %: {text}",
                            tolerance * 100.0
                        ));
                    }
                }
            }
        }
    }
    page += "\nOf limits that are known only after 60 and 75 minutes nothing is known of a wave whose last device ends before: the gate then concludes at\nthe completion what the minutes to come would have shown. Where that is not done, the clearance of the completion stands:\n\n| firmware | fleet | devices | tolerance | opens | asks | too many | stopped |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n";
    for shape in [Shape::A, Shape::B, Shape::Quick] {
        for concludes in [true, false] {
            let waves = Waves { count: 1, devices: 1_000, tolerance: 0.05, concludes };
            let study = waves.study(shape, Firmware::Good, runs)?;
            let Some(wave) = study.waves.first() else { continue };
            let cells = [wave.opened, wave.asked, wave.over, wave.stopped].map(share);
            let how = if concludes { "concluded" } else { "as it stood" };
            writeln!(page, "| good, {how} | {shape} | 1000 | 5 % | {} |", cells.join(" | "))?;
        }
    }
    page += "\nFleet C: median 120 s, sigma 0.3, and no device is silent.\n\n## Ten waves\n\nReleases of ten waves of 1,000 devices; at most 1 % of healthy ones may be stopped, a tenth of that by each wave. The tolerance is 5 %.\n\n| firmware | fleet | let through | stopped by a guard | stopped by a person | a gate opened | asked | devices that had it at the stop, median (5 to 95 % of runs) | hours to the end, median |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
    for firmware in Firmware::ALL {
        for shape in Shape::ALL {
            let waves = Waves { count: 10, devices: 1_000, tolerance: 0.05, concludes: true };
            let study = waves.study(shape, firmware, runs)?;
            writeln!(page, "{}", release(firmware, shape, &study))?;
            let stopped = study.stopped.estimate() + study.refused.estimate();
            if firmware == Firmware::Good && stopped > 0.01 {
                short.push(format!(
                    "good, fleet {shape}, ten waves: {:.1} % stopped, more than 1 %",
                    stopped * 100.0
                ));
            }
        }
    }
    page += "\n## What falls short\n\nWanted: a gate opens on bad firmware in at most 1 % of runs, and on good firmware in at least 95 %, of waves of 1,000 devices and more; ten waves\nstop at most 1 % of good releases, by guards or by people.\n\n";
    if short.is_empty() {
        page += "Nothing.\n";
    }
    for one in short {
        writeln!(page, "- {one}.")?;
    }
    Ok(page)
}

fn release(firmware: Firmware, shape: Shape, study: &ReleaseStudy) -> String {
    let exposed = study.exposed.map_or_else(
        || "-".to_owned(),
        |it| format!("{:.0} ({:.0} to {:.0})", it.p50.value, it.p5.value, it.p95.value),
    );
    let hours = study
        .minutes
        .map_or_else(|| "-".to_owned(), |minutes| format!("{:.1}", minutes.p50.value / 60.0));
    format!(
        "| {firmware} | {shape} | {} | {} | {} | {} | {:.2} | {exposed} | {hours} |",
        share(study.well),
        share(study.stopped),
        share(study.refused),
        share(study.opened),
        study.asked
    )
}

fn falls_short(firmware: Firmware, devices: u32, opened: Proportion) -> Option<String> {
    let percent = opened.estimate() * 100.0;
    match firmware {
        Firmware::Good if devices >= 1_000 && percent < 95.0 => {
            Some(format!("opens in {percent:.1} %, less than 95 %"))
        }
        Firmware::Good => None,
        _ if percent > 1.0 => Some(format!("opens in {percent:.1} %, more than 1 %")),
        _ => None,
    }
}

fn share(of: Proportion) -> String {
    let (low, high) = of.interval();
    format!("{:.1} % ({:.1} to {:.1})", of.estimate() * 100.0, low * 100.0, high * 100.0)
}
