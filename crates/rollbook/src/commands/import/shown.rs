//! The report of an import for reading: what there is to say of the rows, then the counts.

use rollbook_domain::Personal;
use rollbook_domain::cohort::RowOutcome;
use rollbook_import::{Counts, Report, ReportRow};

use crate::cli::Importing;
use crate::failure::Done;
use crate::output;
use crate::table::table;

/// Shows what became of a roster.
pub fn roster(report: &Report, asked: &Importing) -> Done {
    let Counts { new, known, updated, unchanged, wrong } = report.counts;
    rows(report, asked)?;
    let counts =
        format!("{new} new, {known} known and enrolled now, {updated} updated, {unchanged} unchanged, {wrong} wrong");
    end(report, &counts)
}

/// Shows what became of registers.
pub fn attendance(report: &Report, asked: &Importing) -> Done {
    let Counts { new, known: _, updated, unchanged, wrong } = report.counts;
    rows(report, asked)?;
    end(report, &format!("{new} marks new, {updated} changed, {unchanged} unchanged, {wrong} wrong"))
}

fn rows(report: &Report, asked: &Importing) -> Done {
    for note in &report.notes {
        output::line(note)?;
    }
    let worth_saying = |row: &&ReportRow| {
        asked.all || row.row.outcome == RowOutcome::Wrong || row.row.reason.is_some() || !row.row.kept.is_empty()
    };
    let told: Vec<_> = report.rows.iter().filter(worth_saying).collect();
    if told.is_empty() {
        return Ok(());
    }
    let mut shown = table(&[">row", "outcome", "column", "name", "email", "reason"]);
    for ReportRow { row, name, email } in told {
        let text = |text: &Option<Personal<String>>| text.as_ref().map_or("", Personal::as_str).to_owned();
        let kept = (!row.kept.is_empty()).then(|| format!("kept as entered by hand: {}", row.kept.join(", ")));
        let reason: Vec<_> = row.reason.iter().chain(&kept).cloned().collect();
        shown.add_row([
            row.number.to_string(),
            row.outcome.to_string(),
            row.column.clone().unwrap_or_default(),
            text(name),
            text(email),
            reason.join("; "),
        ]);
    }
    output::line(&shown.trim_fmt())
}

fn end(report: &Report, counts: &str) -> Done {
    if let Some(position) = report.position {
        return output::line(&format!("imported: {counts}; at position {position}"));
    }
    output::line(&format!("preview: {counts}. Nothing is done yet; add --commit to do it"))
}
