//! Reading the sections.

use std::collections::HashMap;

use tripline::faults::Fault;
use tripline::release::{MAX_WAVES, WaveName};
use tripline::rollout::Rate;
use tripline::text::excerpt;

use super::duration::seconds;
use super::{Wave, WaveTargets, Waves};
use crate::evidence::{EvidenceConfig, percent};
use crate::ini::Section;
use crate::keys::{EVIDENCE_CONFIG, WAVE_PREFIX, WAVES};
use crate::near::near;
use crate::reader::{Place, Reader, positive, unknown_keys};
use crate::slips::slip_in_list;
use crate::things::{MAX_TARGETS, TargetName};
use crate::values::TargetSelection;

/// What a wave is for: exactly one of them.
const TARGETS: [&str; 6] = ["things", "groups", "devices", "percent", "query", "rest"];
/// The least share of false stops that evidence can keep (`Parameters::false_stops`).
const LEAST_FALSE_STOPS: f64 = 1e-6;
/// Longest query of a fleet index, in characters.
const MAX_QUERY: usize = 1_000;

/// What of the rest of the config waves go by.
pub(crate) struct Around<'a> {
    pub evidence: Option<&'a EvidenceConfig>,
    pub selection: TargetSelection,
    pub rounds: u32,
    /// `[DEFAULT]`, if it was read.
    pub default: Option<&'a Section>,
}

impl<'a> Reader<'a> {
    /// The waves, if there are any.
    pub(crate) fn waves(&mut self, around: &Around<'_>) -> Option<Waves> {
        let Some(section) = self.ini.section(WAVES) else {
            self.waves_without_a_list();
            return None;
        };
        unknown_keys(section, self.faults);
        let before = self.faults.len();
        self.fit_for_waves(section, around);
        let waves = self.listed_waves(section);
        let usual = around.evidence.map_or(EvidenceConfig::FALSE_STOPS, |it| it.false_stops);
        let false_stops = self
            .optional(section, "falseStops", "percent, 0.0001 to 50", |text| {
                percent(text).filter(|share| (1e-6..=0.5).contains(share))
            })
            .unwrap_or(usual);
        let exposure = self.optional(section, "exposure", "a number of devices from 1", positive);
        let exposure_line = self.line_of(section, "exposure");
        let waves = Waves { waves, false_stops, exposure, exposure_line };
        if waves.false_stops_of_each() < LEAST_FALSE_STOPS {
            let text = format!(
                "falseStops {:.4} % is too little for {} waves (expected at least {:.4} %: 0.0001 % a wave)",
                false_stops * 100.0,
                waves.waves.len(),
                waves.waves.len() as f64 / 10_000.0
            );
            self.fault(section.into(), self.line_of(section, "falseStops"), &text, None);
        }
        self.overlapping(&waves);
        self.more_than_all(&waves);
        (self.faults.len() == before).then_some(waves)
    }

    /// Sections of waves that nothing lists would leave devices out.
    fn waves_without_a_list(&mut self) {
        let described = self.ini.sections().find(|section| section.name.starts_with(WAVE_PREFIX));
        if let Some(section) = described {
            let name = excerpt(section.name.trim_start_matches(WAVE_PREFIX));
            let text =
                format!("wave `{name}` is described, but there is no `[{WAVES}]` that lists it");
            let hint = format!("add `[{WAVES}]` with `waveList = {name}`");
            self.faults.push(Fault::at(section.line, text).hint(Some(hint)));
        }
    }

    /// Whether evidence is switched on; what is wrong with its section is said there.
    fn uses_evidence(&self) -> bool {
        let mut said_there = Vec::new();
        let section = self.ini.section(EVIDENCE_CONFIG);
        section.is_some_and(|it| Reader::new(self.ini, &mut said_there).flag(it, "useEvidence"))
    }

    /// A gate needs limits, and a wave an end.
    fn fit_for_waves(&mut self, section: &Section, around: &Around<'_>) {
        let place = Place::from(section);
        if around.evidence.is_none() && !self.uses_evidence() {
            let text = "a gate needs the limits of a healthy rollout (expected `useEvidence = True` in `[EVIDENCE_CONFIG]`)";
            self.fault(place, section.line, text, None);
        }
        if around.selection == TargetSelection::Continuous {
            let line = self.line_of(around.default.unwrap_or(section), "targetSelection");
            let text = "`targetSelection = CONTINUOUS` never ends, so that no gate would be asked (expected SNAPSHOT)";
            self.fault(place, line, text, None);
        }
        if around.rounds > 1 {
            let line = self.line_of(around.default.unwrap_or(section), "rounds");
            let text = format!("{} rounds of a release (expected `rounds = 1`)", around.rounds);
            self.fault(place, line, &text, None);
        }
    }

    fn listed_waves(&mut self, section: &'a Section) -> Vec<Wave> {
        let described: Vec<&str> = self
            .ini
            .sections()
            .filter_map(|section| section.name.strip_prefix(WAVE_PREFIX))
            .collect();
        self.require(section.into(), "waveList", "names separated by commas");
        let Some(entry) = self.entry(section, "waveList") else { return Vec::new() };
        let fault = |text: String| Fault::at(entry.line, format!("waveList: {text}"));
        let mut names: Vec<&str> = Vec::new();
        for name in items(&entry.value) {
            if names.contains(&name) {
                self.faults.push(fault(format!("`{}` is named twice", excerpt(name))));
                continue;
            }
            if names.len() == MAX_WAVES {
                self.faults.push(fault(format!("more than {MAX_WAVES} waves")));
                break;
            }
            names.push(name);
        }
        if names.is_empty() {
            self.faults
                .push(fault("names no wave (expected names separated by commas)".to_owned()));
        }
        let mut waves = Vec::new();
        for (place, name) in names.iter().enumerate() {
            let wave = match WaveName::new(name) {
                Ok(wave) => wave,
                Err(error) => {
                    let hint = slip_in_list(name, |part| described.contains(&part));
                    self.faults.push(fault(error.to_string()).hint(hint));
                    continue;
                }
            };
            let Some(section) = self.ini.section(&format!("{WAVE_PREFIX}{name}")) else {
                let hint =
                    near(name, &described).map(|near| format!("did you mean `{}`?", excerpt(near)));
                let text = format!("`{name}` has no section `[{WAVE_PREFIX}{name}]`");
                self.faults.push(fault(text).hint(hint));
                continue;
            };
            waves.extend(self.wave(section, wave, place + 1 == names.len()));
        }
        self.unlisted_waves(&names);
        waves
    }

    /// A wave that is described and not listed would leave its devices out.
    fn unlisted_waves(&mut self, listed: &[&str]) {
        for section in self.ini.sections() {
            let Some(name) = section.name.strip_prefix(WAVE_PREFIX) else { continue };
            if !listed.contains(&name) {
                let text = format!("wave `{}` is not in waveList", excerpt(name));
                let hint =
                    near(name, listed).map(|near| format!("did you mean `{}`?", excerpt(near)));
                self.faults.push(Fault::at(section.line, text).hint(hint));
            }
        }
    }

    fn wave(&mut self, section: &'a Section, name: WaveName, is_last: bool) -> Option<Wave> {
        unknown_keys(section, self.faults);
        let line = self.line_of_targets(section);
        let targets = self.wave_targets(section);
        if targets == Some(WaveTargets::Rest) && !is_last {
            let text = "rest leaves nothing to the waves after it (expected it in the last wave)";
            self.fault(section.into(), line, text, None);
        }
        let rate = self.optional(section, "rate", "devices a minute, 1 to 1000", |text| {
            positive(text).filter(|rate| *rate <= Rate::QUOTA)
        });
        let expected = "a duration such as `90s`, `5m`, `2h` or `3d`, at most `365d`";
        let bake = self.optional(section, "bake", expected, seconds);
        let within = self.optional(section, "decideWithin", expected, seconds);
        let tolerance = self.optional(section, "tolerance", "percent, 0 to 50", |text| {
            percent(text).filter(|share| (0.0..=0.5).contains(share))
        });
        let approval = self.boolean(section, "approval").unwrap_or(false);
        let bake = bake.unwrap_or(Waves::BAKE);
        let decide_within = within.unwrap_or_else(|| Waves::DECIDE_WITHIN.max(bake));
        if decide_within < bake {
            let text = format!(
                "decideWithin is {decide_within} s and bake {bake} s (expected decideWithin to be at least bake: before that nothing is decided)"
            );
            self.fault(section.into(), self.line_of(section, "decideWithin"), &text, None);
        }
        let tolerance = tolerance.unwrap_or(Waves::TOLERANCE);
        Some(Wave { name, targets: targets?, rate, bake, tolerance, approval, decide_within, line })
    }

    fn line_of_targets(&self, section: &Section) -> usize {
        let key = TARGETS.into_iter().find(|key| self.ini.get(section, key).is_some());
        key.map_or(section.line, |key| self.line_of(section, key))
    }

    /// Exactly one kind of target.
    fn wave_targets(&mut self, section: &'a Section) -> Option<WaveTargets> {
        let place = Place::from(section);
        let given: Vec<&str> =
            TARGETS.into_iter().filter(|key| self.ini.get(section, key).is_some()).collect();
        let [key] = given[..] else {
            let expected =
                "expected exactly one of `things`, `groups`, `devices`, `percent`, `query`, `rest`";
            let (line, text) = match given.last() {
                None => (section.line, format!("says nothing of its devices ({expected})")),
                Some(last) => {
                    (self.line_of(section, last), format!("{} ({expected})", given.join(" and ")))
                }
            };
            self.fault(place, line, &text, None);
            return None;
        };
        match key {
            "things" => self.target_names(section, key).map(WaveTargets::Things),
            "groups" => self.target_names(section, key).map(WaveTargets::Groups),
            "devices" => self
                .optional(section, key, "a whole number from 1", positive)
                .map(WaveTargets::Devices),
            "percent" => self
                .optional(section, key, "percent, above 0 and at most 100", |text| {
                    percent(text).filter(|share| *share > 0.0 && *share <= 1.0)
                })
                .map(WaveTargets::Percent),
            "query" => self
                .optional(section, key, "a fleet-indexing query of at most 1000 characters", query)
                .map(WaveTargets::Query),
            _ => self
                .optional(section, key, "True", |text| {
                    text.eq_ignore_ascii_case("true").then_some(())
                })
                .map(|()| WaveTargets::Rest),
        }
    }

    fn target_names(&mut self, section: &'a Section, key: &str) -> Option<Vec<TargetName>> {
        let entry = self.entry(section, key)?;
        let place = Place::from(section);
        let before = self.faults.len();
        let mut names: Vec<TargetName> = Vec::new();
        for item in items(&entry.value) {
            let Some(name) = TargetName::new(item) else {
                let text = format!(
                    "{key}: `{}` is no name (expected 1 to 128 letters, digits, `:`, `_` or `-`)",
                    excerpt(item)
                );
                let hint = slip_in_list(item, |part| TargetName::new(part).is_some());
                self.fault(place, entry.line, &text, hint);
                continue;
            };
            if names.contains(&name) {
                let text = format!("{key}: `{}` is named twice", name.as_str());
                self.fault(place, entry.line, &text, None);
            } else if names.len() == MAX_TARGETS {
                let text = format!("{key}: more than {MAX_TARGETS} names");
                self.fault(place, entry.line, &text, None);
                break;
            } else {
                names.push(name);
            }
        }
        if names.is_empty() && self.faults.len() == before {
            let text = format!("{key} names nothing (expected names separated by commas)");
            self.fault(place, entry.line, &text, None);
        }
        (self.faults.len() == before).then_some(names)
    }

    /// A device that two waves name would get the firmware twice.
    fn overlapping(&mut self, waves: &Waves) {
        let mut taken: HashMap<(&str, &TargetName), &Wave> = HashMap::new();
        for wave in &waves.waves {
            let (WaveTargets::Things(names) | WaveTargets::Groups(names)) = &wave.targets else {
                continue;
            };
            let key = wave.targets.key();
            for name in names {
                match taken.get(&(key, name)) {
                    None => {
                        taken.insert((key, name), wave);
                    }
                    Some(first) => self.faults.push(Fault::at(
                        wave.line,
                        format!(
                            "`[{WAVE_PREFIX}{}]`: {key}: `{}` is in wave `{}` already, in line {} (expected each device in one wave)",
                            wave.name, name.as_str(), first.name, first.line
                        ),
                    )),
                }
            }
        }
    }

    fn more_than_all(&mut self, waves: &Waves) {
        let mut sum = 0.0;
        for wave in &waves.waves {
            let WaveTargets::Percent(share) = wave.targets else { continue };
            sum += share;
            // What people add up in decimals may be off by a last binary digit.
            if sum > 1.0 + 1e-9 {
                let text = format!(
                    "`[{WAVE_PREFIX}{}]`: with it the waves come to {:.4} % (expected at most 100 %)",
                    wave.name,
                    sum * 100.0
                );
                self.faults.push(Fault::at(wave.line, text));
            }
        }
    }
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty())
}

fn query(text: &str) -> Option<String> {
    let length = text.chars().count();
    let fits = (1..=MAX_QUERY).contains(&length) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}
