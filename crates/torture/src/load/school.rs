//! The school that a load works in: a module, some cohorts and hubs, set up by the same commands as anything else.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::Sender;
use crate::Error;

/// How many cohorts and hubs there are: few enough that clients meet.
const COHORTS: usize = 8;
const HUBS: usize = 4;

/// Its ids.
#[derive(Debug)]
pub struct School {
    /// What tells its people apart from those of other loads on the same database.
    pub name: String,
    /// The cohorts, of eight weeks; all sessions are in January and February of 2026.
    pub cohorts: Vec<String>,
    /// The hubs.
    pub hubs: Vec<String>,
}

impl School {
    /// Opens it.
    pub async fn open(sender: &Sender, random: &mut StdRng) -> Result<Self, Error> {
        let name = format!("{:08x}", random.random::<u32>());
        let module = json!({"code": format!("T-{name}"), "title": "Endurance"});
        let module = id(&sender.must(random, "DefineModule", &module).await?)?;
        let (mut cohorts, mut hubs) = (Vec::new(), Vec::new());
        for nth in 0..COHORTS {
            let cohort = json!({"module_id": module, "name": format!("Cohort {nth}"), "starts_on": "2026-01-06",
                "session_start": "19:00", "timezone": "Europe/Oslo"});
            cohorts.push(id(&sender.must(random, "ScheduleCohort", &cohort).await?)?);
        }
        for nth in 0..HUBS {
            let hub = json!({"name": format!("Hub {nth}")});
            hubs.push(id(&sender.must(random, "FoundHub", &hub).await?)?);
        }
        Ok(Self { name, cohorts, hubs })
    }
}

/// The id of what a creating command has made.
pub fn id(receipt: &Value) -> Result<String, Error> {
    let id = receipt["streams"][0]["id"].as_str();
    id.map(str::to_owned).ok_or_else(|| Error::Broken(format!("a receipt without a stream: {receipt}")))
}
