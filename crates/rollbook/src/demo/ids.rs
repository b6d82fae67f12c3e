//! Ids that are the same in every run, so that a run that was killed half-way goes on where it was and a second one finds
//! everything done: the keys of its commands have been used.

use rollbook_domain::CommandId;
use uuid::Uuid;

/// The demo's own name space.
const DEMO: Uuid = Uuid::from_u128(0x7f0c_9d2e_64b1_4c57_9a3e_51d0_c2a8_e6f4);

/// The id of a thing, such as `person/noor@example.org`.
pub fn of<T: From<Uuid>>(kind: &str, name: &str) -> T {
    Uuid::new_v5(&DEMO, format!("{kind}/{name}").as_bytes()).into()
}

/// The idempotency key of a step.
pub fn command(step: &str) -> CommandId {
    of("command", step)
}

#[cfg(test)]
mod tests {
    use rollbook_domain::PersonId;

    use super::*;

    #[test]
    fn ids_are_the_same_in_every_run_and_differ_between_things() {
        let person: PersonId = of("person", "a@example.org");
        assert_eq!(person, of("person", "a@example.org"));
        assert_ne!(person, of("person", "b@example.org"));
        assert_ne!(command("start"), command("finale"));
    }
}
