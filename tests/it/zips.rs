//! The zips that are deployed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use tripline_tests::runner::run;
use tripline_tests::workspace::{root, zip_for};

/// The functions, each with the most bytes of its zip. The guard-keeper and the wave-runner do the most, and once a
/// minute: for them a millisecond of a cold start counts least.
const FUNCTIONS: [(&str, u64); 4] = [
    ("metrics-generator", 2_500_000),
    ("force-stopper", 2_500_000),
    ("guard-keeper", 3_000_000),
    ("wave-runner", 3_000_000),
];
/// Each of Lambda's processors with its number in an ELF header (`e_machine`).
const PROCESSORS: [(&str, u16); 2] = [("arm64", 183), ("x86_64", 62)];

/// What each is built from, beside the program.
const NOTICES: &str = "THIRD-PARTY-NOTICES.txt";

/// What the sources say now that a function is built from, written twice: the same bytes each time.
fn noticed(function: &str) -> &'static str {
    static WRITTEN: std::sync::LazyLock<BTreeMap<&str, String>> = std::sync::LazyLock::new(|| {
        let write = || {
            let folder = tempfile::tempdir().unwrap();
            for (function, _) in FUNCTIONS {
                std::fs::create_dir(folder.path().join(function)).unwrap();
                std::fs::write(folder.path().join(function).join("bootstrap"), "").unwrap();
            }
            let mut tool = Command::new(root().join("tools/third-party-notices"));
            let ran = run(tool.arg(folder.path()));
            assert_eq!(ran.code, 0, "{ran}");
            let read = |path: PathBuf| std::fs::read_to_string(path.join(NOTICES)).unwrap();
            let of_each =
                FUNCTIONS.map(|(function, _)| (function, read(folder.path().join(function))));
            (BTreeMap::from(of_each), read(folder.path().to_owned()))
        };
        let (of_each, texts) = write();
        assert_eq!((of_each.clone(), texts.clone()), write());
        // Every crate is in both, and the licenses are in full.
        for line in of_each.values().flat_map(|text| text.lines().skip(1)) {
            assert!(texts.lines().any(|other| other == line), "{line}");
        }
        assert!(texts.contains("TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION"));
        assert!(texts.contains("Permission is hereby granted, free of charge"));
        of_each
    });
    &WRITTEN[function]
}

#[test]
fn every_zip_is_small_and_holds_a_bootstrap_for_its_processor() {
    for (architecture, machine) in PROCESSORS {
        for (function, most) in FUNCTIONS {
            let path = zip_for(function, architecture).unwrap_or_else(|error| panic!("{error}"));
            let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{error}"));
            let bytes = file.metadata().map(|data| data.len()).unwrap_or(u64::MAX);
            assert!(bytes <= most, "{}: {bytes} bytes", path.display());
            let mut zip = zip::ZipArchive::new(file).unwrap_or_else(|error| panic!("{error}"));
            let mut notices = zip.by_name(NOTICES).unwrap_or_else(|error| panic!("{error}"));
            let mut text = String::new();
            std::io::Read::read_to_string(&mut notices, &mut text)
                .unwrap_or_else(|error| panic!("{error}"));
            drop(notices);
            assert_eq!(text, noticed(function), "{}\n\n  hint: make zips", path.display());
            let mut bootstrap = zip.by_name("bootstrap").unwrap_or_else(|error| panic!("{error}"));
            assert!(
                bootstrap.unix_mode().is_some_and(|mode| mode & 0o111 != 0),
                "{function}: no run bit"
            );
            let mut header = [0; 20];
            std::io::Read::read_exact(&mut bootstrap, &mut header)
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(&header[..4], b"\x7fELF", "{function}");
            assert_eq!(
                u16::from_le_bytes([header[18], header[19]]),
                machine,
                "{function} {architecture}"
            );
        }
    }
}

/// cargo-lambda sets `panic = "abort"` where the profile does not say otherwise; then one poison
/// event ends an environment with all that it remembers.
#[test]
fn panics_unwind() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap_or_default();
    let profile = manifest.split("[profile.release]").nth(1).unwrap_or_default();
    let profile = profile.split("\n[").next().unwrap_or_default();
    assert!(profile.lines().any(|line| line.starts_with("panic = \"unwind\"")), "{profile}");
}
