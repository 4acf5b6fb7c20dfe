//! The template that is deployed (`make package`) is the one that is tested here, in fewer bytes.

use serde_json::Value;
use tripline_tests::workspace;

use super::{Template, folder, template};

/// CloudFormation takes this many bytes in a request.
const LIMIT: usize = 51_200;
/// For what is to come.
const SPARE: usize = 4_096;

fn packaged() -> String {
    workspace::packaged_template().unwrap_or_else(|error| panic!("{error}"))
}

/// Leaves out of a resource what packaging changes: why a check is skipped, and from where the
/// code is named.
fn strip(resource: &mut Value) {
    if let Some(skips) = resource.pointer_mut("/Metadata/checkov/skip") {
        for skip in skips.as_array_mut().expect("a list") {
            skip.as_object_mut().expect("a check").remove("comment");
        }
    }
    if let Some(Value::String(code)) = resource.pointer_mut("/Properties/CodeUri") {
        *code = code.replace("../target/", "../");
    }
}

fn packaged_folder() -> std::path::PathBuf {
    workspace::root().join("target/package")
}

/// Also of what it includes: both are compared with their files in place.
#[test]
fn the_packaged_template_is_the_same_stack() {
    let packaged = Template::parse(&packaged(), &packaged_folder());
    let [source, packaged] = [template(), packaged].map(|template| {
        let mut whole = template.into_value();
        whole["Resources"].as_object_mut().expect("resources").values_mut().for_each(strip);
        whole
    });
    let sections = |whole: &Value| whole.as_object().expect("sections").clone();
    let (source, packaged) = (sections(&source), sections(&packaged));
    assert_eq!(source.len(), packaged.len());
    for (name, section) in source {
        assert_eq!(packaged.get(&name), Some(&section), "{name}: make package");
    }
}

/// A state machine's definition is a file that `sam` uploads: it is found beside the template.
#[test]
fn what_the_packaged_template_names_is_beside_it() {
    let whole = Template::parse(&packaged(), &packaged_folder());
    let machines = whole.section("Resources").values().filter_map(|resource| {
        resource.pointer("/Properties/DefinitionUri").and_then(Value::as_str)
    });
    let mut named: Vec<&str> = machines.collect();
    assert_eq!(named, ["release.asl.json"]);
    named.push("dashboard-body.json");
    for name in named {
        let [source, copy] = [folder(), packaged_folder()].map(|folder| {
            std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
        });
        assert_eq!(source, copy, "{name}: make package");
    }
}

#[test]
fn the_packaged_template_fits_a_request_with_room_to_spare() {
    let bytes = packaged().len();
    assert!(bytes <= LIMIT - SPARE, "{bytes} bytes (expected at most {})", LIMIT - SPARE);
}
