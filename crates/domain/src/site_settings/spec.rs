//! What commands about a site's settings have in common.

use super::SiteSettings;
use crate::aggregate::AggregateSpec;
use crate::ids::SiteSettingsId;
use crate::world::Loaded;

impl AggregateSpec for SiteSettings {
    /// Every site has its settings, before the first is set.
    fn exists(_: SiteSettingsId, _: &Loaded<Self>) -> bool {
        true
    }
}
