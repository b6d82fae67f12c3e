//! The pages without any script: set up by forms, shown by a form, removed by a form.

use reqwest::Method;
use serde_json::json;

use super::App;
use crate::accounts::pages::{OWN, sends};
use crate::accounts::{PASSWORD, cookie, email_of, lets_in};
use crate::harness::{Answer, Service, answer};
use crate::school::School;

/// A page, as a browser with cookies and without scripts sends for it.
async fn opens(service: &Service, path: &str, cookies: &str) -> Answer {
    answer(service.request(Method::GET, "", path).header("cookie", cookies)).await
}

/// A form, sent with cookies.
async fn fills_in(service: &Service, path: &str, form: &[(&str, &str)], cookies: &str) -> Answer {
    let headers = [OWN, &[("cookie", cookies)]].concat();
    sends(service, path, form, &headers).await
}

/// What stands in a page between two texts.
fn between<'p>(page: &'p str, before: &str, after: &str) -> &'p str {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}"));
    rest.split_once(after).expect("an end").0
}

fn location(answer: &Answer) -> &str {
    answer.headers["location"].to_str().expect("text")
}

fn session(answer: &Answer) -> String {
    format!("__Host-rollbook={}", cookie(answer, "__Host-rollbook").expect("a session"))
}

#[tokio::test]
async fn a_second_factor_is_set_up_shown_and_removed_without_scripts() {
    let school = School::open().await;
    let service = &school.service.without_redirects();
    let person = school.person("Anahera <Ngata>").await;
    lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    let form = [("email", email.as_str()), ("password", PASSWORD), ("next", "/docs")];
    let signed_in = sends(service, "/sign-in", &form, OWN).await;
    assert_eq!((signed_in.status, location(&signed_in)), (303, "/docs"));
    let cookies = session(&signed_in);

    let page = opens(service, "/second-factors", &cookies).await;
    assert!(page.status == 200 && page.text.contains("Set up an app"), "{}", page.text);
    let wrong = fills_in(service, "/second-factors/app", &[("password", "not this one")], &cookies).await;
    assert_eq!(wrong.status, 403);
    assert!(wrong.text.contains("role=\"alert\"") && !wrong.text.contains("not this one"), "{}", wrong.text);
    let begun = fills_in(service, "/second-factors/app", &[("password", PASSWORD)], &cookies).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    assert!(begun.text.contains("href=\"otpauth://totp/Rollbook:"), "{}", begun.text);
    let shown = json!({
        "factor_id": between(&begun.text, "name=\"factor_id\" value=\"", "\""),
        "secret": between(&begun.text, "<code>", "</code>"),
    });
    let app = App::of(&shown);
    let confirm = |code: String| {
        let (factor, cookies) = (app.factor_id.clone(), cookies.clone());
        async move {
            let form = [("factor_id", factor.as_str()), ("code", code.as_str())];
            fills_in(service, "/second-factors/app/confirm", &form, &cookies).await
        }
    };
    let wrong = confirm(app.wrong(service)).await;
    assert!(wrong.status == 403 && wrong.text.contains(&app.factor_id), "{}", wrong.text);
    let done = confirm(app.code(service, -1)).await;
    assert_eq!((done.status, done.text.matches("<li>").count()), (200, 10), "{}", done.text);
    let recovery = between(&done.text, "<li><code>", "</code>").to_owned();

    let asked = sends(service, "/sign-in", &form, OWN).await;
    assert_eq!((asked.status, location(&asked)), (303, "/second-factor?next=%2Fdocs"));
    assert!(cookie(&asked, "__Host-rollbook").is_none());
    let half = format!("__Host-rollbook-half={}", cookie(&asked, "__Host-rollbook-half").expect("a half"));
    let page = opens(service, "/second-factor?next=/docs", &half).await;
    assert!(page.status == 200 && page.text.contains("value=\"/docs\""), "{}", page.text);
    let code = app.wrong(service);
    let wrong = fills_in(service, "/second-factor", &[("code", code.as_str()), ("next", "/docs")], &half).await;
    assert!(wrong.status == 401 && wrong.text.contains("role=\"alert\""), "{}", wrong.text);
    assert!(!wrong.text.contains(&code), "{}", wrong.text);
    let code = app.code(service, 0);
    let shown = fills_in(service, "/second-factor", &[("code", code.as_str()), ("next", "/docs")], &half).await;
    assert_eq!((shown.status, location(&shown)), (303, "/docs"));
    let cookies = session(&shown);
    let page = opens(service, "/sign-in", &cookies).await;
    assert!(page.text.contains("You have signed in as <strong>Anahera &lt;Ngata&gt;</strong>"), "{}", page.text);

    let remove = [("factor_id", app.factor_id.as_str()), ("password", ""), ("code", recovery.as_str())];
    let removed = fills_in(service, "/second-factors/removal", &remove, &cookies).await;
    assert_eq!((removed.status, location(&removed)), (303, "/second-factors"), "{}", removed.text);
    let again = sends(service, "/sign-in", &form, OWN).await;
    assert_eq!(location(&again), "/docs");
}

#[tokio::test]
async fn whoever_must_set_one_up_is_sent_there() {
    let school = School::open().await;
    let service = &school.service.without_redirects();
    let person = school.person("Hemi").await;
    school.command("GrantRole", json!({"person_id": person, "role": "admin"})).await;
    lets_in(service, &person).await;
    let setting = json!({"setting": {"name": "second_factor", "value": "owners_and_admins"}});
    school.command("SetSiteSetting", setting).await;
    let email = email_of(service, &person).await;
    let form = [("email", email.as_str()), ("password", PASSWORD), ("next", "/docs")];
    let signed_in = sends(service, "/sign-in", &form, OWN).await;
    assert_eq!((signed_in.status, location(&signed_in)), (303, "/second-factors"));
    let cookies = session(&signed_in);
    for path in ["/second-factors", "/sign-in"] {
        let page = opens(service, path, &cookies).await;
        assert!(page.status == 200 && page.text.contains("nothing else is open"), "{}", page.text);
    }
    let out = fills_in(service, "/sign-out", &[], &cookies).await;
    assert_eq!(out.status, 303, "and may go: {}", out.text);
    assert_eq!(location(&opens(service, "/second-factors", &cookies).await), "/sign-in?next=/second-factors");
}

#[tokio::test]
async fn no_other_sites_page_shows_or_sets_up_anything() {
    let school = School::open().await;
    let service = &school.service;
    let session = lets_in(service, &school.person("Anahera").await).await;
    let cookies = format!("__Host-rollbook={session}; __Host-rollbook-half=made-up");
    for path in ["/second-factor", "/second-factors/app", "/second-factors/app/confirm", "/second-factors/removal"] {
        let form = [("password", PASSWORD), ("code", "123456")];
        let headers = [("sec-fetch-site", "cross-site"), ("cookie", cookies.as_str())];
        let refused = sends(service, path, &form, &headers).await;
        assert_eq!((refused.status, refused.json["code"].as_str()), (403, Some("cross_site")), "{path}");
    }
}
