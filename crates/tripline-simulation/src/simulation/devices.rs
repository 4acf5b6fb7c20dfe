use super::calendar::LAST_MINUTE;
use super::time::Elapsed;

/// The devices that have been notified, by their number.
///
/// When a device will begin is known as soon as it is notified. So beginnings are no events: they are
/// looked up when somebody asks who has begun by then.
#[derive(Debug, Default)]
pub(super) struct Devices {
    attempts: Vec<Attempt>,
    /// No device before this one is in progress, or will be.
    first: usize,
    /// How often each device has tried again, after a failure and after a timeout; empty while none
    /// has.
    retries: Vec<[u8; 2]>,
    /// When first attempts begin, and others.
    first_attempts: Beginnings,
    others: Beginnings,
}

/// A device's present attempt, in one number, since millions of them are looked at: when it begins,
/// in milliseconds, and how many tenths of a second it takes in the lower 24 bits.
#[derive(Debug, Clone, Copy)]
struct Attempt(u64);

impl Attempt {
    /// It does not begin, or has ended.
    const NONE: Self = Self(u64::MAX);
    const BITS: u32 = 24;

    #[inline]
    fn new(begins: Option<Elapsed>, download: u32) -> Self {
        // Seven days are 6,048,000 tenths, and 40 bits are 34 years.
        begins
            .map_or(Self::NONE, |begins| Self(begins.millis() << Self::BITS | u64::from(download)))
    }

    #[inline]
    fn is_none(self) -> bool {
        self.0 == u64::MAX
    }

    #[inline]
    fn begins(self) -> Elapsed {
        if self.is_none() { Elapsed::NEVER } else { Elapsed::from_millis(self.0 >> Self::BITS) }
    }

    #[inline]
    fn download(self) -> u32 {
        u32::try_from(self.0 & ((1 << Self::BITS) - 1)).unwrap_or(u32::MAX)
    }
}

impl Devices {
    pub fn clear(&mut self, expected: u32) {
        self.attempts.clear();
        self.attempts.reserve(expected as usize);
        self.first = 0;
        self.retries.clear();
        self.first_attempts.clear();
        self.others.clear();
    }

    /// The next device is notified. It begins then, if it does, and takes so many tenths of a second.
    #[inline]
    pub fn add(&mut self, begins: Option<Elapsed>, download: u32) {
        if let Some(begins) = begins {
            self.first_attempts.add(begins);
        }
        self.attempts.push(Attempt::new(begins, download));
    }

    /// A device that has ended its attempt is notified again.
    pub fn add_again(&mut self, device: u32, begins: Option<Elapsed>, download: u32) {
        if let Some(begins) = begins {
            self.others.add(begins);
        }
        self.first = self.first.min(device as usize);
        if let Some(attempt) = self.attempts.get_mut(device as usize) {
            *attempt = Attempt::new(begins, download);
        }
    }

    /// A device ends its attempt: the tenths of a second that it took, `None` if it has no attempt.
    #[inline]
    pub fn end(&mut self, device: u32) -> Option<u32> {
        let attempt =
            self.attempts.get_mut(device as usize).filter(|attempt| !attempt.is_none())?;
        let download = attempt.download();
        *attempt = Attempt::NONE;
        while self.attempts.get(self.first).is_some_and(|attempt| attempt.is_none()) {
            self.first += 1;
        }
        Some(download)
    }

    /// Whoever has not begun by `now` never will.
    pub fn cancel_queued(&mut self, now: Elapsed) {
        self.keep(|begins| begins <= now);
    }

    /// Nobody is in progress any more, and nobody will be.
    pub fn cancel_all(&mut self) {
        self.keep(|_| false);
    }

    fn keep(&mut self, keeps: impl Fn(Elapsed) -> bool) {
        let attempts = self.attempts.iter_mut().skip(self.first);
        for attempt in attempts.filter(|attempt| !keeps(attempt.begins())) {
            *attempt = Attempt::NONE;
        }
    }

    /// Whether a device may try again, of `allowed` times after this kind of ending; it is counted.
    pub fn try_again(&mut self, device: u32, timed_out: bool, allowed: u8) -> bool {
        if self.retries.len() < self.attempts.len() {
            self.retries.resize(self.attempts.len(), [0, 0]);
        }
        let retries = self.retries.get_mut(device as usize);
        let retries = retries.and_then(|retries| retries.get_mut(usize::from(timed_out)));
        let Some(retries) = retries.filter(|retries| **retries < allowed) else { return false };
        *retries += 1;
        true
    }

    /// When each device in progress at `now` began.
    pub fn in_progress(&self, now: Elapsed) -> impl Iterator<Item = Elapsed> {
        let begun = self.attempts.iter().skip(self.first).map(|attempt| attempt.begins());
        begun.filter(move |begun| *begun <= now)
    }

    /// How many devices are in progress at `now` with their first attempt, by its age in whole
    /// minutes, and how many with any attempt.
    pub fn in_progress_by_age(&self, now: Elapsed) -> (Vec<u32>, u32) {
        let mut by_age: Vec<u32> = Vec::new();
        let mut all = 0;
        for (place, attempt) in self.attempts.iter().enumerate().skip(self.first) {
            let begun = attempt.begins();
            if begun > now {
                continue;
            }
            all += 1;
            if self.retries.get(place).is_some_and(|retries| *retries != [0, 0]) {
                continue;
            }
            let age = usize::try_from(now.since(begun).minute()).unwrap_or(usize::MAX);
            if by_age.len() <= age {
                by_age.resize(age.saturating_add(1), 0);
            }
            if let Some(count) = by_age.get_mut(age) {
                *count += 1;
            }
        }
        (by_age, all)
    }

    /// How many attempts have begun by `now`, and how many of them were first ones. `now` only
    /// grows.
    pub fn begun(&mut self, now: Elapsed) -> (u32, u32) {
        let first = self.first_attempts.until(now);
        (first + self.others.until(now), first)
    }
}

/// When attempts begin: by the minute, and in no order within it.
#[derive(Debug, Default)]
struct Beginnings {
    minutes: Vec<Vec<u16>>,
    /// Minutes that are over, and how many began in them.
    over: usize,
    before: u32,
    spare: Vec<Vec<u16>>,
}

impl Beginnings {
    fn clear(&mut self) {
        self.spare.extend(self.minutes.drain(..).filter(|minute| minute.capacity() > 0));
        self.spare.iter_mut().for_each(Vec::clear);
        self.over = 0;
        self.before = 0;
    }

    #[inline]
    fn add(&mut self, at: Elapsed) {
        let index = usize::try_from(at.minute()).unwrap_or(usize::MAX);
        if index >= self.minutes.len() {
            if at.minute() > LAST_MINUTE {
                return;
            }
            self.minutes.resize_with(index + 1, || self.spare.pop().unwrap_or_default());
        }
        if let (Some(minute), Ok(within)) =
            (self.minutes.get_mut(index), u16::try_from(at.within_minute()))
        {
            minute.push(within);
        }
    }

    fn until(&mut self, now: Elapsed) -> u32 {
        let minute = usize::try_from(now.minute()).unwrap_or(usize::MAX);
        while self.over < minute
            && let Some(over) = self.minutes.get_mut(self.over)
        {
            let mut over = std::mem::take(over);
            self.before += u32::try_from(over.len()).unwrap_or(u32::MAX);
            over.clear();
            self.spare.push(over);
            self.over += 1;
        }
        let within = u16::try_from(now.within_minute()).unwrap_or(u16::MAX);
        let under_way = self
            .minutes
            .get(minute)
            .map_or(0, |minute| minute.iter().filter(|at| **at <= within).count());
        self.before + u32::try_from(under_way).unwrap_or(u32::MAX)
    }
}
