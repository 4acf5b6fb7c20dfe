//! Whom an alarm reaches.

use tripline::alarm::{MAX_TOPICS, Topic};
use tripline::text::excerpt;

use crate::reader::{Place, Reader, near, unfilled};

impl Reader<'_> {
    /// Whom an alarm reaches: `snsTopics`, which has to be there.
    pub fn topics(&mut self, place: Place<'_>) -> Option<Vec<Topic>> {
        self.topics_of(place, "snsTopics")
    }

    /// The same by another key.
    pub fn topics_of(&mut self, place: Place<'_>, key: &str) -> Option<Vec<Topic>> {
        const EXPECTED: &str = "`@email`, `@sms`, `@force-stop` or the ARN of a standard SNS topic";
        self.require(place, key, EXPECTED);
        let entry = self.entry(place.section, key)?;
        let mut topics = Vec::new();
        let before = self.faults.len();
        for text in entry.value.split([',', '\n']).map(str::trim).filter(|text| !text.is_empty()) {
            match Topic::parse(text) {
                Some(topic) if topics.contains(&topic) => {}
                Some(topic) => topics.push(topic),
                None => {
                    let hint = near(text, &Topic::ALIASES)
                        .map(|near| format!("did you mean `{near}`?"))
                        .or_else(|| unfilled(text));
                    let text =
                        format!("unknown topic `{}` in {key} (expected {EXPECTED})", excerpt(text));
                    self.fault(place, entry.line, &text, hint);
                }
            }
        }
        if topics.is_empty() && self.faults.len() == before {
            let text = format!("{key} is empty, so that nobody is alerted (expected {EXPECTED})");
            self.fault(place, entry.line, &text, None);
        }
        if topics.len() > MAX_TOPICS {
            let text = format!("{} topics in {key} (expected at most {MAX_TOPICS})", topics.len());
            self.fault(place, entry.line, &text, None);
        }
        Some(topics)
    }
}
