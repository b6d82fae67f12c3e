//! `rollbook projections parked` and `retry`: the streams that read models have set aside, and taking them up again. It
//! shows positions and reasons, and never what an event says.

use rollbook_projections::{Page, ParkedStream, Projections, Retried};

use crate::cli::Which;
use crate::commands::projections::explained;
use crate::failure::{Done, Failure};
use crate::output;
use crate::table::table;

/// Prints what is parked, read model by read model.
pub async fn list(projections: &Projections) -> Done {
    let mut shown = table(&["read model", ">position", "stream", "since", "why"]);
    let mut any = false;
    for item in projections.list().await.map_err(Failure::new)? {
        let mut page = Page { limit: Page::MAX_LIMIT, after: None };
        loop {
            let parked = projections.parked(&item.name, None, &page).await.map_err(Failure::new)?;
            for stream in parked.items {
                let ParkedStream { projection, stream_type, stream_id, position, error, parked_at, site_id: _ } =
                    stream;
                let since = parked_at.format("%FT%TZ").to_string();
                shown.add_row([projection, position.to_string(), format!("{stream_type}/{stream_id}"), since, error]);
                any = true;
            }
            let Some(next) = parked.next else { break };
            page = page.after(next);
        }
    }
    if any { output::line(&shown.trim_fmt()) } else { output::line("nothing is parked") }
}

/// Takes up what is parked; it is a failure if something stays so.
pub async fn retry(projections: &Projections, which: &Which) -> Done {
    let retried = projections.retry(which.name.as_deref()).await.map_err(|error| explained(&error))?;
    let mut shown = table(&["read model", ">taken up", ">still parked"]);
    for Retried { name, mended, parked } in &retried {
        shown.add_row([(*name).to_owned(), mended.to_string(), parked.to_string()]);
    }
    output::line(&shown.trim_fmt())?;
    match retried.iter().map(|model| model.parked).sum::<u64>() {
        0 => Ok(()),
        parked => {
            let what = if parked == 1 { "stream stays" } else { "streams stay" };
            Err(Failure::new(format!("{parked} {what} parked; `rollbook projections parked` says why")))
        }
    }
}
