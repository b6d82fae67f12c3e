//! What a client does next: it enrols students of its own, marks, holds, releases and advances them, and now and then
//! takes on a whole cohort, where the clients get in each other's way.

use std::sync::Arc;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::school::id;
use super::sender::Outcome;
use super::{School, Sender};
use crate::Error;

/// How many students a client enrols.
const STUDENTS: usize = 12;

/// A client.
#[derive(Debug)]
pub struct Client {
    sender: Arc<Sender>,
    school: Arc<School>,
    random: StdRng,
    nth: u64,
    /// How many it has registered, or has begun to.
    people: u64,
    enrolments: Vec<String>,
}

impl Client {
    /// One that knows nobody yet.
    pub fn new(sender: Arc<Sender>, school: Arc<School>, random: StdRng, nth: u64) -> Self {
        Self { sender, school, random, nth, people: 0, enrolments: Vec::new() }
    }

    /// Does the next thing.
    pub async fn next(&mut self) -> Result<(), Error> {
        let few = self.enrolments.len() < STUDENTS && self.random.random_ratio(1, 3);
        if self.enrolments.is_empty() || few {
            return self.enrol().await;
        }
        let (name, body) = self.any();
        if let Outcome::Done(receipt) = self.sender.send(&mut self.random, name, &body).await?
            && self.random.random_ratio(1, 8)
        {
            self.sender.reads_its_own(&mut self.random, &receipt).await?;
        }
        Ok(())
    }

    async fn enrol(&mut self) -> Result<(), Error> {
        // Also after one that was given up: they may be there.
        self.people += 1;
        let number = self.people;
        let email = format!("s{number}.{}.{}@example.org", self.nth, self.school.name);
        let person = json!({"name": format!("Student {number} of {}", self.nth), "email": email});
        let person = id(&self.sender.must(&mut self.random, "RegisterPerson", &person).await?)?;
        let mut body = json!({"cohort_id": self.cohort(), "person_id": person});
        if self.random.random_ratio(2, 3) {
            body["hub_id"] = self.hub();
        }
        // Somebody may be moving the whole cohort, every time: then they stay without a place.
        if let Outcome::Done(receipt) = self.sender.send(&mut self.random, "EnrolStudent", &body).await? {
            self.enrolments.push(id(&receipt)?);
        }
        Ok(())
    }

    fn any(&mut self) -> (&'static str, Value) {
        let nth = self.random.random_range(0..self.enrolments.len());
        let enrolment = self.enrolments[nth].clone();
        let week = self.random.random_range(1..=8);
        let reason = format!("Reason {}", self.random.random_range(0..1_000));
        match self.random.random_range(0..100) {
            0..45 => {
                let status = ["present", "absent", "late", "excused"][self.random.random_range(0..4)];
                ("MarkAttendance", json!({"enrolment_id": enrolment, "week": week, "status": status}))
            }
            45..57 => ("HoldStudent", json!({"enrolment_id": enrolment, "reason": reason})),
            57..69 => ("ReleaseStudent", json!({"enrolment_id": enrolment})),
            69..79 => ("SetWeek", json!({"enrolment_id": enrolment, "week": week, "reason": reason})),
            79..87 => ("AdvanceStudent", json!({"enrolment_id": enrolment, "to_week": week, "reason": reason})),
            87..91 => ("JoinHub", json!({"enrolment_id": enrolment, "hub_id": self.hub()})),
            91..94 => ("WithdrawStudent", json!({"enrolment_id": enrolment, "reason": reason})),
            94..98 => ("ReinstateStudent", json!({"enrolment_id": enrolment})),
            _ => ("AdvanceCohort", json!({"cohort_id": self.cohort(), "to_week": week.max(2)})),
        }
    }

    fn cohort(&mut self) -> Value {
        self.school.cohorts[self.random.random_range(0..self.school.cohorts.len())].clone().into()
    }

    fn hub(&mut self) -> Value {
        self.school.hubs[self.random.random_range(0..self.school.hubs.len())].clone().into()
    }
}
