//! What messages say, as text and as HTML. Plain functions: whatever comes from somebody is escaped where it is put into HTML.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use rollbook_domain::cohort::{SessionStatus, Zone};
use rollbook_domain::enrolment::Outcome;
use rollbook_domain::{MessageId, Personal};

use crate::letter::{Letter, one_line};

mod accounts;

pub use accounts::{Access, Notice, WITH_A_LINK, write_access, write_notice};

/// What every message knows.
#[derive(Clone, Debug)]
pub struct Occasion {
    pub message_id: MessageId,
    /// The student, as they write it.
    pub name: Personal<String>,
    pub email: Personal<String>,
    pub cohort: String,
    pub week: u8,
    pub about: About,
}

/// What a message is about.
#[derive(Clone, Debug)]
pub enum About {
    /// The week is open, with its session if it has one.
    WeekOpen { session: Option<Session>, zone: Zone },
    /// A reflection was marked, or marked otherwise.
    Marked { outcome: Outcome, feedback: Personal<String>, amended: bool },
}

/// When a week's session is.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub starts_at: DateTime<Utc>,
    pub minutes: u16,
    pub status: SessionStatus,
}

/// A part of a message.
enum Part {
    Paragraph(String),
    /// What somebody wrote, line by line as they did.
    Quote(String),
    Link(String),
}

/// Writes a message; `link` is the school's own page.
pub fn write(occasion: &Occasion, link: Option<&str>) -> Letter {
    let (week, cohort) = (occasion.week, one_line(&occasion.cohort));
    let (subject, mut parts) = match &occasion.about {
        About::WeekOpen { session, zone } => {
            let open = format!("Week {week} of {cohort} is open to you.");
            (
                format!("{cohort}: week {week} is open"),
                vec![Part::Paragraph(open), Part::Paragraph(when(*session, *zone))],
            )
        }
        About::Marked { outcome, feedback, amended } => {
            let (subject, what) = if *amended {
                ("the mark of your reflection was changed", "The mark of your reflection")
            } else {
                ("your reflection was marked", "Your reflection")
            };
            let outcome = match outcome {
                Outcome::Pass => "passed",
                Outcome::Fail => "not passed yet; you may revise it until it is due",
            };
            let said = format!("{what} of week {week} in {cohort}: {outcome}.");
            let parts = vec![
                Part::Paragraph(said),
                Part::Paragraph("Your marker wrote:".to_owned()),
                Part::Quote(feedback.as_str().to_owned()),
            ];
            (format!("{cohort}: {subject} (week {week})"), parts)
        }
    };
    parts.insert(0, Part::Paragraph(format!("Hello {},", one_line(occasion.name.as_str()))));
    parts.extend(link.map(|link| Part::Link(link.to_owned())));
    Letter {
        message_id: occasion.message_id,
        name: occasion.name.clone(),
        email: occasion.email.clone(),
        html: html(&subject, &parts).into(),
        text: text(&parts).into(),
        subject: subject.into(),
    }
}

/// When the session is, where the cohort meets.
fn when(session: Option<Session>, zone: Zone) -> String {
    match session {
        Some(Session { status: SessionStatus::Cancelled, .. }) | None => "There is no session this week.".to_owned(),
        Some(Session { starts_at, minutes, status }) => {
            let local = starts_at.with_timezone(&zone.tz());
            let moved = if status == SessionStatus::Rescheduled { " (this is a new time)" } else { "" };
            let (at, place) = (local.format("%A, %-d %B %Y, at %H:%M"), String::from(zone));
            format!("The session is on {at} ({place}){moved}, and takes {minutes} minutes.")
        }
    }
}

fn text(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Paragraph(said) => text.push_str(said),
            Part::Quote(said) => {
                let quoted: Vec<_> = said.lines().map(|line| format!("> {line}")).collect();
                text.push_str(&quoted.join("\n"));
            }
            Part::Link(link) => text.push_str(link),
        }
        text.push_str("\n\n");
    }
    text
}

fn html(title: &str, parts: &[Part]) -> String {
    let mut body = String::new();
    for part in parts {
        // Writing to a string cannot fail.
        let _ = match part {
            Part::Paragraph(said) => write!(body, "<p>{}</p>", escaped(said)),
            Part::Quote(said) => {
                let lines: Vec<_> = said.lines().map(escaped).collect();
                write!(body, "<blockquote>{}</blockquote>", lines.join("<br>"))
            }
            Part::Link(link) => write!(body, "<p><a href=\"{0}\">{0}</a></p>", escaped(link)),
        };
    }
    let title = escaped(title);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\
         <body>{body}</body></html>"
    )
}

/// Text as HTML shows it, in an element or in an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn letter(name: &str, about: About) -> Letter {
        let occasion = Occasion {
            message_id: MessageId(Uuid::nil()),
            name: name.into(),
            email: "anna@example.org".into(),
            cohort: "Kererū\n2026".to_owned(),
            week: 10,
            about,
        };
        write(&occasion, Some("https://school.example.org/?a=1&b=2"))
    }

    fn week_open(status: SessionStatus) -> Letter {
        // Sydney is at +11:00 until 5 April 2026, and then at +10:00.
        let starts_at = "2026-04-07T09:00:00Z".parse().unwrap();
        let zone = Zone::try_from("Australia/Sydney".to_owned()).unwrap();
        letter("Anna", About::WeekOpen { session: Some(Session { starts_at, minutes: 90, status }), zone })
    }

    fn marked(name: &str, feedback: &str) -> Letter {
        letter(name, About::Marked { outcome: Outcome::Fail, feedback: feedback.into(), amended: false })
    }

    #[test]
    fn a_session_is_told_in_the_cohorts_local_time() {
        let text = week_open(SessionStatus::Scheduled).text.into_inner();
        assert!(text.contains("Tuesday, 7 April 2026, at 19:00 (Australia/Sydney), and takes 90 minutes"), "{text}");
        assert!(week_open(SessionStatus::Rescheduled).text.as_str().contains("a new time"));
        assert!(week_open(SessionStatus::Cancelled).text.as_str().contains("no session this week"));
        assert_eq!(week_open(SessionStatus::Scheduled).subject.as_str(), "Kererū 2026: week 10 is open");
    }

    #[test]
    fn nothing_that_somebody_wrote_becomes_html() {
        let letter = marked("<b>\"Anna\"</b>", "<script>alert('x')</script>\nR&D");
        let html = letter.html.as_str();
        assert!(!html.contains("<b>") && !html.contains("<script>"), "{html}");
        assert!(html.contains("Hello &lt;b&gt;&quot;Anna&quot;&lt;/b&gt;,"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;<br>R&amp;D"), "{html}");
        assert!(html.contains("href=\"https://school.example.org/?a=1&amp;b=2\""), "{html}");
        assert!(letter.text.as_str().contains("Hello <b>\"Anna\"</b>,"), "text is no HTML");
    }

    #[test]
    fn a_mark_is_told_with_its_feedback() {
        let letter = marked("Anna", "Too short.\nTry again.");
        assert!(letter.text.as_str().contains("> Too short.\n> Try again.\n"), "{:?}", letter.text.as_str());
        assert!(letter.text.as_str().contains("not passed yet"));
        assert!(!letter.subject.as_str().contains("pass"), "what it came to is for the reader alone");
    }
}
