//! Who is who among a million events, in few bytes and few steps.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Odd numbers without a pattern: the digits of pi.
const PI: [u64; 4] =
    [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1, 0x082e_fa98_ec4e_6c89];

/// Events that were seen.
pub(super) type KnownEvents = HashSet<u128, Keyed>;

/// An event's identity in 16 bytes: that of a UUID is itself, that of another text its hash.
#[inline]
pub(super) fn event(id: &str) -> u128 {
    let id = id.as_bytes();
    uuid(id).unwrap_or_else(|| u128::from(hash(id, PI[0])) << 64 | u128::from(hash(id, PI[1])))
}

/// A device by its ARN. Two of a million are taken for one in one recording of 40 million.
#[inline]
pub(super) fn device(arn: &str) -> u64 {
    hash(arn.as_bytes(), PI[2])
}

/// What a byte is as a digit of a UUID, which AWS IoT writes in lower case; [`NONE`] if it is none.
#[allow(clippy::indexing_slicing)] // by the compiler
const DIGITS: [u8; 256] = {
    let mut digits = [NONE; 256];
    let mut digit = 0;
    while digit < 16 {
        digits[b"0123456789abcdef"[digit as usize] as usize] = digit;
        digit += 1;
    }
    digits
};
const NONE: u8 = 0x80;

/// `3f0c2f9e-6a55-4c0b-9a3e-1f6f3a0d7b11`
#[inline]
fn uuid(text: &[u8]) -> Option<u128> {
    let text: &[u8; 36] = text.try_into().ok()?;
    // Where two digits begin that make a byte.
    const BYTES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let mut bytes = [0; 16];
    let mut all = 0;
    for (byte, place) in bytes.iter_mut().zip(BYTES) {
        #[allow(clippy::indexing_slicing)] // a table for each byte, and places within the text
        let (high, low) = (DIGITS[usize::from(text[place])], DIGITS[usize::from(text[place + 1])]);
        all |= high | low;
        *byte = high << 4 | low;
    }
    let [_, _, _, _, _, _, _, _, b'-', _, _, _, _, b'-', _, _, _, _, b'-', _, _, _, _, b'-', ..] =
        text
    else {
        return None;
    };
    (all & NONE == 0).then_some(u128::from_be_bytes(bytes))
}

/// Multiplies, and lets the upper half of the product stir the lower one.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[allow(clippy::cast_possible_truncation)]
    let (low, high) = (product as u64, (product >> 64) as u64);
    low ^ high
}

#[inline]
fn hash(text: &[u8], salt: u64) -> u64 {
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let words = words.iter().chain([&last]).map(|word| u64::from_le_bytes(*word));
    let mixed = words.fold(salt, |mixed, word| fold(mixed ^ word, PI[3]).wrapping_add(word));
    fold(mixed ^ text.len() as u64, PI[0])
}

/// Where an identity lies in a set, by a secret: nobody can choose ids that all lie in one place.
#[derive(Debug, Clone)]
pub(super) struct Keyed(u64, u64);

impl Default for Keyed {
    fn default() -> Self {
        let random = RandomState::new();
        Self(random.hash_one(0), random.hash_one(1))
    }
}

impl BuildHasher for Keyed {
    type Hasher = KeyedHasher;

    #[inline]
    fn build_hasher(&self) -> KeyedHasher {
        KeyedHasher { keys: (self.0, self.1), hash: 0 }
    }
}

pub(super) struct KeyedHasher {
    keys: (u64, u64),
    hash: u64,
}

impl Hasher for KeyedHasher {
    #[inline]
    fn write_u128(&mut self, id: u128) {
        #[allow(clippy::cast_possible_truncation)]
        let (low, high) = (id as u64, (id >> 64) as u64);
        self.hash = fold(fold(low ^ self.keys.0, PI[1]) ^ high, self.keys.1 | 1);
    }

    fn write(&mut self, bytes: &[u8]) {
        self.hash = hash(bytes, self.keys.0 ^ self.hash);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_uuid_is_its_own_identity_and_other_texts_are_distinguished() {
        let id = "3f0c2f9e-6a55-4c0b-9a3e-1f6f3a0d7b11";
        assert_eq!(event(id), 0x3f0c_2f9e_6a55_4c0b_9a3e_1f6f_3a0d_7b11);
        let others = [
            "a".to_owned(),
            "a\0".to_owned(),
            "b".to_owned(),
            String::new(),
            id.to_uppercase(),
            id.replace('-', "_"),
            id.replacen('3', "g", 1),
            format!("{id}0"),
        ];
        let distinct: HashSet<u128> = others.iter().map(|other| event(other)).collect();
        assert_eq!(distinct.len(), others.len());
    }

    #[test]
    fn numbered_devices_are_distinguished() {
        let arn = |n: u32| format!("arn:aws:iot:eu-west-1:111122223333:thing/tracker-{n}");
        let distinct: HashSet<u64> = (0..200_000).map(|n| device(&arn(n))).collect();
        assert_eq!(distinct.len(), 200_000);
        // In each part of it, so that a part of it sorts well.
        let upper: HashSet<u64> = (0..1_000).map(|n| device(&arn(n)) >> 40).collect();
        assert!(upper.len() > 990, "{}", upper.len());
        let lower: HashSet<u64> = (0..1_000).map(|n| device(&arn(n)) & 0xff_ffff).collect();
        assert!(lower.len() > 990, "{}", lower.len());
    }

    #[test]
    fn a_set_knows_what_it_has_seen() {
        let mut seen = KnownEvents::default();
        assert!((0..10_000_u128).all(|id| seen.insert(id << 64 | 7)));
        assert!((0..10_000_u128).all(|id| !seen.insert(id << 64 | 7)));
    }
}
