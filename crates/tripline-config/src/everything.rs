//! All that a file says, whatever it means.

use std::collections::BTreeMap;

use tripline::faults::{Fault, Faults};

use crate::ini::{Entry, Ini, Section, read_whole};
use crate::keys::DEFAULT;

/// Values by section and by key in lower case.
pub type Everything = BTreeMap<String, BTreeMap<String, Result<String, Fault>>>;

/// Every value of a `dev.ini`, with what sections inherit and with `%(key)s` replaced; a value that cannot be
/// replaced is a fault of its own. It should be what Python's `configparser` reads. `file` is what the errors call it.
pub fn parse_everything(file: &str, text: &str) -> Result<Everything, Faults> {
    read_whole(file, text, |ini, _| {
        ini.all().map(|section| (section.name.clone(), of_section(ini, section))).collect()
    })
}

fn of_section(ini: &Ini, section: &Section) -> BTreeMap<String, Result<String, Fault>> {
    let inherited = ini.section(DEFAULT).into_iter().flat_map(Section::own);
    let keys = section.own().chain(inherited).map(|entry| entry.key.to_lowercase());
    let value = |key: String| {
        let value = ini.get(section, &key)?.map(|Entry { value, .. }| value);
        Some((key, value))
    };
    keys.filter_map(value).collect()
}
