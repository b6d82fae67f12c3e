//! Whatever happened, the changes of a row's events add up to the row.

use proptest::prelude::*;

use super::*;
use crate::models::people::People;
use crate::replay::histories::history;

/// Plays the changes of every row that a history touches, and compares with the folded table.
fn adds_up<M: ReadModel>(history: &[Recorded]) {
    let mut table = Rows::<M>::default();
    table.fold(history);
    let keys: BTreeSet<(SiteId, M::Key)> =
        history.iter().flat_map(|event| M::touches(event).into_iter().map(|key| (event.site, key))).collect();
    for (site, key) in keys {
        let mut row = Explainer::<M>::new(site, key.clone());
        let mut played = Map::new();
        for event in history {
            let changes = row.next(event).expect("a row is JSON");
            if event.site != site || !M::touches(event).contains(&key) {
                assert_eq!(changes, [], "what does not touch the row does not change it");
            }
            for Change { field, before, after } in changes {
                assert_ne!(before, after, "{field}");
                assert_eq!(played.get(&field).cloned().unwrap_or_default(), before.into_inner(), "{field}");
                played.insert(field, after.into_inner());
            }
        }
        assert_eq!(row.row(), table.get(site, &key));
        played.retain(|_, value| !value.is_null());
        let mut folded = match serde_json::to_value(row.row()).expect("a row is JSON") {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        folded.retain(|field, value| !value.is_null() && field != BOOKKEEPING);
        assert_eq!(played, folded);
    }
}

proptest! {
    #[test]
    fn the_changes_of_a_row_add_up_to_it(history in history()) {
        adds_up::<Roster>(&history);
        adds_up::<AbsenceFlags>(&history);
        adds_up::<People>(&history);
    }
}
