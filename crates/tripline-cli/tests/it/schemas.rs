//! The schemas in docs/reference/schemas are those of what the commands put out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::command;
use crate::runner::run;

/// The files of a folder.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    entries.map(|it| (it.file_name().into_string().unwrap(), read(&it.path()))).collect()
}

#[test]
fn the_schemas_are_those_of_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    let made = run(command(folder.path()).args(["schemas", "."]));
    assert_eq!(made.code, 0, "{made}");
    let checked_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/schemas");
    let (made, checked_in) = (files(folder.path()), files(&checked_in));
    let stale: Vec<_> = made
        .keys()
        .chain(checked_in.keys())
        .filter(|name| made.get(*name) != checked_in.get(*name))
        .collect();
    assert!(
        stale.is_empty(),
        "not what the commands put out: {stale:?} (expected: `make schemas`)"
    );
}
