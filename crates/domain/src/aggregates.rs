//! The list of aggregates. Whatever there is one of for each of them (types of stream, ids, events, states, rules) is
//! made from it: a new aggregate is a line here, and what the compiler then asks for.

/// Hands the list to a macro that takes `module: State, Id, Event, Command, Facts, Rule;` for each aggregate.
#[macro_export]
macro_rules! aggregates {
    ($make:ident) => {
        $make! {
            /// A person's name, email, roles and activity.
            person: Person, PersonId, PersonEvent, PersonCommand, PersonFacts, PersonRule;
            /// A course.
            module: Module, ModuleId, ModuleEvent, ModuleCommand, ModuleFacts, ModuleRule;
            /// A run of a course.
            cohort: Cohort, CohortId, CohortEvent, CohortCommand, CohortFacts, CohortRule;
            /// A meeting place.
            hub: Hub, HubId, HubEvent, HubCommand, HubFacts, HubRule;
            /// A student in a cohort.
            enrolment: Enrolment, EnrolmentId, EnrolmentEvent, EnrolmentCommand, EnrolmentFacts, EnrolmentRule;
            /// What a cohort's students see.
            syllabus: Syllabus, SyllabusId, SyllabusEvent, SyllabusCommand, SyllabusFacts, SyllabusRule;
            /// The emails of a cohort.
            week_emails: WeekEmails, WeekEmailsId, WeekEmailsEvent, WeekEmailsCommand, WeekEmailsFacts, WeekEmailsRule;
            /// How a person signs in.
            account: Account, AccountId, AccountEvent, AccountCommand, AccountFacts, AccountRule;
            /// A site of the installation; recorded in the default site.
            site: Site, SiteId, SiteEvent, SiteCommand, SiteFacts, SiteRule;
            /// What a site's owners and admins have settled about it.
            site_settings: SiteSettings, SiteSettingsId, SiteSettingsEvent, SiteSettingsCommand, SiteSettingsFacts,
                SiteSettingsRule;
        }
    };
}
