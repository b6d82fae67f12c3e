//! PostgreSQL killed under load, with everything that it was doing, and started again.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::scene::{Burden, command, random, serve, token};
use crate::binary::program::Home;
use crate::harness::{answer, client};

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_of_postgres_is_said_clearly_and_lived_through() {
    let (home, mut random) = (Home::new(), random());
    let process = serve(&home, None, None);
    let token = token(&home, None);
    let mut burden = Burden::on(&home.folder, vec![process.url.clone()], token.clone(), &mut random).await;
    let mut database = String::new();
    for _ in 0..2 {
        burden.moment(&mut random).await;
        let server = home.postgres().expect("a server");
        kill(Pid::from_raw(server.try_into().expect("an id")), Signal::SIGKILL).expect("it runs");
        // While it is away, every answer says so, and when to come back. The load asks the same of each of its answers.
        let body = json!({"name": "Nowhere"});
        let found = client().post(format!("{}/v1/commands/FoundHub", process.url)).bearer_auth(&token).json(&body);
        for request in [client().get(format!("{}/readyz", process.url)), found] {
            let away = answer(request).await;
            assert_eq!((away.status, &away.json["code"]), (503, &json!("store_unavailable")), "{}", away.text);
            assert_eq!(away.headers["content-type"], "application/problem+json");
            assert!(away.headers.contains_key("retry-after"));
        }
        // Any program of ours that needs it starts it again.
        let ran = home.start(&mut command(&home, None, &["database-url"])).finish().done();
        ran.out.trim().clone_into(&mut database);
    }
    burden.more(60).await;
    assert!(burden.load.tally().figures().unavailable > 0);
    burden.everything_is_there(&database).await;
    process.running.end(Signal::SIGTERM).done();
    home.is_left_by_everybody();
}
