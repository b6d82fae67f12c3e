//! Emails: asked for, delivered once, through a provider that keeps Resend's documented contract, an SMTP server and a folder,
//! all of them real and on loopback; and what is left when a process dies in between.

mod answers;
mod crashes;
mod delivery;
pub mod fake_resend;
mod fake_smtp;
mod files;
mod processes;
mod resend;
mod retries;
pub mod scene;
mod smtp;
