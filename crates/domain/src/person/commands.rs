//! What can be asked about a person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events::{Role, SecondFactorKind};
use crate::ids::PersonId;
use crate::personal::Personal;
use crate::text::{Email, ExternalId, Name, NewEmail, Reason};

/// Makes a person known to the site. The email (in any case) and the external id must be nobody else's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterPerson {
    /// Chosen by the client, or made by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_id: Option<PersonId>,
    /// As they write it.
    pub name: Personal<Name>,
    /// Where they get mail.
    pub email: Personal<NewEmail>,
    /// Their id in another system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<Personal<ExternalId>>,
}

/// Corrects a name or an address. One's own address is changed at `POST /v1/me/email`, with one's password.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectPerson {
    /// Whose.
    pub person_id: PersonId,
    /// The name from now on; left out, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Personal<Name>>,
    /// The address from now on; left out, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Personal<NewEmail>>,
}

/// Changes one's own address. No client sends it: that it is them is looked at before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeEmail {
    /// Whose.
    pub person_id: PersonId,
    /// The address from now on.
    pub email: Personal<NewEmail>,
}

/// Gives a role. Only an owner may.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantRole {
    /// To whom.
    pub person_id: PersonId,
    /// Which.
    pub role: Role,
}

/// Takes a role away. Only an owner may; from the first owner only they themselves, or a super admin.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeRole {
    /// From whom.
    pub person_id: PersonId,
    /// Which.
    pub role: Role,
}

/// Ends what a person may do, from their next request on. Nothing they did is lost.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeactivatePerson {
    /// Whom.
    pub person_id: PersonId,
    /// Why.
    pub reason: Personal<Reason>,
}

/// Lets a deactivated person act again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReactivatePerson {
    /// Whom.
    pub person_id: PersonId,
}

/// Ends every way in that a person has: their password, sessions, keys, links, identities and calendar's address. They come in again
/// by a link that is sent to their address. Only an owner may end an owner's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndAccess {
    /// Whose.
    pub person_id: PersonId,
}

/// Makes the configured person the site's first owner. Only the system issues it; no client can.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BootstrapOwner {
    /// The id to register the person under, if the address is nobody's yet.
    pub person_id: PersonId,
    /// The name to register the person under, if the address is nobody's yet.
    pub name: Personal<Name>,
    /// The configured address.
    pub email: Personal<Email>,
}

/// Makes an owner whom the configuration names no more one like any other. Only the system issues it; no client can.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseOwner {
    /// Whom.
    pub person_id: PersonId,
}

/// Has a person sign in with one more thing. No client sends it: that the person has it is looked at before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddSecondFactor {
    /// Who.
    pub person_id: PersonId,
    /// Its id.
    pub factor_id: Uuid,
    /// What it is.
    pub kind: SecondFactorKind,
}

/// Takes one of a person's second factors away, at their own wish. No client sends it: that it is them is looked at before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveSecondFactor {
    /// Whose.
    pub person_id: PersonId,
    /// Which.
    pub factor_id: Uuid,
}

/// Takes all of somebody's second factors away who has lost them. Only a super admin does so for an owner, and nobody for themselves.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveSecondFactors {
    /// Whose.
    pub person_id: PersonId,
}

/// The commands of the person aggregate.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum PersonCommand {
    /// See [`RegisterPerson`].
    RegisterPerson(RegisterPerson),
    /// See [`CorrectPerson`].
    CorrectPerson(CorrectPerson),
    /// See [`ChangeEmail`].
    ChangeEmail(ChangeEmail),
    /// See [`GrantRole`].
    GrantRole(GrantRole),
    /// See [`RevokeRole`].
    RevokeRole(RevokeRole),
    /// See [`DeactivatePerson`].
    DeactivatePerson(DeactivatePerson),
    /// See [`ReactivatePerson`].
    ReactivatePerson(ReactivatePerson),
    /// See [`EndAccess`].
    EndAccess(EndAccess),
    /// See [`AddSecondFactor`].
    AddSecondFactor(AddSecondFactor),
    /// See [`RemoveSecondFactor`].
    RemoveSecondFactor(RemoveSecondFactor),
    /// See [`RemoveSecondFactors`].
    RemoveSecondFactors(RemoveSecondFactors),
    /// See [`BootstrapOwner`].
    BootstrapOwner(BootstrapOwner),
    /// See [`ReleaseOwner`].
    ReleaseOwner(ReleaseOwner),
}
