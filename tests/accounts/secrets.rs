//! What is secret about signing in is where it must be and nowhere else: not in the database, not in the log lines, not in an answer
//! that was not asked for it.

use nix::sys::signal::Signal;
use reqwest::Method;
use rollbook_store::Clock;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use super::second_factor::App;
use super::{ANOTHER, PASSWORD, cookie};
use crate::binary::program::Home;
use crate::harness::{Answer, answer, client};

const OWNER: &str = "owner@example.org";
/// What secrets rest sealed under that must be read again.
const KEY: &str = "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const WRONG: &str = "a wrong guess of mine";

/// Everything that a database holds, as text.
pub async fn dump(url: &str) -> String {
    let mut connection = PgConnection::connect(url).await.expect("the URL works");
    let tables = "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables
        where schemaname not in ('pg_catalog', 'information_schema')";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await.expect("tables");
    let mut dump = String::new();
    for table in tables {
        let rows: Vec<String> = sqlx::query_scalar(&format!("select t::text from {table} t"))
            .fetch_all(&mut connection)
            .await
            .expect("rows");
        dump.extend([table.as_str(), "\n", &rows.join("\n"), "\n"]);
    }
    connection.close().await.expect("an end");
    dump
}

/// Somebody who talks to the service, and remembers what it said.
struct Talk {
    client: reqwest::Client,
    url: String,
    said: String,
}

impl Talk {
    async fn ask(&mut self, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let answer = answer(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await;
        self.said.extend([path, &format!(": {:?}\n", answer.headers), &answer.text, "\n"]);
        answer
    }

    async fn post(&mut self, path: &str, token: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, token, Some(body)).await
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_rests_in_the_database_or_is_logged() {
    let home = Home::new();
    let mut serving = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    serving.env("ROLLBOOK_OWNER_EMAIL", OWNER).env("RUST_LOG", "trace").env("ROLLBOOK_KEYS", KEY);
    let mut service = home.start(&mut serving);
    let url = service.listens();
    let link = home.out(&["invite", "--email", OWNER, "--public-url", &url]);
    let (page, secret) = link.trim().split_once('#').expect("a link");
    assert_eq!(page, format!("{url}/invitation"));
    let mut talk = Talk { client: client(), url: url.clone(), said: String::new() };

    let first = talk.post("/v1/invitations/accept", "", json!({"secret": secret, "password": PASSWORD})).await;
    let device = cookie(&first, "__Host-rollbook-device").expect("a device");
    let first = text(&first.json["token"]);
    talk.said.clear();
    let sign_in = json!({"email": OWNER, "password": PASSWORD, "cookie": true});
    let browser = talk.post("/v1/sign-in", "", sign_in).await;
    let browser = cookie(&browser, "__Host-rollbook").expect("a session");
    talk.said.clear();

    assert_eq!(talk.post("/v1/sign-in", "", json!({"email": OWNER, "password": WRONG})).await.status, 401);
    assert_eq!(talk.post("/v1/sign-in", "", json!({"email": WRONG, "password": PASSWORD})).await.status, 401);
    let change = json!({"current": PASSWORD, "new": ANOTHER});
    assert_eq!(talk.post("/v1/me/password", &first, change).await.status, 204);
    let before = talk.said.clone();
    let expires_at = chrono_in_a_month(&talk, &first).await;
    let key = json!({"name": "Table", "scope": "read", "expires_at": expires_at, "password": ANOTHER});
    let key = text(&talk.post("/v1/me/api-keys", &first, key).await.json["key"]);
    talk.said = before;
    assert_eq!(talk.post("/v1/invitations/accept", "", json!({"secret": secret, "password": WRONG})).await.status, 409);
    assert_eq!(talk.post("/v1/password-resets", "", json!({"email": OWNER})).await.status, 202);
    for (path, token) in [
        ("/v1/me", &first),
        ("/v1/me/sessions", &first),
        ("/v1/me/api-keys", &first),
        ("/v1/people", &key),
        ("/v1/audit", &key),
        ("/v1/events", &key),
        ("/metrics", &first),
    ] {
        assert_eq!(talk.ask(Method::GET, path, token, None).await.status, 200, "{path}");
    }
    let before = talk.said.clone();
    let app = talk.post("/v1/me/second-factors/totp", &first, json!({"password": ANOTHER})).await;
    let (secret_of_codes, app) = (text(&app.json["secret"]), App::of(&app.json));
    let confirm = json!({"factor_id": app.factor_id, "code": app.code_at(Clock::system().now())});
    let confirmed = talk.post("/v1/me/second-factors/totp/confirm", &first, confirm).await;
    let recovery = text(&confirmed.json["recovery_codes"][0]);
    let half = talk.post("/v1/sign-in", "", json!({"email": OWNER, "password": ANOTHER})).await;
    let half = text(&half.json["half"]);
    talk.said = before;
    let shown = talk.post("/v1/second-factor", "", json!({"half": half, "code": "not-a-code"})).await;
    assert_eq!(shown.status, 401, "{}", shown.text);
    assert_eq!(talk.ask(Method::GET, "/v1/me/second-factors", &first, None).await.status, 200);
    assert_eq!(talk.ask(Method::POST, "/v1/sign-out", &first, None).await.status, 204);

    let database = dump(home.out(&["database-url"]).trim()).await;
    assert!(database.contains("$argon2id$") && database.contains("PasswordSet"), "the dump is one");
    let ran = service.end(Signal::SIGTERM).done();
    assert!(ran.err.contains("/v1/sign-in"), "the log is one: {}", ran.err);
    let tokens = [first.as_str(), browser.as_str(), key.as_str(), device.as_str(), half.as_str()];
    let unwritten = recovery.replace('-', "");
    let besides = [secret_of_codes.as_str(), recovery.as_str(), unwritten.as_str()];
    let secrets = [[PASSWORD, ANOTHER, WRONG, secret].as_slice(), &tokens, &besides].concat();
    for hidden in secrets {
        // A token's random part, however it begins.
        let hidden = hidden.strip_prefix("rb_").unwrap_or(hidden);
        for (place, text) in [("database", &database), ("log", &ran.err), ("output", &ran.out), ("answers", &talk.said)]
        {
            assert!(!text.contains(hidden), "a secret is in the {place}");
        }
    }
}

/// An instant in a month, by the service's clock.
async fn chrono_in_a_month(talk: &Talk, token: &str) -> String {
    let me = answer(talk.client.get(format!("{}/v1/me/sessions", talk.url)).bearer_auth(token)).await;
    text(&me.json["items"][0]["expires_at"])
}
