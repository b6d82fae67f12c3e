//! Any history, also an impossible one, gives the same tables however it is cut into batches.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use rollbook_store::Recorded;

use super::histories::history;
use super::{Tables, in_batches, in_one_go};
use crate::erased::MODELS;

proptest! {
    #[test]
    fn however_a_history_is_cut_it_gives_the_same_tables(history in history(), sizes in vec(0..9_usize, 0..40)) {
        let whole = in_one_go(&history).expect("rows are JSON");
        let pieces = in_batches(&history, &sizes).expect("rows are JSON");
        prop_assert_eq!(whole, pieces);
    }

    #[test]
    fn no_row_is_touched_by_two_streams(history in history()) {
        for model in MODELS {
            let mut owners = BTreeMap::new();
            for event in &history {
                let touched = model.touched(std::slice::from_ref(event)).expect("keys are JSON");
                prop_assert!(touched.is_empty() || model.shape().streams.contains(&event.stream.kind));
                for key in touched {
                    let shape = model.shape();
                    let (column, begins) = if shape.written_once {
                        ("position", serde_json::json!(event.position))
                    } else {
                        (shape.key[0], serde_json::json!(event.stream.id))
                    };
                    prop_assert_eq!(&key[column], &begins, "{}", shape.name);
                    let owner = *owners.entry(serde_json::to_string(&key).expect("JSON")).or_insert(event.stream);
                    prop_assert_eq!(owner, event.stream, "{}", model.shape().name);
                }
            }
        }
    }

    #[test]
    fn only_a_model_that_says_so_looks_at_who_did_it(history in history()) {
        let whole = in_one_go(&history).expect("rows are JSON");
        let nobodys = |event: &Recorded| Recorded { actor: None, authority: None, ..event.clone() };
        let without = in_one_go(&history.iter().map(nobodys).collect::<Vec<_>>()).expect("rows are JSON");
        for shape in MODELS.iter().map(|model| model.shape()).filter(|shape| !shape.actors) {
            prop_assert_eq!(&whole[shape.name], &without[shape.name], "{}", shape.name);
        }
    }

    #[test]
    fn a_history_taken_apart_by_streams_gives_the_same_tables(history in history()) {
        let whole = in_one_go(&history).expect("rows are JSON");
        let mut apart = Tables::new();
        for nth in 0..3 {
            let part: Vec<_> = history.iter().filter(|event| event.stream.id.as_u128() % 3 == nth).cloned().collect();
            for (name, rows) in in_one_go(&part).expect("rows are JSON") {
                apart.entry(name).or_default().extend(rows);
            }
        }
        for (name, rows) in &whole {
            let apart = &apart[name];
            prop_assert_eq!(rows.len(), apart.len(), "{}", name);
            prop_assert!(rows.iter().all(|row| apart.contains(row)), "{}", name);
        }
    }
}

#[test]
fn every_row_has_exactly_the_columns_of_its_table() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..20 {
        let history = history().new_tree(&mut runner).expect("a history").current();
        for (name, rows) in in_one_go(&history).expect("rows are JSON") {
            let shape = MODELS.iter().map(|model| model.shape()).find(|shape| shape.name == name);
            let shape = shape.expect("a model");
            let mut columns = [&["site_id"], shape.key, shape.columns].concat();
            columns.sort_unstable();
            for row in rows {
                let mut fields: Vec<_> = row.keys().collect();
                fields.sort_unstable();
                assert_eq!(fields, columns, "{name}");
            }
        }
    }
}
