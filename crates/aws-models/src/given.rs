//! What a request gives, apart from how it was written.

/// A value. Members of structures have the model's names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Given {
    Bool(bool),
    Whole(i128),
    Float(f64),
    Text(String),
    /// A text that stands for whatever is expected there: in a path, a query, a header, a form or XML.
    Written(String),
    /// That many bytes.
    Bytes(usize),
    Time(f64),
    List(Vec<Given>),
    /// A structure or a map, in its order.
    Entries(Vec<(String, Given)>),
    /// `null` in a list or a map.
    Nothing,
}

impl Given {
    /// What it is called in a fault.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::Whole(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) | Self::Written(_) => "a text",
            Self::Bytes(_) => "bytes",
            Self::Time(_) => "a time",
            Self::List(_) => "a list",
            Self::Entries(_) => "a structure",
            Self::Nothing => "nothing",
        }
    }

    /// A member of a structure.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.entries().iter().find(|(is, _)| is == name).map(|(_, given)| given)
    }

    pub(crate) fn entries(&self) -> &[(String, Self)] {
        if let Self::Entries(entries) = self { entries } else { &[] }
    }

    pub(crate) fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) | Self::Written(text) = self { Some(text) } else { None }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(whole) => Some(*whole as f64),
            Self::Float(number) | Self::Time(number) => Some(*number),
            Self::Written(text) => text.parse().ok(),
            _ => None,
        }
    }
}
