//! `rollbook events`: the log of a site as it is, one event a line. It shows personal data to whoever holds the database.

use std::fmt::Write;

use rollbook_domain::site::Slug;
use rollbook_domain::{SiteId, StreamId, StreamType};
use rollbook_store::{EventStore, LogView, Position, Recorded, Stretch};

use crate::cli::Events;
use crate::database::Database;
use crate::failure::Done;
use crate::output;

/// How many events are read at a time.
const BATCH: i64 = 1_000;

/// Reads `enrolment/0198…`.
pub fn parse_stream(text: &str) -> Result<StreamId, String> {
    let wrong = || "must be a type and an id, such as enrolment/0198c1d2-7a55-7c3e-9d53-0b7f6d1f2a10".to_owned();
    let (kind, id) = text.split_once('/').ok_or_else(wrong)?;
    let kind: StreamType = kind
        .parse()
        .map_err(|_| "has a type that is no stream's, such as person, module, cohort, hub or enrolment".to_owned())?;
    Ok(StreamId { kind, id: id.parse().map_err(|_| wrong())? })
}

/// Prints the events that were asked for.
pub async fn run(database: &Database, site: &Slug, arguments: &Events) -> Done {
    let (store, site) = database.of_site(site).await?;
    let limit = arguments.limit.map_or(i64::MAX, i64::from);
    match arguments.stream {
        Some(stream) => of_stream(&store, site, stream, arguments.after, limit).await,
        None => of_log(&store, site, arguments.after, limit).await,
    }
}

async fn of_stream(store: &EventStore, site: SiteId, stream: StreamId, after: Position, limit: i64) -> Done {
    let events = store.stream(site, stream).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let events: Vec<_> = events.into_iter().filter(|event| event.position > after).take(limit).collect();
    print(&events)
}

async fn of_log(store: &EventStore, site: SiteId, mut after: Position, mut limit: i64) -> Done {
    while limit > 0 {
        let Stretch { events, reached, .. } = store.read_site(site, after, limit.min(BATCH), LogView::Whole).await?;
        if events.is_empty() {
            break;
        }
        after = reached;
        limit -= i64::try_from(events.len()).unwrap_or(limit);
        print(&events)?;
    }
    Ok(())
}

fn print(events: &[Recorded]) -> Done {
    if events.is_empty() {
        return Ok(());
    }
    let mut lines = String::new();
    for event in events {
        let Recorded { position, stream, sequence, recorded_at, event, .. } = event;
        // Writing to a String cannot fail.
        let _ = writeln!(
            lines,
            "{position:>8}  {}  {:<9} {} {sequence:>4}  {:<23}  {}",
            recorded_at.format("%FT%TZ"),
            stream.kind.as_str(),
            stream.id,
            event.type_name(),
            event.data()?
        );
    }
    output::line(lines.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_a_type_and_an_id() {
        let text = "enrolment/0198c1d2-7a55-7c3e-9d53-0b7f6d1f2a10";
        assert_eq!(parse_stream(text).map(|stream| stream.to_string()).as_deref(), Ok(text));
        assert!(parse_stream("enrolment").is_err());
        assert!(parse_stream("student/0198c1d2-7a55-7c3e-9d53-0b7f6d1f2a10").is_err());
        assert!(parse_stream("enrolment/1").is_err());
    }
}
