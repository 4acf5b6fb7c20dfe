//! Numbers as bytes.

/// Writes numbers.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Eight bytes, the lowest first.
    pub fn fixed(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    pub fn fraction(&mut self, number: f64) {
        self.fixed(number.to_bits());
    }

    pub fn number(&mut self, number: u32) {
        self.variable(u64::from(number));
    }

    /// 0 for none.
    pub fn optional(&mut self, number: Option<u32>) {
        self.variable(number.map_or(0, |number| u64::from(number) + 1));
    }

    pub fn number_with_flags(&mut self, number: u32, [first, second]: [bool; 2]) {
        self.variable(u64::from(number) << 2 | u64::from(first) << 1 | u64::from(second));
    }

    fn variable(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }
}

/// Reads what a [`Writer`] wrote; nothing where it ends or is no number.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub fn fixed(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*bytes))
    }

    /// A fraction that is a number; minus infinity is one.
    pub fn fraction(&mut self) -> Option<f64> {
        self.fixed().map(f64::from_bits).filter(|number| !number.is_nan())
    }

    pub fn number(&mut self) -> Option<u32> {
        u32::try_from(self.variable()?).ok()
    }

    pub fn optional(&mut self) -> Option<Option<u32>> {
        match self.variable()?.checked_sub(1) {
            None => Some(None),
            Some(number) => u32::try_from(number).ok().map(Some),
        }
    }

    pub fn number_with_flags(&mut self) -> Option<(u32, [bool; 2])> {
        let number = self.variable()?;
        let flags = [number & 2 != 0, number & 1 != 0];
        Some((u32::try_from(number >> 2).ok()?, flags))
    }

    fn variable(&mut self) -> Option<u64> {
        let mut number = 0;
        // Five bytes hold any number of 34 bits and a little more; a sixth is none of ours.
        for place in 0..5 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}
