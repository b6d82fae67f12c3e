//! A school's own database that is a fake: silent, flooding, or asking for more hashing than anybody has done. The
//! service comes to it because the school's people ask for something, and because it is given to another school.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;

use crate::Error;
use crate::fake_postgres::{Fake, Guest, message};
use crate::hostile::answers::REACHED;
use crate::hostile::attack::Target;
use crate::hostile::requests::{again_and_again, client, request};

/// The address of whoever asks.
const FROM: u8 = 1;
/// How many of the school's people ask at a time, and how many give its database to another school.
const ASK: usize = 16;
const GIVE: usize = 4;
/// One row of a kibibyte, so many times: what is sent at once.
const ROW_BYTES: usize = 1024;
const ROWS: usize = 64;

/// It accepts connections and says nothing.
pub async fn silent(target: Target) -> Result<(), Error> {
    asked(target, |mut guest| guest.is_left()).await
}

/// It lets in, and answers the first question with rows without end.
pub async fn floods(target: Target) -> Result<(), Error> {
    let columns = u16::to_be_bytes(1);
    let length = u32::try_from(ROW_BYTES).unwrap_or_default().to_be_bytes();
    let row = [&columns[..], &length, &[0; ROW_BYTES]].concat();
    let rows = message(b'D', &row).repeat(ROWS);
    asked(target, move |mut guest| {
        guest.lets_in()?;
        guest.hears()?;
        guest.floods(&rows, usize::MAX)
    })
    .await
}

/// It asks for the most rounds of SCRAM that can be asked for.
pub async fn asks_for_rounds(target: Target) -> Result<(), Error> {
    asked(target, |mut guest| guest.asks_for_rounds(u32::MAX)).await
}

/// Has the service come to a server that does this with every connection.
async fn asked(
    target: Target,
    with: impl Fn(Guest) -> std::io::Result<()> + Send + Sync + 'static,
) -> Result<(), Error> {
    let answers = Arc::clone(&target.answers);
    let _fake = Fake::start(target.scene.own.database, move |_, guest| {
        answers.count(REACHED);
        with(guest)
    })?;
    let client = client(FROM)?;
    let own = &target.scene.own;
    let path = format!("/v1/sites/{}/database", own.wanting);
    let url = json!({"url": Fake::url(own.database)});
    let root = target.scene.super_admin.as_str();
    let gives = |_| request(&client, &target, Method::PUT, ("", root), &path).json(&url);
    let asks = |_| request(&client, &target, Method::GET, (&own.host, root), "/v1/people");
    tokio::join!(again_and_again(&target, GIVE, gives), again_and_again(&target, ASK, asks));
    Ok(())
}
