//! The same from the command line, with the whole service: its emails, its subcommands, its keys, its log.

use std::io::Write;
use std::process::{Output, Stdio};

use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::json;

use super::until;
use crate::accounts::secrets::dump;
use crate::binary::program::Home;
use crate::harness::{Answer, Database, answer, client};

const OWNER: &str = "owner@example.org";

/// The binary with keys in its environment and something on its standard input.
fn run(home: &Home, keys: Option<&str>, arguments: &[&str], input: &str) -> Output {
    let mut command = home.command(arguments);
    if let Some(keys) = keys {
        command.env("ROLLBOOK_KEYS", keys);
    }
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("the binary starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("its end")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Gives the site north what cannot be its database, over HTTP; no answer repeats it.
async fn are_refused(url: &str, root: &str, given: [&str; 2]) {
    let ask = |method: Method, path: &str| client().request(method, format!("{url}{path}")).bearer_auth(root);
    let sites = answer(ask(Method::GET, "/v1/sites")).await;
    let north = sites.json["items"].as_array().expect("sites").iter().find(|site| site["slug"] == "north");
    let path = format!("/v1/sites/{}/database", north.expect("it is there")["site_id"].as_str().expect("an id"));
    for hidden in given {
        let refused = answer(ask(Method::PUT, &path).json(&json!({"url": hidden}))).await;
        assert!([409, 422].contains(&refused.status) && !refused.text.contains("hidden"), "{}", refused.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_in_a_database_of_its_own_is_worked_on_from_the_command_line() {
    let (home, own) = (Home::new(), Database::empty().await);
    let new_key = || text(&run(&home, None, &["sites", "new-key"], "").stdout).trim().to_owned();
    let (a, b) = (new_key(), new_key());
    assert_eq!(home.postgres(), None, "a key needs no database");
    let out = |keys: &str, arguments: &[&str]| {
        let ran = run(&home, Some(keys), arguments, "");
        assert!(ran.status.success(), "{arguments:?}: {}", text(&ran.stderr));
        text(&ran.stdout)
    };
    let refused = |keys: Option<&str>, arguments: &[&str], input: &str| {
        let ran = run(&home, keys, arguments, input);
        assert_eq!(ran.status.code(), Some(1), "{arguments:?}: {}", text(&ran.stdout));
        text(&ran.stderr)
    };
    let mut serving = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    serving.env("ROLLBOOK_OWNER_EMAIL", OWNER).env("ROLLBOOK_KEYS", &a).env("RUST_LOG", "trace");
    serving.env("ROLLBOOK_SUPER_ADMINS", OWNER);
    let mut service = home.start(&mut serving);
    let url = service.listens();

    let open = ["sites", "open", "north", "--name", "Te Kura", "--owner-email", "hemi@example.org"];
    out(&a, &[&open[..], &["--host", "north.localhost", "--own-database"]].concat());
    let me = async |token: &str| {
        let request = client().get(format!("{url}/v1/me")).bearer_auth(token).header("host", "north.localhost");
        answer(request).await
    };
    until("it is heard of", async || me("none").await.json["code"] == "site_not_ready").await;
    let early = refused(Some(&a), &["token", "--email", "hemi@example.org", "--site", "north"], "");
    assert!(early.contains("is not set up yet"), "{early}");
    let give = ["sites", "database", "north"];
    let keyless = refused(None, &give, &own.url);
    assert!(keyless.contains("no key is configured"), "{keyless}");
    let wrong = refused(Some(&a), &give, "postgres://north:hidden@127.0.0.1:1/north\n");
    assert!(wrong.contains("cannot be reached") && !wrong.contains("hidden"), "{wrong}");
    let root = out(&a, &["token", "--email", OWNER]);
    are_refused(&url, root.trim(), ["postgres://a:hiddenpassword@127.0.0.1:1/a", "postgres://a/?x=hiddenpassword"])
        .await;
    let given = run(&home, Some(&a), &give, &format!("{}\n", own.url));
    assert!(given.status.success(), "{}", text(&given.stderr));
    assert_eq!(text(&given.stdout), "north has a database of its own, and answers from it\n");
    let again = refused(Some(&a), &give, &own.url);
    assert!(again.contains("has its database already"), "{again}");

    let token = out(&a, &["token", "--email", "hemi@example.org", "--site", "north"]).trim().to_owned();
    until("it answers", async || me(&token).await.status == 200).await;
    // A letter goes from its own database, and leads to its own host.
    let post = async |path: &str, body: serde_json::Value| -> Answer {
        let request = client().request(Method::POST, format!("{url}{path}")).bearer_auth(&token);
        answer(request.header("host", "north.localhost").json(&body)).await
    };
    let person = post("/v1/commands/RegisterPerson", json!({"name": "Ana", "email": "ana@example.org"})).await;
    let person = person.json["streams"][0]["id"].as_str().expect("an id").to_owned();
    let invited = post(&format!("/v1/people/{person}/invitation"), json!({"send": true})).await;
    assert_eq!(invited.status, 200, "{}", invited.text);
    let letters = || -> Vec<String> {
        let files = std::fs::read_dir(home.data.join("emails")).into_iter().flatten().flatten();
        files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect()
    };
    until("a letter goes", async || letters().iter().any(|letter| letter.contains("north.localhost"))).await;

    for (arguments, shows) in [
        (&["events"][..], "ana@example.org"),
        (&["audit"][..], "Ana"),
        (&["export", "events", "--format", "ndjson"][..], "ana@example.org"),
        (&["projections", "list"][..], "roster"),
        (&["projections", "verify", "people"][..], "equal"),
        (&["invite", "--email", "ana@example.org"][..], "/invitation#"),
    ] {
        let shown = out(&a, &[arguments, &["--site", "north"]].concat());
        assert!(shown.contains(shows), "{arguments:?}: {shown}");
        assert!(!shown.contains(OWNER), "{arguments:?}: {shown}");
    }
    assert!(!out(&a, &["events"]).contains("ana@example.org"), "nothing of it is in the installation's log");
    let keyless = refused(None, &["events", "--site", "north"], "");
    assert!(keyless.contains("the database of north") && keyless.contains("ROLLBOOK_KEYS"), "{keyless}");
    assert!(out(&a, &["sites", "list"]).contains("its own"));
    assert!(out(&a, &["migrate"]).contains("the database of 1 site is up to date"));

    let missing = refused(Some(&b), &["sites", "rotate-keys"], "");
    assert!(missing.contains("the database of north: it is sealed under the key"), "{missing}");
    let both = format!("{b},{a}");
    let name = |key: &str| key.split_once(':').expect("a name").0.to_owned();
    let rotated = out(&both, &["sites", "rotate-keys"]);
    assert_eq!(rotated, format!("1 database is sealed under the key {}\n", name(&b)));
    assert!(out(&b, &["events", "--site", "north"]).contains("ana@example.org"));
    let old = refused(Some(&a), &["events", "--site", "north"], "");
    assert!(old.contains(&name(&b)), "{old}");
    let unreadable = refused(Some("hidden"), &["sites", "list"], "");
    assert!(unreadable.contains("ROLLBOOK_KEYS cannot be read at entry 1") && !unreadable.contains("hidden"));

    let mut shown = dump(out(&b, &["database-url"]).trim()).await;
    shown += &out(&b, &["sites", "list"]);
    let ran = service.end(Signal::SIGTERM).done();
    assert!(ran.err.contains("/v1/me"), "the log is one: {}", ran.err);
    let password = own.url.split(['@', ':']).nth(2).expect("a password");
    let key = |entry: &str| entry.split_once(':').expect("a key").1.to_owned();
    for secret in [&own.url, password, &key(&a), &key(&b), "hiddenpassword"] {
        for (place, text) in [("log", &ran.err), ("output", &ran.out), ("database", &shown)] {
            assert!(!text.contains(secret), "{secret} is in the {place}");
        }
    }
}
