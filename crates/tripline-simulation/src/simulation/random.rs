use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;

/// The generator of every simulation: of a published algorithm, so that a seed gives the same
/// rollout on every machine.
pub type Random = Xoshiro256PlusPlus;

/// What random numbers are for. Each use has numbers of its own, so that what is changed in one
/// place leaves the rest of a rollout as it was.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stream {
    Fleet = 1,
    Guards = 2,
    Retries = 3,
    Conditions = 4,
}

/// The random numbers of one run. They follow from the seed and the number of the run alone, not
/// from the thread that computes it or what it computed before.
pub(super) fn random(seed: u64, run: u32, stream: Stream) -> Random {
    let mixed = mix(mix(seed).wrapping_add(u64::from(run))).wrapping_add(stream as u64);
    Random::seed_from_u64(mix(mixed))
}

/// SplitMix64's finalizer: near inputs become far outputs.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
