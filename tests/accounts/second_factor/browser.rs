//! Passkeys in a real browser, whose authenticator is one that it makes up itself: the pages' own script, under their own policy.

use std::path::Path;

use serde_json::{Value, json};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Child;

use crate::accounts::pages::with_hands;
use crate::accounts::{PASSWORD, audit, email_of, lets_in};
use crate::pages::{LIMIT, piloted};
use crate::school::School;

/// What fills in the forms, as somebody at the keyboard would: signs in, makes a passkey, signs out, and in again with it.
const HANDS: &str = "
const once = what => {
  const first = !sessionStorage.getItem(what);
  sessionStorage.setItem(what, 'done');
  return first;
};
addEventListener('load', () => {
  const form = action => document.querySelector(`form[action='${action}']`);
  const passkey = document.querySelector('form.passkey');
  if (passkey && !passkey.hidden) {
    passkey.requestSubmit();
  } else if (location.pathname === '/second-factors') {
    form('/second-factors/passkey').elements.password.value = 'PASSWORD';
    form('/second-factors/passkey').requestSubmit();
  } else if (document.querySelectorAll('li').length === 10) {
    location = '/sign-in';
  } else if (form('/sign-in')) {
    form('/sign-in').elements.email.value = 'EMAIL';
    form('/sign-in').elements.password.value = 'PASSWORD';
    form('/sign-in').requestSubmit();
  } else if (form('/sign-out') && once('to set up')) {
    location = '/second-factors';
  } else if (form('/sign-out') && once('to sign out')) {
    form('/sign-out').requestSubmit();
  } else {
    location = '/seen?' + encodeURIComponent(document.body.innerText);
  }
});
";

/// A browser that does what it is told, by the protocol of its developer tools.
struct Pilot {
    to: File,
    from: BufReader<File>,
    sent: u64,
    _browser: Child,
}

impl Pilot {
    async fn start(profile: &Path) -> Self {
        let browser = piloted(profile);
        // In the order in which the browser's side opens them.
        let to = OpenOptions::new().write(true).open(profile.join("to")).await.expect("it listens");
        let from = File::open(profile.join("from")).await.expect("it talks");
        Self { to, from: BufReader::new(from), sent: 0, _browser: browser }
    }

    /// Tells it something; what it answers.
    async fn tell(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.sent += 1;
        let mut message = json!({"id": self.sent, "method": method, "params": params});
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        let bytes = [message.to_string().as_bytes(), &[0]].concat();
        self.to.write_all(&bytes).await.expect("it listens");
        self.to.flush().await.expect("it listens");
        loop {
            let mut said = Vec::new();
            self.from.read_until(0, &mut said).await.expect("it talks");
            said.pop();
            let said: Value = serde_json::from_slice(&said).expect("JSON");
            if said["id"] == self.sent {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_makes_a_passkey_and_signs_in_with_it_in_a_browser() {
    let school = School::open().await;
    let service = &school.service;
    let person = school.person("Anahera").await;
    lets_in(service, &person).await;
    let email = email_of(service, &person).await;
    let hands = HANDS.replace("PASSWORD", PASSWORD).replace("EMAIL", &email);
    let (url, mut seen) = with_hands(service, hands).await;
    let profile = tempfile::tempdir().expect("a folder");
    let piloting = async {
        let mut pilot = Pilot::start(profile.path()).await;
        let target = pilot.tell(None, "Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = pilot.tell(None, "Target.attachToTarget", attach).await;
        let session = session["sessionId"].as_str().expect("a session").to_owned();
        pilot.tell(Some(&session), "WebAuthn.enable", json!({})).await;
        let authenticator = json!({"protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true});
        pilot.tell(Some(&session), "WebAuthn.addVirtualAuthenticator", json!({"options": authenticator})).await;
        // Passkeys are bound to a name, and an address is none.
        let page = format!("{}/sign-in", url.replace("127.0.0.1", "localhost"));
        pilot.tell(Some(&session), "Page.navigate", json!({"url": page})).await;
        let page = seen.recv().await.expect("a page");
        drop(pilot);
        page
    };
    let page = tokio::time::timeout(LIMIT, piloting).await.expect("it comes to an end");
    assert!(page.contains("You%20have%20signed%20in%20as%20Anahera"), "{page}");
    let said = audit(service, &person).await;
    assert_eq!(said.last(), Some(&("signed_in".to_owned(), "by a password and a passkey".to_owned())), "{said:?}");
}
