//! A student who has passwords hashed: by changing their own, and by signing in with right and wrong ones.

use reqwest::Method;
use serde_json::json;

use crate::Error;
use crate::hostile::attack::Target;
use crate::hostile::requests::{again_and_again, client, request};

/// The address of whoever does so.
const FROM: u8 = 4;
/// How many changes of the password are under way at a time.
const CHANGES: usize = 24;
/// How many sign-ins are.
const SIGN_INS: usize = 16;

/// Changes it and signs in.
pub async fn run(target: Target) -> Result<(), Error> {
    let client = client(FROM)?;
    let greedy = &target.scene.greedy;
    let student = &greedy.student;
    let changes = |nth| {
        let body = json!({"current": student.password, "new": format!("{} {nth}", student.password)});
        request(&client, &target, Method::POST, (&greedy.host, &student.token), "/v1/me/password").json(&body)
    };
    let sign_ins = |nth: usize| {
        // A right one of somebody else, a wrong one of theirs, and one of nobody's.
        let body = match nth % 3 {
            0 => json!({"email": greedy.instructor.email, "password": greedy.instructor.password}),
            1 => json!({"email": student.email, "password": format!("wrong password {nth}")}),
            _ => json!({"email": format!("nobody{nth}@{}", greedy.host), "password": student.password}),
        };
        request(&client, &target, Method::POST, (&greedy.host, ""), "/v1/sign-in").json(&body)
    };
    tokio::join!(again_and_again(&target, CHANGES, changes), again_and_again(&target, SIGN_INS, sign_ins));
    Ok(())
}
