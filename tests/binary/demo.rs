//! `rollbook demo --exit`: what it shows, that it plays once, and that the other subcommands find what it played.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use nix::sys::signal::Signal;

use super::program::{Home, Ran, is_gapless, log};

/// A demo that was played to its end. Whoever uses it adds nothing to it.
pub struct Played {
    /// Where.
    pub home: Home,
    /// What the first run printed.
    pub ran: Ran,
}

/// The one that is shared.
pub static PLAYED: LazyLock<Played> = LazyLock::new(|| {
    let home = Home::new();
    let ran = home.run(&["demo", "--exit"]).done();
    Played { home, ran }
});

/// The rows of the table that comes after a heading.
fn rows<'a>(out: &'a str, heading: &str) -> Vec<&'a str> {
    let mut lines = out.lines().skip_while(|line| !line.starts_with(heading));
    assert!(lines.next().is_some(), "no `{heading}…` in\n{out}");
    let mut rule = 0;
    lines
        .take_while(|line| {
            rule += usize::from(line.starts_with('─'));
            rule < 3
        })
        .filter(|line| !line.starts_with('─'))
        .skip(1)
        .collect()
}

#[test]
fn the_demo_shows_the_roster_the_flags_a_queue_and_the_audit_of_a_held_student() {
    let out = PLAYED.ran.out.as_str();
    let roster = rows(out, "The roster of “Listening Well, evenings”: 68 students");
    assert_eq!(roster.len(), 68);
    assert!(roster.iter().any(|row| row.starts_with("Łukasz Żak") && row.contains("held") && row.contains("flag")));
    assert!(roster.iter().any(|row| row.starts_with("陳家豪") && row.contains("Northside")));

    let flags = rows(out, "Open absence flags: 3 (3 more were cleared or resolved)");
    assert_eq!(flags.len(), 3);
    assert!(flags.iter().any(|row| row.starts_with("Łukasz Żak") && row.contains("1, 3, 6")), "{flags:?}");
    let flagged = roster.iter().filter(|row| row.contains("  flag  ")).count();
    assert_eq!(flagged, flags.len(), "the roster and the flags agree");

    let queue = rows(out, "The marking queue of Catalina Núñez: ");
    assert_eq!(queue.len(), 10);
    assert!(queue.is_sorted_by_key(|row| &row[..16]), "oldest first: {queue:?}");

    let held = out.split_once("The audit of ").and_then(|(_, rest)| rest.split_once(", who is held"));
    let (held, _) = held.expect("an audit");
    assert!(roster.iter().any(|row| row.starts_with(held) && row.contains("held")), "{held}");
    let audit = rows(out, "The audit of ");
    for action in ["enrolled", "marker assigned", "advanced", "flag raised", "held"] {
        assert!(audit.iter().any(|row| row.contains(action)), "{action}: {audit:?}");
    }
}

#[test]
fn the_demo_shows_a_week_the_sheet_the_emails_and_the_report() {
    let out = PLAYED.ran.out.as_str();
    let shows = rows(out, "What week 7 shows its students, and asks: ");
    assert_eq!(shows.len(), 3, "{shows:?}");
    assert!(shows.iter().any(|row| row.contains("page") && row.contains("Before the last evening")), "{shows:?}");
    let stay = rows(out, "If week 8 opened now: 61 would go on, 2 would stay");
    assert!(stay.iter().any(|row| row.starts_with("Dolores Huamán Quispe")), "{stay:?}");

    let emails = rows(out, "The emails, as files in ");
    let sent = |row: &&&str| row.contains("  sent  ");
    let count = |row: &str| row.split_whitespace().last().and_then(|count| count.parse::<usize>().ok());
    let sent: usize = emails.iter().filter(sent).map(|row| count(row).expect("a number")).sum();
    let folder = PLAYED.home.data.join("emails");
    let files = std::fs::read_dir(&folder).expect("the folder").count();
    assert!(sent > 394 && files == sent, "{files} files, {emails:?}");

    let weeks = rows(out, "68 students: 66 on their way, ");
    assert_eq!(weeks.len(), 8, "{weeks:?}");
}

#[test]
fn the_play_tells_its_weeks_and_ends_by_itself() {
    let Ran { out, err, .. } = &PLAYED.ran;
    for week in 1..=7 {
        assert!(err.lines().any(|line| line.starts_with(&format!("week {week} "))), "week {week}: {err}");
    }
    assert!(err.contains("it is refused:"), "{err}");
    assert!(!out.contains("listening on") && !out.contains("Tokens"), "{out}");
}

#[test]
fn a_second_run_takes_up_the_same_data_and_adds_nothing() {
    let Played { home, ran } = &*PLAYED;
    let before = log(home);
    is_gapless(&before);
    let again = home.run(&["demo", "--exit"]).done();
    assert!(again.err.contains("Taking up the cohort that was played before"), "{}", again.err);
    assert!(!again.err.contains("week 1 "), "{}", again.err);
    assert_eq!(again.out, ran.out, "the same is shown");
    assert_eq!(log(home), before);
}

#[test]
fn the_played_log_is_read_in_parts() {
    let home = &PLAYED.home;
    let whole = home.out(&["events"]);
    let some = home.out(&["events", "--after", "100", "--limit", "7"]);
    assert_eq!(some.lines().collect::<Vec<_>>(), whole.lines().skip(100).take(7).collect::<Vec<_>>());
    let beyond = home.run(&["events", "--after", "1000000"]).done();
    assert_eq!(beyond.out, "");
    let words: Vec<_> = whole.lines().nth(1_000).expect("an event").split_whitespace().collect();
    let stream = format!("{}/{}", words[2], words[3]);
    let of_stream = home.out(&["events", "--stream", &stream]);
    assert!(of_stream.lines().all(|line| line.contains(words[3])), "{of_stream}");
    assert!(of_stream.lines().any(|line| line.split_whitespace().eq(words.iter().copied())), "{of_stream}");
}

#[test]
fn the_audit_of_the_play_is_a_table_a_spreadsheet_or_json() {
    let home = &PLAYED.home;
    let json = home.out(&["audit", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let items = json.as_array().expect("a list");
    assert!(items.len() > 500, "{}", items.len());
    let csv = home.out(&["audit", "--format", "csv"]);
    assert!(csv.starts_with("at,actor_id,actor_name,authority,action,"), "{csv}");
    assert!(csv.lines().count() > items.len(), "a heading, and every item");
    let whom = items.iter().find_map(|item| item["actor"]["id"].as_str()).expect("an actor");
    let table = home.out(&["audit", "--actor", whom, "--from", "2000-01-01"]);
    let theirs = items.iter().filter(|item| item["actor"]["id"] == whom).count();
    assert!(table.starts_with('─') && table.lines().count() >= theirs, "{table}");
    let nothing = home.out(&["audit", "--to", "2000-01-01"]);
    assert_eq!(nothing.trim(), "nothing was decided that matches");
}

#[test]
fn a_demo_killed_half_way_goes_on_and_comes_to_the_same() {
    let home = Home::new();
    let mut killed = home.start(&mut home.command(&["demo", "--exit"]));
    killed.line("week 3 ");
    let killed = killed.end(Signal::SIGKILL);
    assert_eq!(killed.signal, Some(9));
    assert!(home.postgres().is_some(), "nobody was left to stop the server");

    let then = home.run(&["demo", "--exit"]).done();
    assert!(then.err.contains("Going on with a play that was broken off"), "{}", then.err);
    assert_eq!(rows(&then.out, "The roster of ").len(), 68);
    home.is_left_by_everybody();

    let (resumed, whole) = (log(&home), log(&PLAYED.home));
    is_gapless(&resumed);
    assert_eq!(resumed.len(), whole.len());
    let sorted = |log: BTreeMap<u64, String>| {
        let mut events: Vec<_> = log.into_values().collect();
        events.sort();
        events
    };
    assert_eq!(sorted(resumed), sorted(whole), "every stream has the same story");
    let verified = home.out(&["projections", "verify", "--all"]);
    assert!(!verified.contains("differ"), "{verified}");
    assert_eq!(verified.matches("equal").count(), 15, "{verified}");
}
