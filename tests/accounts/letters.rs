//! Links by mail: asked for by whoever has forgotten their password, or by an admin; the secret is in the message and nowhere else.

use std::fs;
use std::path::Path;

use rollbook_mail::{Mailer, Settings};
use serde_json::json;
use tempfile::TempDir;

use super::{ANOTHER, PASSWORD, accepts, audit, email_of, lets_in, post, refused, signs_in};
use crate::emails::scene::{deliver, mailer};
use crate::harness::Service;
use crate::school::School;

/// What delivers into a folder.
fn into(folder: &TempDir, service: &Service) -> Mailer {
    let settings = Settings {
        resend_api_key: None,
        resend_url: None,
        smtp_url: None,
        from: None,
        directory: folder.path().to_owned(),
        public_url: Some("https://ako.example.org/".to_owned()),
    };
    mailer(service, &settings)
}

/// The letters of a folder, without the line ends that quoted-printable puts into them.
fn letters(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    files.map(|file| fs::read_to_string(file).expect("a letter").replace("=\r\n", "")).collect()
}

/// The secret of a letter's link.
fn secret(letter: &str) -> String {
    let (_, rest) = letter.split_once("https://ako.example.org/invitation#").expect("a link");
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}

async fn asks(service: &Service, email: &str) {
    let answer = post(service, "", "/v1/password-resets", json!({"email": email})).await;
    assert_eq!((answer.status, answer.text.as_str()), (202, ""), "{email}");
}

#[tokio::test]
async fn who_has_forgotten_their_password_sets_another_by_mail() {
    let school = School::open().await;
    let (service, folder) = (&school.service, tempfile::tempdir().expect("a folder"));
    let mut mailer = into(&folder, service);
    let (anna, chloe) = (school.person("Anna").await, school.person("Chloë").await);
    let before = lets_in(service, &anna).await;
    lets_in(service, &chloe).await;
    school.command("DeactivatePerson", json!({"person_id": chloe, "reason": "has left"})).await;
    let email = email_of(service, &anna).await;
    for asked in [email.as_str(), &email.to_uppercase(), "nobody@example.org", &email_of(service, &chloe).await] {
        asks(service, asked).await;
    }
    deliver(&mut mailer).await;
    let written = letters(folder.path());
    assert_eq!(written.len(), 1, "to nobody else, and once: {written:?}");
    assert!(written[0].contains(&email) && written[0].contains("Set another password"), "{}", written[0]);
    asks(service, &email).await;
    deliver(&mut mailer).await;
    assert_eq!(letters(folder.path()).len(), 1, "asked again within minutes, the first one stands");
    let secret = secret(&written[0]);
    let answer = accepts(service, &secret, ANOTHER).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(service.ask(&before, "/v1/me").await.status, 401);
    assert_eq!(signs_in(service, &email, PASSWORD).await.status, 401);
    assert_eq!(signs_in(service, &email, ANOTHER).await.status, 200);
    assert_eq!(refused(&accepts(service, &secret, PASSWORD).await), (409, "invitation_gone"));
    let said = audit(service, &anna).await;
    assert!(said.contains(&("password_set".to_owned(), "by a reset".to_owned())), "{said:?}");
    let left: i64 = sqlx::query_scalar("select count(*) from password_reset_requests")
        .fetch_one(&service.database.pool)
        .await
        .expect("a count");
    assert_eq!(left, 0, "nothing is kept of addresses that nobody has");
}

#[tokio::test]
async fn a_reset_is_good_for_an_hour_and_leaves_an_invitation_alone() {
    let school = School::open().await;
    let (service, folder) = (&school.service, tempfile::tempdir().expect("a folder"));
    let mut mailer = into(&folder, service);
    let person = school.person("Anna").await;
    let invitation = super::invited(service, &person).await;
    asks(service, &email_of(service, &person).await).await;
    deliver(&mut mailer).await;
    let reset = secret(&letters(folder.path())[0]);
    service.now("2026-02-01T01:00:00Z");
    assert_eq!(refused(&accepts(service, &reset, PASSWORD).await), (409, "invitation_gone"));
    assert_eq!(accepts(service, &invitation, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_admin_has_an_invitation_mailed_and_does_not_see_it() {
    let school = School::open().await;
    let (service, folder) = (&school.service, tempfile::tempdir().expect("a folder"));
    let mut mailer = into(&folder, service);
    let person = school.person("Anna").await;
    let path = format!("/v1/people/{person}/invitation");
    let answer = post(service, &school.admin, &path, json!({"send": true})).await;
    assert_eq!((answer.status, &answer.json), (200, &json!({"link": null, "expires_at": null})));
    deliver(&mut mailer).await;
    let written = letters(folder.path());
    assert_eq!(written.len(), 1);
    assert_eq!(accepts(service, &secret(&written[0]), PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_address_asks_for_so_many_resets_whether_anybody_has_them_or_not() {
    let school = School::open().await;
    for nth in 0..20 {
        asks(&school.service, &format!("nobody{nth}@example.org")).await;
    }
    let late = post(&school.service, "", "/v1/password-resets", json!({"email": "nobody@example.org"})).await;
    assert_eq!(refused(&late), (429, "too_many_attempts"));
    let wrong = post(&school.service, "", "/v1/password-resets", json!({"email": "no address"})).await;
    assert_eq!(refused(&wrong), (422, "invalid_fields"));
}

#[tokio::test]
async fn a_reset_that_a_stranger_asks_for_leaves_the_links_before_it_good() {
    let school = School::open().await;
    let (service, folder) = (&school.service, tempfile::tempdir().expect("a folder"));
    let mut mailer = into(&folder, service);
    let (anna, ben) = (school.person("Anna").await, school.person("Ben").await);
    let began = service.clock.now();
    for person in [&anna, &ben] {
        lets_in(service, person).await;
        let email = email_of(service, person).await;
        let mut secrets: Vec<String> = Vec::new();
        // Whoever asks every five minutes has three letters sent in the hour for which a link is good.
        for nth in 0..6 {
            service.clock.set(began + chrono::TimeDelta::minutes(5 * nth));
            asks(service, &email).await;
            deliver(&mut mailer).await;
            let known = |found: &String| !secrets.contains(found);
            let new: Vec<_> = letters(folder.path()).iter().filter(|l| l.contains(&email)).map(|l| secret(l)).collect();
            let new: Vec<_> = new.into_iter().filter(known).collect();
            assert_eq!(new.len(), usize::from(nth < 3), "{nth}");
            secrets.extend(new);
        }
        service.clock.set(began + chrono::TimeDelta::minutes(59));
        // The first or the last, whichever is used: the others are gone with it.
        let used = if *person == anna { secrets.remove(0) } else { secrets.remove(2) };
        let answer = accepts(service, &used, ANOTHER).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        for other in &secrets {
            assert_eq!(refused(&accepts(service, other, PASSWORD).await), (409, "invitation_gone"));
        }
    }
    // When the first has run out there is room for another.
    let email = email_of(service, &ben).await;
    for minutes in [120, 125, 130, 181] {
        service.clock.set(began + chrono::TimeDelta::minutes(minutes));
        asks(service, &email).await;
        deliver(&mut mailer).await;
    }
    let mut good = letters(folder.path());
    good.retain(|letter| letter.contains(&email));
    assert_eq!(good.len(), 3, "the one that has run out is gone, and there is another");
}

#[tokio::test]
async fn a_file_with_a_link_goes_when_the_link_is_used_or_has_run_out_and_no_other_does() {
    let school = School::open().await;
    let (service, folder) = (&school.service, tempfile::tempdir().expect("a folder"));
    let mut mailer = into(&folder, service);
    let (anna, ben) = (school.person("Anna").await, school.person("Ben").await);
    let another = folder.path().join("00000000-0000-0000-0000-000000000007.eml");
    fs::write(&another, "of another installation").expect("a file");
    let kept = || letters(folder.path()).iter().filter(|letter| letter.contains("/invitation#")).count();
    for person in [&anna, &ben] {
        asks(service, &email_of(service, person).await).await;
    }
    deliver(&mut mailer).await;
    assert_eq!(kept(), 2, "good links stay");
    let to_anna = email_of(service, &anna).await;
    let hers = letters(folder.path()).iter().find(|letter| letter.contains(&to_anna)).map(|letter| secret(letter));
    assert_eq!(accepts(service, &hers.expect("a letter"), PASSWORD).await.status, 200);
    deliver(&mut mailer).await;
    assert_eq!(kept(), 1, "what was used is gone");
    assert!(letters(folder.path()).iter().all(|letter| !letter.contains(&to_anna)));
    service.now("2026-02-01T01:00:00Z");
    deliver(&mut mailer).await;
    assert_eq!(kept(), 0, "what has run out is gone");
    assert!(another.exists());
    // Somebody else has taken a file away before: nothing to do.
    asks(service, &to_anna).await;
    deliver(&mut mailer).await;
    assert_eq!(kept(), 1);
    for file in fs::read_dir(folder.path()).expect("a folder").map(|file| file.expect("a file").path()) {
        fs::remove_file(file).expect("a file");
    }
    service.now("2026-02-01T03:00:00Z");
    deliver(&mut mailer).await;
    let left: i64 = sqlx::query_scalar("select count(*) from letter_files")
        .fetch_one(&service.database.pool)
        .await
        .expect("a count");
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_letter_with_a_link_that_nobody_has_written_down_goes_when_it_is_older_than_any_link() {
    let school = School::open().await;
    let (service, folder) = (&school.service, tempfile::tempdir().expect("a folder"));
    let days = |days: u64| std::time::SystemTime::now() - std::time::Duration::from_hours(24 * days);
    let letter = |subject: &str| format!("From: school@example.org\r\nSubject: {subject}\r\n\r\n/invitation#secret");
    let names: Vec<_> = (1..=8).map(|number| format!("00000000-0000-0000-0000-00000000000{number}.eml")).collect();
    let part = format!("{}.part", names[7]);
    for (name, subject, age) in [
        (&*names[0], "Set another password", 91),
        (&names[1], "Your account", 91),
        (&part, "Your account", 91),
        (&names[2], "Set another password", 89),
        // What is no letter with a link, and what no letter is called.
        (&names[3], "Week 3 is open", 91),
        (&names[4], "Your account was mentioned", 91),
        ("notes.eml", "Your account", 91),
        ("{00000000-0000-0000-0000-000000000009}.eml", "Your account", 91),
        ("00000000-0000-0000-0000-000000000009.txt", "Your account", 91),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, letter(subject)).expect("a file");
        let file = fs::File::options().write(true).open(&path).expect("the file");
        file.set_modified(days(age)).expect("its age");
    }
    fs::create_dir(folder.path().join(&names[6])).expect("a folder");
    let mut mailer = into(&folder, service);
    deliver(&mut mailer).await;
    let there = |name: &str| folder.path().join(name).exists();
    for gone in [&names[0], &names[1], &part] {
        assert!(!there(gone), "{gone}");
    }
    let mut left: Vec<_> = names[2..5].iter().chain([&names[6]]).map(String::as_str).collect();
    left.extend([
        "notes.eml",
        "{00000000-0000-0000-0000-000000000009}.eml",
        "00000000-0000-0000-0000-000000000009.txt",
    ]);
    for stays in left {
        assert!(there(stays), "{stays}");
    }
}
