//! The rules of running courses in cohorts, as pure functions: commands in, events or a refusal out.
//!
//! This crate never does I/O, reads no clock and makes no ids: time, ids and looked-up facts come in with the command.
//!
//! Read it in this order: [`command::Command`] (everything that can be asked), [`plan`] (how one command becomes events
//! over the streams it concerns), [`policy`] (who may), then one folder per aggregate.

#[macro_use]
mod aggregates;

pub mod account;
pub mod actor;
pub mod aggregate;
pub mod claim;
pub mod cohort;
pub mod command;
pub mod enrolment;
pub mod event;
pub mod file;
#[cfg(test)]
mod given;
pub mod hub;
pub mod ids;
pub mod module;
pub mod number;
pub mod origin;
pub mod person;
pub mod personal;
pub mod plan;
pub mod policy;
pub mod refusal;
pub mod site;
pub mod site_settings;
pub mod syllabus;
pub mod text;
pub mod week_emails;
pub mod weight;
pub mod world;

pub use actor::{Actor, Authority};
pub use command::Command;
pub use event::Event;
pub use ids::{
    AccountId, CohortId, CommandId, EnrolmentId, HubId, MaterialId, MessageId, ModuleId, PersonId, SiteId,
    SiteSettingsId, StreamId, StreamType, SyllabusId, UploadId, WeekEmailsId,
};
pub use origin::Origin;
pub use personal::Personal;
pub use refusal::Refusal;
pub use weight::bytes;
