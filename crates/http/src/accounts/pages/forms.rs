//! The forms of the pages. Whatever somebody has typed is escaped by the template, and no password is ever put back into a form.

use maud::{Markup, html};
use secrecy::{ExposeSecret, SecretString};

use crate::accounts::password;

/// What went wrong, where a screen reader says it at once.
pub fn problem(why: Option<&str>) -> Markup {
    html! { @if let Some(why) = why { p.problem role="alert" { (why) } } }
}

/// To sign in, with a password or by another system.
pub fn sign_in<'p>(
    email: &str,
    next: &str,
    why: Option<&str>,
    providers: impl Iterator<Item = (&'p str, &'p str)>,
) -> Markup {
    html! {
        (problem(why))
        form method="post" action="/sign-in" {
            input type="hidden" name="next" value=(next);
            label for="email" { "Email address" }
            input id="email" name="email" type="email" autocomplete="username" required value=(email);
            label for="password" { "Password" }
            input id="password" name="password" type="password" autocomplete="current-password" required;
            button type="submit" { "Sign in" }
        }
        p { a href="/password-reset" { "I have forgotten my password" } }
        @for (id, name) in providers {
            p { a.provider href={ "/v1/sign-in/" (id) "?next=" (form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>()) } { "Sign in with " (name) } }
        }
    }
}

/// Why another system's word was not enough.
pub fn again(why: &str) -> Markup {
    html! {
        (problem(Some(why)))
        p { a href="/sign-in" { "Back to signing in" } }
    }
}

/// For whoever has signed in, perhaps without a second factor that they must have.
pub fn signed_in(name: &str, must_set_up: bool) -> Markup {
    html! {
        p { "You have signed in as " strong { (name) } "." }
        @if must_set_up { p { "You must have a second factor here. Until you have set one up, nothing else is open to you." } }
        p { a href="/second-factors" { "Second factors" } }
        form method="post" action="/sign-out" { button type="submit" { "Sign out" } }
    }
}

/// To set a password by a link.
pub fn invitation(why: Option<&str>) -> Markup {
    html! {
        (problem(why))
        form method="post" action="/invitation" {
            label for="secret" { "Your link, or the code at its end" }
            input id="secret" name="secret" type="text" autocomplete="off" spellcheck="false" required;
            label for="password" { "The password that you choose" }
            input id="password" name="password" type="password" autocomplete="new-password" required
                minlength=(password::MIN) maxlength=(password::MAX) aria-describedby="rule";
            p.note id="rule" { "At least " (password::MIN) " characters, spaces among them: take four words that have nothing to do with each other." }
            button type="submit" { "Set the password and sign in" }
        }
        script src="/invitation.js" defer {}
    }
}

/// To ask for another password.
pub fn password_reset(why: Option<&str>) -> Markup {
    html! {
        (problem(why))
        form method="post" action="/password-reset" {
            label for="email" { "Email address" }
            input id="email" name="email" type="email" autocomplete="username" required;
            button type="submit" { "Mail me a link" }
        }
        p { a href="/sign-in" { "Back to signing in" } }
    }
}

/// What everybody is told who has asked.
pub fn reset_asked() -> Markup {
    html! {
        p role="status" { "If somebody is registered under this address, a link is on its way to it. It is good for an hour." }
        p { a href="/sign-in" { "Back to signing in" } }
    }
}

/// The secret of a link that was pasted whole, or the secret itself.
pub fn pasted(text: &SecretString) -> SecretString {
    let text = text.expose_secret().trim();
    text.rsplit_once('#').map_or(text, |(_, secret)| secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_escaped_and_a_password_is_not_put_back() {
        let form = sign_in("\"><script>", "/docs", Some("no <b>"), [("ako", "Ako & Co")].into_iter()).into_string();
        assert!(!form.contains("<script>") && !form.contains("<b>"), "{form}");
        assert!(form.contains("href=\"/v1/sign-in/ako?next=%2Fdocs\"") && form.contains("Ako &amp; Co"), "{form}");
        assert_eq!(form.matches("type=\"password\"").count(), 1);
        assert!(!form.contains("type=\"password\" value"), "{form}");
    }

    #[test]
    fn a_link_is_pasted_whole_or_its_code_alone() {
        for text in ["abc", " abc ", "https://a.example/invitation#abc", "#abc"] {
            assert_eq!(pasted(&text.into()).expose_secret(), "abc");
        }
    }
}
