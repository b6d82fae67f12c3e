//! The commands about a module: what each says, and what it causes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Module, ModuleEvent, ModuleFacts, ModuleRule};
use crate::actor::DecisionContext;
use crate::aggregate::Decision;
use crate::claim::ClaimKey;
use crate::cohort::Week;
use crate::command::{StreamCommand, about, begins};
use crate::ids::ModuleId;
use crate::refusal::Refusal;
use crate::text::{Code, Title};
use crate::world::{Needs, World};

/// Defines a course. Its code must be no other module's.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefineModule {
    /// The id of the new module, chosen by the client; left out, the server makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module_id: Option<ModuleId>,
    /// The code that stands for it on a timetable.
    pub code: Code,
    /// What it is called.
    pub title: Title,
    /// How many weekly sessions a run has.
    #[serde(default = "eight")]
    pub weeks: Week,
}

fn eight() -> Week {
    Week::EIGHT
}

impl StreamCommand for DefineModule {
    begins!(Module, module_id, Administer);

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.owner(ClaimKey::module_code(self.code.as_str()));
    }

    fn facts(&self, _: ModuleId, _: &Module, world: &World) -> Result<ModuleFacts, Refusal> {
        Ok(ModuleFacts { code_owner: world.owner(&ClaimKey::module_code(self.code.as_str())).map(Into::into) })
    }

    fn decide(&self, _: &Module, _: &DecisionContext, facts: &ModuleFacts) -> Decision<Module> {
        let code = self.code.as_str().to_owned();
        if facts.code_owner.is_some() {
            return Err(ModuleRule::CodeTaken { code });
        }
        Ok(vec![ModuleEvent::ModuleDefined { code, title: self.title.as_str().to_owned(), weeks: self.weeks.get() }])
    }
}

/// Gives a module another title.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameModule {
    /// The id of the module.
    pub module_id: ModuleId,
    /// The title from now on.
    pub title: Title,
}

impl StreamCommand for RenameModule {
    about!(Module, module_id, Administer);

    fn decide(&self, module: &Module, _: &DecisionContext, _: &ModuleFacts) -> Decision<Module> {
        let title = self.title.as_str();
        if module.title == title {
            return Ok(Vec::new());
        }
        if module.retired {
            return Err(ModuleRule::ModuleRetired);
        }
        Ok(vec![ModuleEvent::ModuleRenamed { title: title.to_owned() }])
    }
}

/// Ends the scheduling of further cohorts of a module.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetireModule {
    /// The id of the module.
    pub module_id: ModuleId,
}

impl StreamCommand for RetireModule {
    about!(Module, module_id, Administer);

    fn decide(&self, module: &Module, _: &DecisionContext, _: &ModuleFacts) -> Decision<Module> {
        Ok(if module.retired { Vec::new() } else { vec![ModuleEvent::ModuleRetired {}] })
    }
}
