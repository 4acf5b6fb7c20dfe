//! Tables.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use tripline::text::clean;

use super::screen;

/// Longest text of a cell.
const MAX_CELL: usize = 400;
/// Columns between two cells.
const GAP: u16 = 2;

/// Rows under a head, each column as wide as its widest cell, or narrower where the terminal is: then
/// cells are broken between words.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    fitted(head, rows, screen::width())
}

fn fitted<const N: usize>(head: [&str; N], rows: &[[String; N]], width: Option<usize>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    table.add_row(head);
    for row in rows {
        table.add_row(row.each_ref().map(|cell| clean(cell, MAX_CELL)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> [[String; 2]; 2] {
        [["é\n".to_owned(), "b".to_owned()], ["long".to_owned(), String::new()]]
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        assert_eq!(fitted(["A", "B"], &rows(), None), "A     B\né?    b\nlong\n");
        let long = [["x".repeat(300), "y".to_owned()]];
        let lines = fitted(["A", "B"], &long, None);
        assert!(lines.lines().last().unwrap().ends_with("x  y"), "a file has no width: {lines}");
    }

    #[test]
    fn a_table_fits_its_terminal() {
        let sentence = "no function is subscribed to the topic, so no alarm can stop this rollout";
        let rows = [["stopper-subscribed".to_owned(), "fault".to_owned(), sentence.to_owned()]];
        for width in [60, 80, 120] {
            let table = fitted(["CHECK", "", "FINDING"], &rows, Some(width));
            assert!(table.lines().all(|line| line.chars().count() <= width), "{table}");
            insta::assert_snapshot!(format!("columns_{width}"), table);
        }
    }
}
