//! What is on a screenshot.

use std::collections::HashMap;
use std::io::Cursor;

/// A screenshot's pixels, as red, green and blue.
pub struct Picture {
    width: usize,
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// Decodes a PNG of 8 bits, as browsers make it.
    pub fn of(bytes: &[u8]) -> Self {
        let mut reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
        let mut buffer = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut buffer).unwrap();
        assert_eq!(info.bit_depth, png::BitDepth::Eight);
        let samples = info.color_type.samples();
        let pixels =
            buffer.chunks_exact(samples).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        Self { width: usize::try_from(info.width).unwrap(), pixels }
    }

    pub fn height(&self) -> usize {
        self.pixels.len() / self.width
    }

    fn counts(&self) -> HashMap<[u8; 3], usize> {
        let mut counts = HashMap::new();
        for pixel in &self.pixels {
            *counts.entry(*pixel).or_default() += 1;
        }
        counts
    }

    /// How many different colors there are.
    pub fn colors(&self) -> usize {
        self.counts().len()
    }

    /// The share of pixels that are not of the most frequent color.
    #[allow(clippy::cast_precision_loss)]
    pub fn inked(&self) -> f64 {
        let ground = self.counts().into_values().max().unwrap_or(0);
        1.0 - ground as f64 / self.pixels.len() as f64
    }

    /// The lightness of the most frequent color, 0 to 255.
    pub fn ground(&self) -> u32 {
        let (pixel, _) = self.counts().into_iter().max_by_key(|(_, count)| *count).unwrap();
        pixel.into_iter().map(u32::from).sum::<u32>() / 3
    }
}
