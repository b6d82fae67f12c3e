//! Sites from the command line, and several processes that begin at once on one database.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::binary::program::Home;
use crate::harness::{Database, answer, client, eventually};

const OWNER: &str = "owner@example.org";

/// Long enough for a moment, however busy the machine is.
const A_MOMENT: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_opened_from_the_command_line_and_answers_in_the_service_that_runs() {
    let home = Home::new();
    let mut service = home.serve(OWNER);
    let url = service.listens();
    let opening = ["sites", "open", "north", "--name", "Te Kura", "--owner-email", "hemi@example.org"];
    let opened = home.out(&[&opening[..], &["--owner-name", "Hēmi", "--host", "North.localhost"]].concat());
    assert!(opened.contains("north answers on north.localhost (everyone)"), "{opened}");
    let again = home.run(&opening).failed();
    assert!(again.contains("another site has the slug north"), "{again}");
    let listed = home.out(&["sites", "list"]);
    assert!(listed.contains("default") && listed.contains("Te Kura") && listed.contains("north.localhost"), "{listed}");

    let token = home.out(&["token", "--email", "hemi@example.org", "--site", "north"]);
    let me = async |host: &str| {
        let request = client().get(format!("{url}/v1/me")).bearer_auth(token.trim()).header("host", host);
        answer(request).await
    };
    let comes_to = async |status| {
        let answers = async || (me("north.localhost").await.status == status).then_some(());
        eventually(A_MOMENT, "the service has heard of it", answers).await;
    };
    comes_to(200).await;
    assert_eq!(me("north.localhost").await.json["name"], "Hēmi");
    assert_eq!(me("127.0.0.1").await.status, 401, "a token of one site is none of another");

    let refused = home.run(&["token", "--email", "hemi@example.org"]).failed();
    assert!(refused.contains("nobody here has the address"), "{refused}");
    let refused = home.run(&["events", "--site", "south"]).failed();
    assert!(refused.contains("there is no site south"), "{refused}");
    let events = home.out(&["events", "--site", "north"]);
    assert!(events.contains("hemi@example.org") && !events.contains(OWNER), "{events}");
    let events = home.out(&["events"]);
    assert!(events.contains("SiteOpened") && !events.contains("PersonRegistered  {\"email\":\"hemi"), "{events}");
    for (site, owner, others) in [("north", "hemi@example.org", OWNER), ("default", OWNER, "hemi@example.org")] {
        let exported = home.out(&["export", "events", "--format", "ndjson", "--site", site]);
        let registered: Vec<_> = exported.lines().filter(|line| line.contains("PersonRegistered")).collect();
        assert!(registered.len() == 1 && registered[0].contains(owner), "{exported}");
        assert!(!registered[0].contains(others), "{exported}");
    }
    assert_eq!(home.run(&["sites", "hosts", "north"]).code, Some(2), "no host is said so");
    let nowhere = home.out(&["sites", "hosts", "north", "--none"]);
    assert_eq!(nowhere.trim(), "north answers on no host");
    comes_to(404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_begin_at_once_migrate_once_and_make_each_owner_once() {
    let (home, database) = (Home::new(), Database::empty().await);
    let start = || {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("DATABASE_URL", &database.url).env("ROLLBOOK_OWNER_EMAIL", OWNER);
        command.env("ROLLBOOK_SUPER_ADMINS", "Root@example.org,owner@example.org");
        home.start(&mut command)
    };
    let mut processes: Vec<_> = (0..3).map(|_| start()).collect();
    for process in &mut processes {
        let url = process.listens();
        assert_eq!(answer(client().get(format!("{url}/readyz"))).await.status, 200);
    }
    let sql = "select count(*), count(distinct version), count(*) filter (where success) from _sqlx_migrations";
    let (applied, versions, done): (i64, i64, i64) =
        sqlx::query_as(sql).fetch_one(&database.pool).await.expect("the migrations");
    assert!(applied > 5 && applied == versions && versions == done, "{applied} {versions} {done}");
    let types: Vec<String> = sqlx::query_scalar("select event_type from events order by position")
        .fetch_all(&database.pool)
        .await
        .expect("events");
    let count = |name: &str| types.iter().filter(|event| *event == name).count();
    assert_eq!((count("PersonRegistered"), count("RoleGranted"), types.len()), (2, 2, 4), "{types:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_whom_the_configuration_names_no_more_are_owners_like_any_other() {
    let (home, database) = (Home::new(), Database::empty().await);
    let url = database.url.clone();
    let serve = |super_admins: &str| {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("DATABASE_URL", &url).env("ROLLBOOK_SUPER_ADMINS", super_admins);
        home.start(&mut command)
    };
    let token = |email: &str| {
        let mut command = home.command(&["token", "--email", email]);
        home.start(command.env("DATABASE_URL", &url)).finish().done().out.trim().to_owned()
    };
    let mut both = serve("boss@example.org,fired@example.org");
    let address = both.listens();
    let boss = token("boss@example.org");
    let people = answer(client().get(format!("{address}/v1/people")).bearer_auth(&boss)).await.json;
    let fired = people["items"].as_array().expect("people").iter().find(|one| one["email"] == "fired@example.org");
    let body = serde_json::json!({"person_id": fired.expect("an owner")["person_id"], "role": "owner"});
    let revoke = async |address: &str| {
        let request = client().post(format!("{address}/v1/commands/RevokeRole")).bearer_auth(&boss).json(&body);
        let answer = answer(request).await;
        (answer.status, answer.json["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(revoke(&address).await, (409, "owner_is_bootstrapped".to_owned()));
    both.end(Signal::SIGTERM).done();

    let mut one = serve("boss@example.org");
    let address = one.listens();
    let fired = token("fired@example.org");
    let asked = async || answer(client().get(format!("{address}/v1/people")).bearer_auth(&fired)).await.status;
    assert_eq!(asked().await, 200, "an owner still");
    assert_eq!(revoke(&address).await.0, 200);
    assert_eq!(asked().await, 403);
    one.end(Signal::SIGTERM).done();
}
