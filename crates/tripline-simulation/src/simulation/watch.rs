use super::Detail;
use super::devices::Devices;
use super::evidence::EvidenceTrace;
use super::guard::{Guard, GuardPlan, Live, Reaction, Schedule, Trace, Verdict};
use super::notices::Notices;
use super::outcome::{Effect, Firing, Reached};
use super::random::Random;
use super::store::Metrics;
use super::time::Elapsed;
use tripline::job::EndedCounts;
use tripline::stop::StopMode;
use tripline::time::Timestamp;

/// The guards of one run, and what they have said.
pub(super) struct Watches {
    start: Timestamp,
    detail: Detail,
    watches: Vec<Watch>,
    firings: Vec<Firing>,
    stopped_by: Option<usize>,
    /// Set when a stop takes effect, until it is asked for.
    just_stopped: bool,
    done: Option<Elapsed>,
    /// The next time that something is due.
    next: Elapsed,
    /// The guards that look at each ending, and whether one of them looks at metrics.
    at_endings: Vec<usize>,
    at_endings_with_metrics: bool,
    /// Endings that none of them needs to look at.
    skips: u32,
}

struct Watch {
    guard: Box<dyn Guard>,
    reaction: Reaction,
    has_metrics: bool,
    at_endings: bool,
    /// When it looks next; `None` if it looks at endings, or no more.
    next: Option<Elapsed>,
    every: Elapsed,
    fired: bool,
    /// When its verdict takes effect, and its firing.
    effect: Option<(Elapsed, usize)>,
}

/// What there is to see.
pub(super) struct Scene<'a> {
    pub endings: EndedCounts,
    pub executions: EndedCounts,
    pub notices: &'a Notices,
    pub metrics: &'a mut Metrics,
    pub devices: &'a Devices,
}

impl Watch {
    fn looks_at_endings(&self) -> bool {
        self.at_endings && !self.fired
    }
}

impl Watches {
    pub fn new(
        plans: &[&dyn GuardPlan],
        start: Timestamp,
        random: &mut Random,
        detail: Detail,
    ) -> Self {
        let watches: Vec<Watch> = plans
            .iter()
            .map(|plan| {
                let guard = plan.guard(start, random);
                let (next, every) = match guard.schedule() {
                    Schedule::AtEachEnding => (None, 1),
                    Schedule::Every { first, seconds } => {
                        let first = u64::try_from(first.seconds_after(start)).unwrap_or_default();
                        (Some(Elapsed::from_seconds(first)), u64::from(seconds.max(1)))
                    }
                };
                let (every, at_endings) = (Elapsed::from_seconds(every), next.is_none());
                let has_metrics = !plan.metrics().is_empty();
                Watch {
                    guard,
                    reaction: plan.reaction(),
                    has_metrics,
                    at_endings,
                    next,
                    every,
                    fired: false,
                    effect: None,
                }
            })
            .collect();
        let mut all = Self {
            start,
            detail,
            watches,
            firings: Vec::new(),
            stopped_by: None,
            just_stopped: false,
            done: None,
            next: Elapsed::NEVER,
            at_endings: Vec::new(),
            at_endings_with_metrics: false,
            skips: 0,
        };
        all.set_next();
        all
    }

    /// What is due next, if that is by `now`.
    #[inline]
    pub fn due(&self, now: Elapsed) -> Option<Elapsed> {
        (self.next <= now).then_some(self.next)
    }

    /// Lets the guards look whose time has come, and the verdicts take effect.
    pub fn come(&mut self, now: Elapsed, reached: &Reached, scene: Scene<'_>) {
        for index in 0..self.watches.len() {
            self.take_effect(index, now, reached);
        }
        scene.metrics.arrive(now);
        for index in 0..self.watches.len() {
            let Some(watch) = self.watches.get_mut(index) else { continue };
            if watch.next != Some(now) {
                continue;
            }
            watch.next = Some(now.plus(watch.every));
            self.evaluate(index, now, &scene);
        }
        self.set_next();
    }

    /// Whether a guard wants to look at the ending that has just been.
    #[inline]
    pub fn look_at_ending(&mut self) -> bool {
        let looks = self.skips == 0 && !self.at_endings.is_empty();
        self.skips = self.skips.saturating_sub(1);
        looks
    }

    /// Lets the guards look that look at each ending.
    #[inline]
    pub fn ended(&mut self, now: Elapsed, scene: Scene<'_>) {
        if self.at_endings_with_metrics {
            scene.metrics.arrive(now);
        }
        let fired = self.firings.len();
        for place in 0..self.at_endings.len() {
            if let Some(index) = self.at_endings.get(place) {
                self.evaluate(*index, now, &scene);
            }
        }
        if self.firings.len() > fired {
            self.set_next();
        }
        let watches = self.at_endings.iter().filter_map(|index| self.watches.get(*index));
        self.skips = watches.map(|watch| watch.guard.skips()).min().unwrap_or_default();
    }

    #[inline]
    fn evaluate(&mut self, index: usize, now: Elapsed, scene: &Scene<'_>) {
        let Some(watch) = self.watches.get_mut(index) else { return };
        let live = Live {
            start: self.start,
            endings: scene.endings,
            executions: scene.executions,
            notices: scene.notices,
            since_start: now,
            metrics: scene.metrics,
            devices: scene.devices,
        };
        let Verdict::Stop { reason } = watch.guard.evaluate(&live) else { return };
        if watch.fired {
            return;
        }
        watch.fired = true;
        if self.detail == Detail::Summary {
            watch.next = None;
        }
        watch.effect = Some((now.plus(watch.reaction.delay), self.firings.len()));
        self.firings.push(Firing { guard: index, at: now, reason, effect: None });
    }

    fn take_effect(&mut self, index: usize, now: Elapsed, reached: &Reached) {
        let Some(watch) = self.watches.get_mut(index) else { return };
        let Some((at, firing)) = watch.effect.filter(|(at, _)| *at <= now) else { return };
        watch.effect = None;
        let mode = watch.reaction.mode;
        if let Some(firing) = self.firings.get_mut(firing) {
            firing.effect = Some(Effect { at, reached: *reached });
        }
        if mode != StopMode::Observe && self.stopped_by.is_none() {
            self.stopped_by = Some(firing);
            self.just_stopped = true;
        }
        let summary = self.detail == Detail::Summary;
        let all_said = self.watches.iter().all(|watch| watch.fired && watch.effect.is_none());
        if summary && (self.stopped_by.is_some() || all_said) {
            self.done = Some(now);
        }
    }

    fn set_next(&mut self) {
        let effects = self.watches.iter().filter_map(|watch| Some(watch.effect?.0));
        let looks = self.watches.iter().filter_map(|watch| watch.next);
        self.next = looks.chain(effects).min().unwrap_or(Elapsed::NEVER);
        let at_endings =
            self.watches.iter().enumerate().filter(|(_, watch)| watch.looks_at_endings());
        self.at_endings_with_metrics = at_endings.clone().any(|(_, watch)| watch.has_metrics);
        self.at_endings = at_endings.map(|(index, _)| index).collect();
    }

    /// Whether a stop has just taken effect; once.
    pub fn just_stopped(&mut self) -> bool {
        std::mem::take(&mut self.just_stopped)
    }

    /// Whether no further device is notified.
    #[inline]
    pub fn is_stopped(&self) -> bool {
        self.stopped_by.is_some()
    }

    /// Whether the stop cancels what is in progress too.
    pub fn is_abort(&self) -> bool {
        let firing = self.stopped_by.and_then(|index| self.firings.get(index));
        let watch = firing.and_then(|firing| self.watches.get(firing.guard));
        watch.is_some_and(|watch| watch.reaction.mode == StopMode::Abort)
    }

    /// Since when nothing more is to be learned from the run.
    #[inline]
    pub fn done(&self) -> Option<Elapsed> {
        self.done
    }

    pub fn stopped_by(&self) -> Option<usize> {
        self.stopped_by
    }

    /// Whether a guard still waits once the job has completed.
    pub fn waits(&self) -> bool {
        self.watches.iter().any(|watch| watch.guard.waits())
    }

    /// How long after the last event a guard may change its mind, in seconds, with a minute to spare.
    pub fn looks_back(&self) -> u64 {
        self.watches
            .iter()
            .map(|watch| watch.guard.looks_back())
            .max()
            .unwrap_or_default()
            .saturating_add(60)
    }

    pub fn traces(&self) -> Vec<Option<Trace>> {
        self.watches.iter().map(|watch| watch.guard.trace().cloned()).collect()
    }

    pub fn evidence(&self) -> Option<EvidenceTrace> {
        self.watches.iter().find_map(|watch| watch.guard.evidence())
    }

    pub fn into_firings(self) -> Vec<Firing> {
        self.firings
    }
}
