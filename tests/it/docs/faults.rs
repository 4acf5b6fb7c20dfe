//! The page on faults is what the matrices of the functions say.

use tripline_tests::workspace::root;

use crate::{generator, stopper};

const PAGE: &str = "docs/reference/faults.md";

fn page() -> String {
    let intro = "# What happens when AWS fails\n\n\
        Written by the tests from their tables, which the released functions are held to\n\
        (`TRIPLINE_WRITE=1 cargo test --workspace --test it docs::faults` writes it again). Each fault strikes the first call of an\n\
        operation (`once`), every call of the first attempt (`attempt`), or every call (`always`).\n";
    [intro.to_owned(), stopper::matrix::section(), generator::matrix::section()].join("\n")
}

#[test]
fn the_page_is_the_tables() {
    let path = root().join(PAGE);
    if std::env::var_os("TRIPLINE_WRITE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page(), "{PAGE} is not current: set TRIPLINE_WRITE=1");
}
