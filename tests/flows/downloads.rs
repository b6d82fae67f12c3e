//! What is downloaded has a name that says what it is and whose, and nothing secret.

use reqwest::Method;

use crate::harness::answer;
use crate::school::School;

#[tokio::test]
async fn a_download_has_a_name_and_a_secret_address_does_not_give_it() {
    let school = School::open().await;
    school.students(2).await;
    let (service, cohort) = (&school.service, &school.cohort);
    let link = answer(service.request(Method::POST, &school.owner, "/v1/me/calendar-link")).await;
    let link = link.json["path"].as_str().expect("a path").to_owned();
    for (path, accept, token, name) in [
        (format!("/v1/cohorts/{cohort}/roster"), "text/csv", &*school.owner, "default-roster.csv"),
        (format!("/v1/cohorts/{cohort}/roster?limit=1"), "text/csv", &school.owner, "default-roster.csv"),
        ("/v1/audit".to_owned(), "application/x-ndjson", &school.owner, "default-audit.ndjson"),
        ("/v1/audit".to_owned(), "text/csv", &school.owner, "default-audit.csv"),
        (format!("/v1/cohorts/{cohort}/calendar.ics"), "*/*", &school.owner, "default-calendar.ics"),
        (link, "*/*", "", "default-calendar.ics"),
    ] {
        let had = answer(service.request(Method::GET, token, &path).header("accept", accept)).await;
        assert_eq!(had.status, 200, "{path}: {}", had.text);
        let disposition = had.headers.get("content-disposition").map(|value| value.to_str().expect("text"));
        assert_eq!(disposition, Some(&*format!("attachment; filename=\"{name}\"")), "{path}");
        assert_eq!(had.headers["cache-control"], "no-store", "{path}");
    }
    let page = service.ask(&school.owner, &format!("/v1/cohorts/{cohort}/roster")).await;
    assert!(!page.headers.contains_key("content-disposition"), "JSON is read where it is asked for");
}
