//! Coverage as programs read it: the same object in the output of every command.

use serde_json::{Value, json};

use super::{Coverage, Shortfall, Way};

impl Coverage {
    /// As JSON: `{"status": .., "devices": .., "ways": {"fails": {"level": .., "by": .., "because": [..]}, ..}}`.
    /// `devices` and `by` are null if they are not known, or there is nobody.
    pub fn to_json(&self) -> Value {
        let ways = Way::ALL.map(|way| {
            let seen = self.of(way);
            let because: Vec<Value> = seen.shortfalls.iter().map(because).collect();
            let of_way = json!({ "level": seen.level.name(), "by": seen.by, "because": because });
            (way.name().to_owned(), of_way)
        });
        json!({
            "status": self.status.name(),
            "devices": self.devices,
            "ways": Value::Object(ways.into_iter().collect()),
        })
    }
}

fn because(shortfall: &Shortfall) -> Value {
    let Shortfall { by, reason, would } = shortfall;
    json!({ "by": by, "would": would.name(), "reason": reason.to_string(), "fix": reason.fix(None) })
}
