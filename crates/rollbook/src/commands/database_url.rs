//! `rollbook database-url`: the URL of the database in use, which sees every site; or the same as a service file for PostgreSQL's own
//! programs, so that the password is on no command line.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::Path;

use rollbook_store::isolation::url_of_every_site;
use secrecy::{ExposeSecret, SecretString};
use tempfile::NamedTempFile;

use crate::cli::DatabaseUrl;
use crate::database::Database;
use crate::failure::{Done, Failure};
use crate::output;

/// Prints the URL alone, or writes the file.
pub fn run(database: &Database, asked: &DatabaseUrl) -> Done {
    let url = SecretString::from(url_of_every_site(database.url().expose_secret()));
    match &asked.service_file {
        Some(file) => write(file, &service(&url)?)?,
        None => output::line(url.expose_secret())?,
    }
    if stdout().is_terminal() && stderr().is_terminal() && database.is_private() {
        output::say("(it answers for as long as `rollbook serve` or `rollbook demo` is running)");
    }
    Ok(())
}

/// Writes a file that its owner alone may read, in place of one that is there.
fn write(file: &Path, text: &SecretString) -> Done {
    let failed = |error: &dyn std::fmt::Display| Failure::new(format!("{} cannot be written: {error}", file.display()));
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Of mode 600.
    let mut written = NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    written.write_all(text.expose_secret().as_bytes()).map_err(|error| failed(&error))?;
    written.persist(file).map_err(|error| failed(&error.error))?;
    Ok(())
}

/// What a URL says, as PostgreSQL's programs read it under the name of a service.
fn service(url: &SecretString) -> Done<SecretString> {
    let odd = || Failure::new("the URL has what a service file cannot say");
    let url = url::Url::parse(url.expose_secret()).map_err(|_| odd())?;
    let decoded = |part: &str| -> Done<String> {
        Ok(percent_encoding::percent_decode_str(part).decode_utf8().map_err(|_| odd())?.into_owned())
    };
    let mut lines = vec![
        ("host".to_owned(), decoded(url.host_str().unwrap_or_default().trim_matches(['[', ']']))?),
        ("port".to_owned(), url.port().map(|port| port.to_string()).unwrap_or_default()),
        ("user".to_owned(), decoded(url.username())?),
        ("password".to_owned(), decoded(url.password().unwrap_or_default())?),
        ("dbname".to_owned(), decoded(url.path().trim_start_matches('/'))?),
    ];
    for (name, value) in url.query_pairs() {
        match lines.iter_mut().find(|(known, _)| *known == name) {
            Some((known, said)) if known == "options" => *said = format!("{said} {value}"),
            Some((_, said)) => *said = value.into_owned(),
            None => lines.push((name.into_owned(), value.into_owned())),
        }
    }
    let mut text = "[rollbook]\n".to_owned();
    for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        // A value is what is left of its line, without the blanks at its end.
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        if !name.bytes().all(plain) || value.chars().any(char::is_control) || value.trim() != value {
            return Err(odd());
        }
        text.extend([&*name, "=", &value, "\n"]);
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Option<String> {
        service(&url_of_every_site(url).into()).ok().map(|text| text.expose_secret().to_owned())
    }

    #[test]
    fn a_service_says_what_the_url_says() {
        let (of_url, every) =
            (of("postgres://r%C3%B6:p%40ss%3D@[::1]:5433/rollbook"), "options=-c rollbook.site=every\n");
        let said = "[rollbook]\nhost=::1\nport=5433\nuser=rö\npassword=p@ss=\ndbname=rollbook\n".to_owned() + every;
        assert_eq!(of_url, Some(said));
        let of_url = of("postgres:///rollbook?host=/run/postgresql&sslmode=verify-full&options=-c%20geqo%3Doff");
        let said = "[rollbook]\nhost=/run/postgresql\ndbname=rollbook\nsslmode=verify-full\n".to_owned();
        assert_eq!(of_url, Some(said + "options=-c geqo=off -c rollbook.site=every\n"));
    }

    #[test]
    fn what_would_begin_another_line_is_an_error() {
        for odd in ["p%0Ahost=elsewhere", "p%20", "%FF"] {
            assert_eq!(of(&format!("postgres://r:{odd}@db.example.org/rollbook")), None, "{odd}");
        }
        assert_eq!(of("postgres://r:p@db.example.org/rollbook?host%0A=a"), None);
    }
}
