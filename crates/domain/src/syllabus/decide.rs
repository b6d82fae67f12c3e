//! What may happen to a syllabus, as pure functions of its state.

use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;

use super::{
    AddMaterial, Material, MaterialContent, MoveMaterial, Place, SetReflectionQuestion, Syllabus, SyllabusCommand,
    SyllabusEvent, SyllabusFacts, SyllabusRule, UpdateMaterial,
};
use crate::actor::{Asked, By};
use crate::claim::{ClaimChanges, ClaimKey};
use crate::cohort::{Cohort, CohortStatus};
use crate::ids::{MaterialId, SyllabusId};
use crate::plan::Claims;

/// The most materials of a cohort: some twenty a week in the longest module.
const MOST_MATERIALS: usize = 1_000;

/// The most characters that the pages of a cohort have together: a copy of all of them is one event.
const MOST_TEXT_CHARS: usize = 5_000_000;

type Decision = Result<Vec<SyllabusEvent>, SyllabusRule>;

impl Syllabus {
    /// The events that a command causes now, or the rule that refuses it.
    pub fn decide(
        &self,
        command: &SyllabusCommand,
        _by: &By,
        facts: &SyllabusFacts,
    ) -> Result<Vec<SyllabusEvent>, SyllabusRule> {
        match command {
            SyllabusCommand::AddMaterial(c) => self.add(c, facts),
            SyllabusCommand::UpdateMaterial(c) => self.update(c, facts),
            SyllabusCommand::MoveMaterial(c) => self.place(c, facts),
            SyllabusCommand::RemoveMaterial(c) => self.remove(c.material_id, facts),
            SyllabusCommand::SetReflectionQuestion(c) => self.ask(c, facts),
        }
    }

    fn add(&self, command: &AddMaterial, facts: &SyllabusFacts) -> Decision {
        let (Some(material_id), Some(content)) = (command.material_id, facts.content.clone()) else {
            return Err(SyllabusRule::Incomplete);
        };
        let (week, title) = (command.week.get(), command.title.as_str().to_owned());
        if let Some((there, _, material)) = self.find(material_id) {
            let same = Material { id: material_id, title, content };
            return if there == week && *material == same { Ok(Vec::new()) } else { Err(SyllabusRule::MaterialExists) };
        }
        if self.removed.contains(&material_id) {
            return Err(SyllabusRule::MaterialExists);
        }
        must_be_open(&facts.cohort)?;
        must_have(&facts.cohort, week)?;
        if self.len() >= MOST_MATERIALS {
            return Err(SyllabusRule::TooManyMaterials { limit: MOST_MATERIALS });
        }
        self.must_fit(&content, 0)?;
        self.must_be_free(material_id, &content, facts)?;
        let position = position(command.position, self.len_of(week) + 1);
        Ok(vec![SyllabusEvent::MaterialAdded { material_id, week, position, title, content }])
    }

    fn update(&self, command: &UpdateMaterial, facts: &SyllabusFacts) -> Decision {
        let material_id = command.material_id;
        let (week, _, material) = self.known(material_id)?;
        let title = command.title.as_ref().map(|title| title.as_str().to_owned());
        let title = title.filter(|title| *title != material.title);
        let content = facts.content.clone().filter(|content| *content != material.content);
        if title.is_none() && content.is_none() {
            return Ok(Vec::new());
        }
        must_be_open(&facts.cohort)?;
        if let Some(content) = &content {
            self.must_fit(content, material.content.text_chars())?;
            self.must_be_free(material_id, content, facts)?;
        }
        Ok(vec![SyllabusEvent::MaterialUpdated { material_id, week, title, content }])
    }

    fn place(&self, command: &MoveMaterial, facts: &SyllabusFacts) -> Decision {
        let material_id = command.material_id;
        let (from_week, index, _) = self.known(material_id)?;
        let week = command.week.get();
        must_have(&facts.cohort, week)?;
        let last = self.len_of(week) + usize::from(from_week != week);
        let position = position(Some(command.position), last);
        if from_week == week && usize::from(position) == index + 1 {
            return Ok(Vec::new());
        }
        must_be_open(&facts.cohort)?;
        Ok(vec![SyllabusEvent::MaterialMoved { material_id, from_week, week, position }])
    }

    fn remove(&self, material_id: MaterialId, facts: &SyllabusFacts) -> Decision {
        if self.removed.contains(&material_id) {
            return Ok(Vec::new());
        }
        let (week, _, _) = self.known(material_id)?;
        must_be_open(&facts.cohort)?;
        Ok(vec![SyllabusEvent::MaterialRemoved { material_id, week }])
    }

    fn ask(&self, command: &SetReflectionQuestion, facts: &SyllabusFacts) -> Decision {
        let week = command.week.get();
        let text = command.text.as_ref().map(|text| text.as_str().to_owned());
        must_have(&facts.cohort, week)?;
        if self.questions.get(&week) == text.as_ref() {
            return Ok(Vec::new());
        }
        must_be_open(&facts.cohort)?;
        Ok(vec![SyllabusEvent::ReflectionQuestionSet { week, text }])
    }

    fn known(&self, id: MaterialId) -> Result<(u8, usize, &Material), SyllabusRule> {
        let unknown =
            if self.removed.contains(&id) { SyllabusRule::MaterialWasRemoved } else { SyllabusRule::NoSuchMaterial };
        self.find(id).ok_or(unknown)
    }

    fn must_fit(&self, content: &MaterialContent, instead_of: usize) -> Result<(), SyllabusRule> {
        let chars = content.text_chars();
        if chars > instead_of && self.text_chars() - instead_of + chars > MOST_TEXT_CHARS {
            return Err(SyllabusRule::TooMuchText { limit: MOST_TEXT_CHARS });
        }
        Ok(())
    }

    /// A material may come back to a file that it had before; nobody else's file is its own.
    fn must_be_free(
        &self,
        id: MaterialId,
        content: &MaterialContent,
        facts: &SyllabusFacts,
    ) -> Result<(), SyllabusRule> {
        let (Some(upload), Some(owner)) = (content.upload(), facts.upload_owner) else { return Ok(()) };
        if owner == id && self.uploads.contains(&upload) { Ok(()) } else { Err(SyllabusRule::UploadUsed) }
    }
}

/// What is called off or put away is left as it was.
fn must_be_open(cohort: &Cohort) -> Result<(), SyllabusRule> {
    match cohort.status {
        CohortStatus::Upcoming | CohortStatus::Active | CohortStatus::Completed => Ok(()),
        status @ (CohortStatus::Archived | CohortStatus::Cancelled) => Err(SyllabusRule::SyllabusClosed { status }),
    }
}

fn must_have(cohort: &Cohort, week: u8) -> Result<(), SyllabusRule> {
    let last_week = cohort.last_week();
    if (1..=last_week).contains(&week) { Ok(()) } else { Err(SyllabusRule::NoSuchWeek { week, last_week }) }
}

/// The place asked for, or the last; one beyond the last is the last.
fn position(asked: Option<Place>, last: usize) -> u16 {
    let last = u16::try_from(last).unwrap_or(u16::MAX);
    asked.and_then(|place| u16::try_from(place.get()).ok()).map_or(last, |place| place.min(last))
}

impl Claims for Syllabus {
    type Id = SyllabusId;

    /// An uploaded file is claimed for ever, also after its material is gone: the log refers to it.
    fn claims(&self, _: SyllabusId, event: &SyllabusEvent, changes: &mut ClaimChanges) {
        let used = match event {
            SyllabusEvent::MaterialAdded { material_id, content, .. }
            | SyllabusEvent::MaterialUpdated { material_id, content: Some(content), .. } => {
                content.upload().map(|upload| (*material_id, upload))
            }
            SyllabusEvent::MaterialUpdated { content: None, .. }
            | SyllabusEvent::MaterialMoved { .. }
            | SyllabusEvent::MaterialRemoved { .. }
            | SyllabusEvent::ReflectionQuestionSet { .. }
            | SyllabusEvent::ContentCopied { .. } => None,
        };
        if let Some((material, upload)) = used.filter(|(_, upload)| !self.uploads.contains(upload)) {
            changes.take(ClaimKey::upload(upload), material);
        }
    }
}

impl Aggregate for Syllabus {
    const TYPE: &'static str = "syllabus";
    type Command = Asked<SyllabusCommand, SyllabusFacts>;
    type Event = SyllabusEvent;
    type Error = SyllabusRule;
    type Services = ();

    async fn handle(&mut self, asked: Self::Command, (): &(), sink: &EventSink<Self>) -> Result<(), SyllabusRule> {
        for event in self.decide(&asked.command, &asked.by, &asked.facts)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: SyllabusEvent) {
        self.apply_event(&event);
    }
}
