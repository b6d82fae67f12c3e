//! What an attack is about, as it is handed to the process that attacks: where the service is, and who means harm to
//! it. Nothing of those whom it must not harm is in here.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Where everything is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scene {
    /// The service, as in `http://127.0.0.1:8080`.
    pub url: String,
    /// The token of a super admin, who means no harm and gives schools the databases that they ask for.
    pub super_admin: String,
    /// A school whose people are greedy.
    pub greedy: Greedy,
    /// A school whose database is its own, and hostile.
    pub own: Own,
}

/// A school of which somebody in every role means harm.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Greedy {
    /// The host that it answers on.
    pub host: String,
    /// Its one cohort, whose eight weeks are open to all of its students.
    pub cohort: String,
    /// A student of the cohort, with a long history.
    pub student: Person,
    /// The student's enrolment.
    pub enrolment: String,
    /// The cohort's instructor.
    pub instructor: Person,
    /// An admin.
    pub admin: Person,
    /// A position of the log, after all that was done to set the scene.
    pub position: i64,
}

/// Somebody.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Person {
    /// Their id.
    pub id: String,
    /// The address that they sign in with.
    pub email: String,
    /// Their password.
    pub password: String,
    /// The token of a session.
    pub token: String,
}

/// A school with a database of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Own {
    /// The host that it answers on.
    pub host: String,
    /// Where its database is: whoever listens there is it.
    pub database: SocketAddr,
    /// The id of another school, which has no database yet.
    pub wanting: String,
}
