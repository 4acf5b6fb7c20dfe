use super::time::Elapsed;

/// What is to happen to devices, minute by minute.
///
/// A minute is sorted when it comes. That takes a fraction of the time of a heap over everything,
/// since a minute's events fit a cache.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    minutes: Vec<Vec<Entry>>,
    spare: Vec<Vec<Entry>>,
}

/// How a device's attempt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happening {
    Rejects = 0,
    Succeeds = 1,
    Fails = 2,
    TimesOut = 3,
}

/// Something that happens, in one number that sorts by time: the millisecond within the minute, the
/// device, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry(u64);

impl Entry {
    fn new(within: u64, device: u32, what: Happening) -> Self {
        Self(within << 40 | u64::from(device) << 8 | what as u64)
    }

    /// Milliseconds since the minute began.
    pub fn within(self) -> u64 {
        self.0 >> 40
    }

    fn bin(self) -> usize {
        usize::try_from(self.0 >> 45).unwrap_or(0) % BINS
    }

    pub fn device(self) -> u32 {
        u32::try_from(self.0 >> 8 & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    }

    pub fn what(self) -> Happening {
        match self.0 & 0xff {
            0 => Happening::Rejects,
            1 => Happening::Succeeds,
            2 => Happening::Fails,
            _ => Happening::TimesOut,
        }
    }
}

/// Below this many a minute is sorted at once.
const FEW: usize = 256;
/// Bins of 32 ms in a minute, and some to make a power of two.
const BINS: usize = 2_048;

/// Most minutes: the longest that a job can last is two years.
pub(super) const LAST_MINUTE: u64 = 2 * 366 * 24 * 60;

impl Calendar {
    pub fn clear(&mut self) {
        self.spare.extend(self.minutes.drain(..).filter(|minute| minute.capacity() > 0));
        self.spare.iter_mut().for_each(Vec::clear);
    }

    /// Whether nothing is to happen any more, if the minutes are taken in their order: the last one is
    /// there because something was entered into it.
    pub fn is_empty(&self) -> bool {
        self.minutes.last().is_none_or(Vec::is_empty)
    }

    /// Enters something. What lies beyond two years never happens.
    #[inline]
    pub fn add(&mut self, at: Elapsed, device: u32, what: Happening) {
        let index = usize::try_from(at.minute()).unwrap_or(usize::MAX);
        if index >= self.minutes.len() {
            if at.minute() > LAST_MINUTE {
                return;
            }
            self.minutes.resize_with(index + 1, || self.spare.pop().unwrap_or_default());
        }
        if let Some(entries) = self.minutes.get_mut(index) {
            entries.push(Entry::new(at.within_minute(), device, what));
        }
    }

    /// Takes a minute's entries out, sorted by time. Give the memory back with [`Self::give_back`].
    pub fn take(&mut self, minute: u64) -> Vec<Entry> {
        let index = usize::try_from(minute).unwrap_or(usize::MAX);
        let entries = self.minutes.get_mut(index).map(std::mem::take).unwrap_or_default();
        self.sorted(entries)
    }

    /// Sorts a minute: coarsely by counting, and then by insertion, for which next to nothing is
    /// left to do.
    fn sorted(&mut self, mut entries: Vec<Entry>) -> Vec<Entry> {
        if entries.len() < FEW {
            entries.sort_unstable();
            return entries;
        }
        let mut places = [0_u32; BINS];
        for entry in &entries {
            if let Some(count) = places.get_mut(entry.bin()) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for place in &mut places {
            sum += std::mem::replace(place, sum);
        }
        let mut sorted = self.spare.pop().unwrap_or_default();
        sorted.resize(entries.len(), Entry(0));
        for entry in &entries {
            if let Some(place) = places.get_mut(entry.bin()) {
                if let Some(slot) = sorted.get_mut(*place as usize) {
                    *slot = *entry;
                }
                *place += 1;
            }
        }
        let mut last = Entry(0);
        for index in 0..sorted.len() {
            let Some((before, [entry, ..])) = sorted.split_at_mut_checked(index) else { break };
            if *entry >= last {
                last = *entry;
                continue;
            }
            let later = before.iter().rev().take_while(|before| *before > entry).count();
            if let Some(moved) = sorted.get_mut(index - later..=index) {
                moved.rotate_right(1);
            }
        }
        self.give_back(entries);
        sorted
    }

    pub fn give_back(&mut self, mut entries: Vec<Entry>) {
        if entries.capacity() > 0 {
            entries.clear();
            self.spare.push(entries);
        }
    }
}
