//! A message as it is sent: RFC 5322 with a stable id. No text of anybody's becomes a header of its own: whatever would end a
//! line is taken out of names and subjects, and lettre encodes the rest.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use lettre::Message;
use lettre::message::{Mailbox, MultiPart};
use rollbook_domain::{MessageId, Personal};
use serde::{Deserialize, Serialize};

/// A message, written.
#[derive(Clone, Debug)]
pub struct Letter {
    pub message_id: MessageId,
    /// The student, as they write it.
    pub name: Personal<String>,
    pub email: Personal<String>,
    pub subject: Personal<String>,
    pub text: Personal<String>,
    pub html: Personal<String>,
}

/// A message in the form of RFC 5322, with its envelope.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Eml {
    pub message_id: MessageId,
    pub from: String,
    pub to: Personal<String>,
    pub source: Personal<String>,
}

/// On one line: whatever ends a line, or is no character to be read, is a space.
pub fn one_line(text: &str) -> String {
    let ends_it = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.split(ends_it).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Letter {
    /// The message from somebody, at an instant; or why it cannot be written.
    pub fn eml(&self, from: &Mailbox, at: DateTime<Utc>) -> Result<Eml, String> {
        let address = self.email.as_str().parse().map_err(|_| "the address is none that a message can go to")?;
        let to = Mailbox::new(Some(one_line(self.name.as_str())), address);
        let bodies = MultiPart::alternative_plain_html(self.text.as_str().to_owned(), self.html.as_str().to_owned());
        let message = Message::builder()
            .from(from.clone())
            .to(to)
            .subject(one_line(self.subject.as_str()))
            .date(SystemTime::from(at))
            .message_id(Some(format!("<{}@{}>", self.message_id, from.email.domain())))
            .multipart(bodies)
            .map_err(|_| "the message cannot be written")?;
        let source = String::from_utf8(message.formatted()).map_err(|_| "the message cannot be written")?;
        Ok(Eml {
            message_id: self.message_id,
            from: from.email.to_string(),
            to: self.email.clone(),
            source: source.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn eml(name: &str, subject: &str) -> String {
        let letter = Letter {
            message_id: MessageId(Uuid::from_u128(7)),
            name: name.into(),
            email: "anna@example.org".into(),
            subject: subject.into(),
            text: "Kia ora".into(),
            html: "<p>Kia ora</p>".into(),
        };
        let from = "Our school <school@example.org>".parse().unwrap();
        letter.eml(&from, DateTime::UNIX_EPOCH).unwrap().source.into_inner()
    }

    /// The names of all header lines, before the bodies.
    fn headers(source: &str) -> Vec<&str> {
        let (head, _) = source.split_once("\r\n\r\n").unwrap();
        let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        let mut names: Vec<_> = lines.map(|line| line.split_once(':').unwrap().0).collect();
        names.sort_unstable();
        names
    }

    const HEADERS: [&str; 7] = ["Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"];

    #[test]
    fn the_id_is_the_messages_own() {
        let source = eml("Anna Ho", "Week 3 is open");
        assert_eq!(headers(&source), HEADERS);
        assert!(source.contains("Message-ID: <00000000-0000-0000-0000-000000000007@example.org>\r\n"), "{source}");
        assert!(source.contains("Date: Thu, 01 Jan 1970 00:00:00"), "{source}");
    }

    #[test]
    fn no_name_and_no_subject_makes_a_header() {
        for name in
            ["Anna\r\nBcc: eve@example.org", "Anna\nBcc: eve@example.org", "Anna\r\n\r\nGo away", "A\u{2028}Bcc: e"]
        {
            let source = eml(name, name);
            assert_eq!(headers(&source), HEADERS, "{source}");
        }
    }

    #[test]
    fn quotes_and_other_scripts_are_encoded() {
        let source = eml("\"Zoë\" <b> O'Neil, 陈", "Woche 3 – Übung");
        let (head, _) = source.split_once("\r\n\r\n").unwrap();
        assert!(source.is_ascii() && head.contains("=?utf-8?"), "{source}");
        assert_eq!(headers(&source), HEADERS);
        assert_eq!(head.matches("anna@example.org").count(), 1, "{head}");
    }
}
