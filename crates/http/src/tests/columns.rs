//! CSV says as much as JSON: every field of an item has a column.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;

use crate::operation::Success;
use crate::operations;

#[test]
fn every_field_of_an_item_has_a_column() {
    let mut sheets = 0;
    for operation in operations() {
        let Success::Page { item, columns, .. } = operation.success else { continue };
        if columns.is_empty() {
            continue;
        }
        let mut settings = SchemaSettings::draft2020_12().for_serialize();
        settings.inline_subschemas = true;
        let schema = item(&mut settings.into_generator());
        let fields: BTreeSet<&str> =
            schema.get("properties").unwrap().as_object().unwrap().keys().map(String::as_str).collect();
        let columns: BTreeSet<&str> = columns.iter().filter_map(|column| column.split('.').next()).collect();
        assert_eq!(fields, columns, "{}", operation.id);
        sheets += 1;
    }
    assert!(sheets >= 8, "{sheets} lists come as CSV");
}
