//! What letters about accounts say: a link to set a password by, and what has happened. Of these, the latter hold nothing secret, and
//! their only link is to the page to sign in.

use chrono::{DateTime, Utc};
use rollbook_domain::account::InvitationPurpose;
use rollbook_domain::{Authority, MessageId, Personal};
use rollbook_projections::models::account_notices::NoticeKind;

use super::{Part, html, text};
use crate::letter::{Letter, one_line};

/// A link by which somebody sets a password.
#[derive(Clone, Debug)]
pub struct Access {
    pub message_id: MessageId,
    /// To whom, as they write it.
    pub name: Personal<String>,
    pub email: Personal<String>,
    pub purpose: InvitationPurpose,
    /// The page with the secret after it, or, where nobody has said where the page is, the secret alone.
    pub link: Personal<String>,
    pub hours: i64,
}

/// The subjects of such letters, which no other letter has.
pub const WITH_A_LINK: [&str; 2] = ["Your account", "Set another password"];

/// Writes a message with a link to sign in by.
pub fn write_access(access: &Access) -> Letter {
    let [invitation, reset] = WITH_A_LINK;
    let (subject, why) = match access.purpose {
        InvitationPurpose::Invitation => (invitation, "You are invited to sign in. Set your password here:"),
        InvitationPurpose::Reset => (reset, "Somebody has said that you forgot your password. Set another one here:"),
    };
    let good = match access.hours {
        1 => "an hour".to_owned(),
        hours if hours > 48 => format!("{} days", hours / 24),
        hours => format!("{hours} hours"),
    };
    let mut parts =
        vec![Part::Paragraph(format!("Hello {},", one_line(access.name.as_str()))), Part::Paragraph(why.to_owned())];
    if access.link.as_str().starts_with("http") {
        parts.push(Part::Link(access.link.as_str().to_owned()));
    } else {
        parts.push(Part::Paragraph("the page /invitation of the service, with this code:".to_owned()));
        parts.push(Part::Paragraph(access.link.as_str().to_owned()));
    }
    let once = format!("It is good for {good}, and once. Whoever has it can act as you: do not hand it on.");
    parts.push(Part::Paragraph(once));
    if access.purpose == InvitationPurpose::Reset {
        parts.push(Part::Paragraph("If it was not you, nothing has changed, and nothing needs to be done.".to_owned()));
    }
    Letter {
        message_id: access.message_id,
        name: access.name.clone(),
        email: access.email.clone(),
        html: html(subject, &parts).into(),
        text: text(&parts).into(),
        subject: subject.into(),
    }
}

/// Something that has happened to an account.
#[derive(Clone, Debug)]
pub struct Notice {
    pub message_id: MessageId,
    /// To whom, as they write it.
    pub name: Personal<String>,
    pub email: Personal<String>,
    pub kind: NoticeKind,
    /// Which role, system or key; how.
    pub detail: Option<Personal<String>>,
    /// Whether it goes to an address that another one has replaced.
    pub to_former: bool,
    pub by_themselves: bool,
    /// Who did it, where they are somebody of the site.
    pub by: Option<Personal<String>>,
    pub authority: Option<Authority>,
    pub happened_at: DateTime<Utc>,
    /// Whether it is the last of its kind for a day.
    pub last_today: bool,
}

/// Writes a letter about an account; `page` is the school's own.
pub fn write_notice(notice: &Notice, page: Option<&str>) -> Letter {
    let (subject, what) = happened(notice);
    let (by, at) = (by(notice), notice.happened_at.format("%A, %-d %B %Y at %H:%M UTC"));
    let mut parts = vec![
        Part::Paragraph(format!("Hello {},", one_line(notice.name.as_str()))),
        Part::Paragraph(format!("{what}{by}, on {at}.")),
        Part::Paragraph("If you know of this, there is nothing to do.".to_owned()),
        Part::Paragraph(what_to_do(notice)),
    ];
    // Whoever has only the former address cannot sign in by it.
    if !notice.to_former {
        parts.extend(page.map(|page| Part::Link(format!("{}/sign-in", page.trim_end_matches('/')))));
    }
    if notice.last_today {
        let last = "You get no more letters of this kind for a day, whatever happens.";
        parts.push(Part::Paragraph(last.to_owned()));
    }
    Letter {
        message_id: notice.message_id,
        name: notice.name.clone(),
        email: notice.email.clone(),
        html: html(subject, &parts).into(),
        text: text(&parts).into(),
        subject: subject.into(),
    }
}

/// The subject, and the sentence that says what happened, up to who did it.
fn happened(notice: &Notice) -> (&'static str, String) {
    let detail = notice.detail.as_ref().map(|detail| one_line(detail.as_str())).unwrap_or_default();
    match notice.kind {
        NoticeKind::PasswordSet => {
            let how = match detail.as_str() {
                "invitation" => " with the link of an invitation",
                "reset" => " with a link that was mailed for a forgotten password",
                _ => ", with the one before",
            };
            ("Your password was set", format!("The password of your account was set{how}"))
        }
        NoticeKind::AddressChanged if notice.to_former => {
            let what = "This address belonged to your account; another one has taken its place";
            ("Your address was changed", what.to_owned())
        }
        NoticeKind::AddressChanged => {
            ("Your address was changed", "The address of your account is this one now; it was changed".to_owned())
        }
        NoticeKind::ApiKeyCreated => (
            "An API key was made for you",
            format!("A key by which programs can act as you was made, with the name \u{201c}{detail}\u{201d}"),
        ),
        NoticeKind::ApiKeyRevoked => {
            ("An API key of yours was ended", "A key by which programs acted as you was ended".to_owned())
        }
        NoticeKind::IdentityLinked => (
            "Another way to sign in was added",
            format!("Whoever signs in as you at {detail} is let in as you from now on; this was set up"),
        ),
        NoticeKind::IdentityUnlinked => {
            ("A way to sign in was removed", format!("You are let in by {detail} no more; this was set up"))
        }
        NoticeKind::SecondFactorAdded => (
            "A second factor was added",
            format!("{} asked for beside your password from now on; it was added", one(&detail)),
        ),
        NoticeKind::SecondFactorRemoved => (
            "A second factor was removed",
            format!("{} asked for beside your password no more; it was removed", one(&detail)),
        ),
        NoticeKind::RoleGranted => ("You were given a role", format!("You were given the role {detail}")),
        NoticeKind::RoleRevoked => {
            ("A role of yours was taken away", format!("The role {detail} was taken away from you"))
        }
        NoticeKind::AccessEnded => {
            ("Your access was ended", "Every way by which you could sign in was ended".to_owned())
        }
        NoticeKind::NewDevice => {
            let how = match detail.as_str() {
                "password" => "your password",
                "discord" => "Discord",
                _ => "another system",
            };
            let what =
                format!("Your account was signed in to with {how}, on a device that had not been used for it before");
            ("You signed in on a new device", what)
        }
        NoticeKind::SignInsFailed => {
            let what = "Somebody has tried many times to sign in as you, and was not let in; the last time";
            ("Many attempts to sign in as you have failed", what.to_owned())
        }
    }
}

/// A second factor, as the subject of a sentence.
fn one(kind: &str) -> &'static str {
    if kind == "passkey" { "A passkey is" } else { "A code of an app is" }
}

/// Who did it; nothing where the sentence says so already, or nobody knows.
fn by(notice: &Notice) -> String {
    match (notice.kind, &notice.by, notice.authority) {
        (NoticeKind::SignInsFailed, _, _) => String::new(),
        _ if notice.by_themselves => " by you, or by somebody who was signed in as you".to_owned(),
        (_, Some(name), _) => format!(" by {}", one_line(name.as_str())),
        (_, None, Some(Authority::SuperAdmin)) => " by a super admin of the installation".to_owned(),
        (_, None, _) => " by the installation".to_owned(),
    }
}

/// What to do for whoever does not know of it.
fn what_to_do(notice: &Notice) -> String {
    if notice.to_former {
        return "If you do not know of it, tell an admin of your school at once: whoever has the new address can ask for a new \
            password."
            .to_owned();
    }
    match notice.kind {
        NoticeKind::SignInsFailed => "If it was not you, somebody may be guessing your password. Where it is long and you use \
            it nowhere else, nothing needs to be done; otherwise set another one."
            .to_owned(),
        NoticeKind::RoleRevoked | NoticeKind::AccessEnded | NoticeKind::RoleGranted => {
            "If it comes as a surprise, ask an admin of your school.".to_owned()
        }
        NoticeKind::PasswordSet
        | NoticeKind::AddressChanged
        | NoticeKind::ApiKeyCreated
        | NoticeKind::ApiKeyRevoked
        | NoticeKind::IdentityLinked
        | NoticeKind::IdentityUnlinked
        | NoticeKind::SecondFactorAdded
        | NoticeKind::SecondFactorRemoved
        | NoticeKind::NewDevice => "If it was not you, set another password at once, with \u{201c}I have forgotten my \
            password\u{201d} on the page to sign in: that ends everything by which anybody is signed in as you. Then tell an \
            admin of your school."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn notice(kind: NoticeKind, detail: &str) -> Notice {
        Notice {
            message_id: MessageId(Uuid::nil()),
            name: "Anna".into(),
            email: "anna@example.org".into(),
            kind,
            detail: Some(detail.into()),
            to_former: false,
            by_themselves: false,
            by: Some("Ben Ho".into()),
            authority: Some(Authority::Admin),
            happened_at: DateTime::UNIX_EPOCH,
            last_today: false,
        }
    }

    fn said(notice: &Notice) -> String {
        write_notice(notice, Some("https://school.example.org/")).text.into_inner()
    }

    #[test]
    fn a_letter_says_what_and_who_and_when_and_leads_to_the_page_to_sign_in() {
        let text = said(&notice(NoticeKind::RoleGranted, "admin"));
        let what = "You were given the role admin by Ben Ho, on Thursday, 1 January 1970 at 00:00 UTC.";
        assert!(text.contains(what) && text.contains("https://school.example.org/sign-in\n"), "{text}");
        let text = said(&Notice { by_themselves: true, ..notice(NoticeKind::PasswordSet, "change") });
        assert!(text.contains("with the one before by you, or by somebody who was signed in as you, on"), "{text}");
        let installation =
            Notice { by: None, authority: Some(Authority::System), ..notice(NoticeKind::RoleRevoked, "owner") };
        assert!(said(&installation).contains("by the installation, on"));
        let guest = Notice { authority: Some(Authority::SuperAdmin), ..installation };
        assert!(said(&guest).contains("by a super admin of the installation, on"));
        let failed = said(&Notice { by: None, ..notice(NoticeKind::SignInsFailed, "") });
        assert!(failed.contains("the last time, on Thursday") && !failed.contains("installation"), "{failed}");
    }

    #[test]
    fn whoever_has_the_former_address_is_sent_to_an_admin_and_nowhere_else() {
        let text = said(&Notice { to_former: true, ..notice(NoticeKind::AddressChanged, "") });
        assert!(text.contains("tell an admin of your school at once") && !text.contains("http"), "{text}");
    }

    #[test]
    fn a_key_of_any_name_makes_no_html_and_no_line() {
        let letter = write_notice(&notice(NoticeKind::ApiKeyCreated, "<a href=\"https://evil\">\nx"), None);
        let html = letter.html.as_str();
        assert!(!html.contains("<a ") && html.contains("&lt;a href="), "{html}");
    }

    #[test]
    fn the_last_letter_of_a_day_says_so() {
        let last = Notice { last_today: true, ..notice(NoticeKind::NewDevice, "password") };
        assert!(said(&last).contains("no more letters of this kind for a day"));
        assert!(!said(&notice(NoticeKind::NewDevice, "password")).contains("no more letters"));
    }
}
