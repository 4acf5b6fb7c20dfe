//! Where things are in this checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Result, runner};

/// The checkout that this program was built from.
pub fn root() -> &'static Path {
    // This package is a folder of the workspace's root, so that it has a parent.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// A program of this workspace, from the same build as the one that runs now. Tests run from
/// `deps/`, one folder below.
pub fn program(name: &str) -> Result<PathBuf> {
    let me = std::env::current_exe().map_err(crate::at("current_exe"))?;
    me.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            Error(format!(
                "{}: no program `{name}` beside it\n\n  hint: cargo build -p tripline-cli",
                me.display()
            ))
        })
}

/// The command `tripline` in this folder, with no AWS at hand.
pub fn tripline(folder: impl AsRef<Path>) -> Result<Command> {
    program("tripline").map(|program| runner::command(program, folder))
}

/// A function's zip, built for this machine.
pub fn function_zip(package: &str) -> Result<PathBuf> {
    zip_for(package, if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" })
}

/// A function's zip for one of Lambda's architectures.
pub fn zip_for(package: &str, architecture: &str) -> Result<PathBuf> {
    let folder = root().join(format!("target/lambda-{architecture}"));
    let zip = folder.join(package).join("bootstrap.zip");
    if zip.is_file() {
        Ok(zip)
    } else {
        Err(Error(format!(
            "{}: no such file (expected the function's zip for {architecture})\n\n  hint: make zips",
            zip.display()
        )))
    }
}

/// The template that is deployed.
pub fn packaged_template() -> Result<String> {
    let path = root().join("target/package/tripline.yaml");
    std::fs::read_to_string(&path)
        .map_err(|error| Error(format!("{}: {error}\n\n  hint: make package", path.display())))
}
