//! What the weeks show and ask: put together by the instructor, and copied into the next run.

use rollbook_domain::syllabus::{AddMaterial, SetReflectionQuestion};

use super::cast::Cast;
use super::evening::week;
use super::fixture::Fixture;
use super::ids;
use super::stage::{Act, Stage};
use crate::failure::Done;

/// Plays it.
pub async fn play(stage: &Stage, fixture: &Fixture, cast: &Cast) -> Done {
    stage.progress.doing("the syllabus");
    for (number, text) in &fixture.questions {
        let ask = SetReflectionQuestion { cohort_id: cast.cohort, week: week(*number)?, text: Some(text.clone()) };
        stage.perform(Act::by(cast.instructor, format!("question of week {number}"), ask)).await?;
    }
    for (n, material) in (1..).zip(&fixture.materials) {
        let add = AddMaterial {
            cohort_id: cast.cohort,
            material_id: Some(ids::of("material", &format!("{n}"))),
            week: material.week,
            kind: material.kind,
            title: material.title.clone(),
            content: material.content.clone(),
            position: None,
            file: None,
        };
        stage.perform(Act::by(cast.instructor, format!("material {n}"), add)).await?;
    }
    Ok(())
}
