//! CSV says as much as JSON: every field of an item has a column.

use std::collections::BTreeSet;

use rollbook_projections::models::absence_flags::FlagItem;
use rollbook_projections::models::advancement::SheetItem;
use rollbook_projections::models::audit_trail::AuditItem;
use rollbook_projections::models::emails::EmailItem;
use rollbook_projections::models::hub_roster::HubRosterItem;
use rollbook_projections::models::marking_queue::QueueItem;
use rollbook_projections::models::register::RegisterItem;
use rollbook_projections::models::roster::RosterItem;
use schemars::generate::SchemaSettings;

use crate::operation::Item;

fn covers_every_field<I: Item>() {
    let schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<I>();
    let fields: BTreeSet<&str> =
        schema.get("properties").unwrap().as_object().unwrap().keys().map(String::as_str).collect();
    let columns: BTreeSet<&str> = I::COLUMNS.iter().filter_map(|column| column.split('.').next()).collect();
    assert_eq!(fields, columns, "{}", I::schema_name());
}

#[test]
fn every_field_of_an_item_has_a_column() {
    covers_every_field::<RosterItem>();
    covers_every_field::<HubRosterItem>();
    covers_every_field::<FlagItem>();
    covers_every_field::<SheetItem>();
    covers_every_field::<RegisterItem>();
    covers_every_field::<QueueItem>();
    covers_every_field::<AuditItem>();
    covers_every_field::<EmailItem>();
}
