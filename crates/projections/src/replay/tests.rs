//! Any history, also an impossible one, gives the same tables however it is cut into batches.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::histories::history;
use super::{in_batches, in_one_go};
use crate::erased::MODELS;

proptest! {
    #[test]
    fn however_a_history_is_cut_it_gives_the_same_tables(history in history(), sizes in vec(0..9_usize, 0..40)) {
        let whole = in_one_go(&history).expect("rows are JSON");
        let pieces = in_batches(&history, &sizes).expect("rows are JSON");
        prop_assert_eq!(whole, pieces);
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
