//! Tables for reading: one look for all of them, in 120 columns.

use comfy_table::{CellAlignment, ContentArrangement, Table};

/// How wide a table may be.
const WIDTH: u16 = 120;

/// Lines above, below and under the headings; none between columns or rows.
const LINES: &str = "  ── ─             ";

/// An empty table under these headings; a heading that begins with `>` is over numbers, which go to the right.
pub fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(LINES)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(headings.iter().map(|heading| heading.trim_start_matches('>')));
    for (column, heading) in table.column_iter_mut().zip(headings) {
        if heading.starts_with('>') {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
