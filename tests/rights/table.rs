//! The table 'who may' of docs/domain.md, an operation a row.

use serde_json::{Value, json};

use super::scene::Role;
use super::scene::Role::{
    Admin, Coordinator, Instructor, Marker, Nobody, OtherCoordinator, OtherStudent, Owner, Stranger, Student,
    SuperAdmin,
};

/// An operation, whom it lets in, and how it is asked.
pub struct Row {
    /// The operation's id.
    pub id: &'static str,
    /// Whom it lets in.
    pub allowed: &'static [Role],
    /// What they get.
    pub expected: Expected,
    /// What the others get, besides those who have no token: 403, or 404 for what they may not even see.
    pub refused: u16,
    /// The query string.
    pub query: &'static str,
    /// The body.
    pub body: Body,
    /// Path parameters that are not called as the scene calls them.
    pub renamed: &'static [(&'static str, &'static str)],
    /// Of a list that everybody may ask for: who finds something in it; the others find nothing.
    pub shown_to: Option<&'static [Role]>,
}

/// What somebody gets who is let in.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// A receipt, or a rule.
    Done,
    /// Just this.
    Answered(u16),
}

/// What is sent.
pub enum Body {
    /// Nothing.
    None,
    /// JSON, in which `{names}` stand for ids.
    Json(Value),
    /// A file.
    File(&'static str, &'static [u8]),
}

const OPERATORS: &[Role] = &[SuperAdmin];
const ADMINS: &[Role] = &[Owner, SuperAdmin, Admin];
const EDITORS: &[Role] = &[Owner, SuperAdmin, Admin, Instructor];
const ATTENDANCE: &[Role] = &[Owner, SuperAdmin, Admin, Instructor, Coordinator];
const STAFF: &[Role] = &[Owner, SuperAdmin, Admin, Instructor, Marker, Coordinator, OtherCoordinator];
const MARKING: &[Role] = &[Owner, SuperAdmin, Admin, Marker];
const COHORT: &[Role] =
    &[Owner, SuperAdmin, Admin, Instructor, Marker, Coordinator, OtherCoordinator, Student, OtherStudent];
const RECORD: &[Role] = &[Owner, SuperAdmin, Admin, Instructor, Marker, Coordinator, Student];
const EVERYBODY: &[Role] = &[
    Owner,
    SuperAdmin,
    Admin,
    Instructor,
    Marker,
    Coordinator,
    OtherCoordinator,
    Student,
    OtherStudent,
    Stranger,
    Nobody,
];

impl Row {
    /// The path, with the parameters called as the scene calls them.
    pub fn path(&self, path: &str) -> String {
        let rename =
            |path: String, (from, to): &(&str, &str)| path.replace(&format!("{{{from}}}"), &format!("{{{to}}}"));
        self.renamed.iter().fold(path.to_owned(), rename)
    }
}

fn command(id: &'static str, allowed: &'static [Role], body: Value) -> Row {
    Row {
        id,
        allowed,
        expected: Expected::Done,
        refused: 403,
        query: "",
        body: Body::Json(body),
        renamed: &[],
        shown_to: None,
    }
}

fn query(id: &'static str, allowed: &'static [Role], refused: u16) -> Row {
    Row {
        id,
        allowed,
        expected: Expected::Answered(200),
        refused,
        query: "",
        body: Body::None,
        renamed: &[],
        shown_to: None,
    }
}

/// The table: queries first, then commands, those last that end something.
pub fn rows() -> Vec<Row> {
    let mut rows = queries();
    rows.extend(administration());
    rows.extend(teaching());
    rows.extend(progression());
    rows.extend(sites());
    rows.extend(accounts());
    rows.extend(operating());
    rows
}

fn queries() -> Vec<Row> {
    let asked = |row: Row, query| Row { query, ..row };
    let shown = |id, shown_to| Row { shown_to: Some(shown_to), ..query(id, COHORT, 0) };
    vec![
        query("healthz", EVERYBODY, 0),
        query("readyz", EVERYBODY, 0),
        query("metrics", EVERYBODY, 0),
        query("openapi", EVERYBODY, 0),
        query("docs", EVERYBODY, 0),
        // A secret address, of which nobody here knows one.
        Row { expected: Expected::Answered(404), ..query("calendar", EVERYBODY, 0) },
        query("me", COHORT, 0),
        query("list_modules", COHORT, 0),
        shown("list_cohorts", COHORT),
        shown("list_hubs", &[Owner, SuperAdmin, Admin, Coordinator, OtherCoordinator]),
        query("list_people", ADMINS, 403),
        query("get_cohort", COHORT, 404),
        query("roster", STAFF, 403),
        query("absence_flags", STAFF, 403),
        query("hub_roster", &[Owner, SuperAdmin, Admin, Coordinator], 404),
        asked(query("advancement_sheet", &[Owner, SuperAdmin, Admin, Instructor, Marker], 403), "?to_week=2"),
        query("session_attendance", STAFF, 403),
        // The only one is private.
        shown("reflections", &[Owner, SuperAdmin, Admin, Marker, Student]),
        query("get_enrolment", RECORD, 404),
        query("enrolment_history", RECORD, 404),
        query("explain_enrolment", RECORD, 404),
        query("syllabus", COHORT, 404),
        asked(query("syllabus_diff", &[Owner, SuperAdmin, Admin, Instructor, Marker], 403), "?against={cohort_id}"),
        query("week", COHORT, 404),
        Row { renamed: &[("material_id", "document_id")], ..query("material_file", COHORT, 404) },
        query("uploaded_file", ADMINS, 404),
        query("cohort_calendar", COHORT, 404),
        query("cohort_report", ADMINS, 403),
        query("cohort_report_csv", ADMINS, 403),
        query("cohort_report_page", ADMINS, 403),
        query("emails", ADMINS, 403),
        asked(shown("marking_queue", MARKING), "?marker=all"),
        asked(shown("next_to_mark", MARKING), "?marker=all"),
        shown("marker_counts", MARKING),
        query("audit", ADMINS, 403),
        query("events", ADMINS, 403),
        query("subscribe", ADMINS, 403),
        // There is another school, so that what is of all of them is for super admins.
        query("list_projections", OPERATORS, 403),
        query("list_parked_streams", OPERATORS, 403),
    ]
}

/// Why anything is done.
const REASON: &str = "it was decided";

/// People, modules, cohorts, hubs, enrolments, allocation, emails.
fn administration() -> Vec<Row> {
    vec![
        command("RegisterPerson", ADMINS, json!({"name": "Pita", "email": "pita@example.org"})),
        command("CorrectPerson", ADMINS, json!({"person_id": "{newcomer_id}", "name": "Nia N."})),
        command("GrantRole", &[Owner, SuperAdmin], json!({"person_id": "{newcomer_id}", "role": "admin"})),
        command("RevokeRole", &[Owner, SuperAdmin], json!({"person_id": "{newcomer_id}", "role": "admin"})),
        command("DeactivatePerson", ADMINS, json!({"person_id": "{newcomer_id}", "reason": REASON})),
        command("ReactivatePerson", ADMINS, json!({"person_id": "{newcomer_id}"})),
        command("EndAccess", ADMINS, json!({"person_id": "{newcomer_id}"})),
        command("DefineModule", ADMINS, json!({"code": "AKO-3", "title": "Ako"})),
        command("RenameModule", ADMINS, json!({"module_id": "{module_id}", "title": "Ako, first steps"})),
        command("RetireModule", ADMINS, json!({"module_id": "{spare_module_id}"})),
        command(
            "ScheduleCohort",
            ADMINS,
            json!({"module_id": "{module_id}", "name": "Tūī 2027", "starts_on": "2027-02-02", "session_start": "19:00",
                "timezone": "Australia/Sydney"}),
        ),
        command("RenameCohort", ADMINS, json!({"cohort_id": "{cohort_id}", "name": "Kererū"})),
        command(
            "RescheduleSession",
            ADMINS,
            json!({"cohort_id": "{cohort_id}", "week": 8, "starts_at": "2026-03-25T08:00:00Z", "reason": REASON}),
        ),
        command("CancelSession", ADMINS, json!({"cohort_id": "{cohort_id}", "week": 7, "reason": REASON})),
        command("SetCapacity", ADMINS, json!({"cohort_id": "{cohort_id}", "capacity": 70})),
        command("StartCohort", ADMINS, json!({"cohort_id": "{cohort_id}"})),
        command("AppointMarker", ADMINS, json!({"cohort_id": "{cohort_id}", "person_id": "{newcomer_id}"})),
        command("DismissMarker", ADMINS, json!({"cohort_id": "{cohort_id}", "person_id": "{newcomer_id}"})),
        command("AppointInstructor", ADMINS, json!({"cohort_id": "{cohort_id}", "person_id": "{newcomer_id}"})),
        command("DismissInstructor", ADMINS, json!({"cohort_id": "{cohort_id}", "person_id": "{newcomer_id}"})),
        command("FoundHub", ADMINS, json!({"name": "Westland"})),
        command("RenameHub", ADMINS, json!({"hub_id": "{hub_id}", "name": "Northland"})),
        command("AppointCoordinator", ADMINS, json!({"hub_id": "{spare_hub_id}", "person_id": "{newcomer_id}"})),
        command("DismissCoordinator", ADMINS, json!({"hub_id": "{spare_hub_id}"})),
        command("CloseHub", ADMINS, json!({"hub_id": "{spare_hub_id}"})),
        command("EnrolStudent", ADMINS, json!({"cohort_id": "{cohort_id}", "person_id": "{newcomer_id}"})),
        command("JoinHub", ADMINS, json!({"enrolment_id": "{leaver_enrolment_id}"})),
        command("AssignMarker", ADMINS, json!({"enrolment_id": "{enrolment_id}", "marker_id": "{marker_id}"})),
        command("AllocateMarkers", ADMINS, json!({"cohort_id": "{cohort_id}"})),
        command("ImportRoster", ADMINS, json!({"cohort_id": "{cohort_id}", "rows": []})),
        Row {
            body: Body::File("text/csv", b"name,email\nRua,rua@example.org\n"),
            ..query("import_roster", ADMINS, 403)
        },
        command("SendWeekEmails", ADMINS, json!({"cohort_id": "{cohort_id}", "week": 1})),
    ]
}

/// The syllabus, attendance, reflections: only the student's own to write, an admin's and a marker's of the cohort to mark.
fn teaching() -> Vec<Row> {
    vec![
        command(
            "AddMaterial",
            EDITORS,
            json!({"cohort_id": "{cohort_id}", "week": 2, "kind": "page", "title": "More", "content": "Text"}),
        ),
        command(
            "UpdateMaterial",
            EDITORS,
            json!({"cohort_id": "{cohort_id}", "material_id": "{material_id}", "title": "Haere mai"}),
        ),
        command(
            "MoveMaterial",
            EDITORS,
            json!({"cohort_id": "{cohort_id}", "material_id": "{material_id}", "week": 2, "position": 1}),
        ),
        command("RemoveMaterial", EDITORS, json!({"cohort_id": "{cohort_id}", "material_id": "{material_id}"})),
        command("SetReflectionQuestion", EDITORS, json!({"cohort_id": "{cohort_id}", "week": 1, "text": "And you?"})),
        Row {
            query: "?name=Plan.pdf",
            body: Body::File("application/octet-stream", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"),
            ..query("upload", EDITORS, 403)
        },
        command("MarkAttendance", ATTENDANCE, json!({"enrolment_id": "{enrolment_id}", "week": 1, "status": "absent"})),
        command(
            "TakeAttendance",
            ATTENDANCE,
            json!({"cohort_id": "{cohort_id}", "week": 2,
                "marks": [{"enrolment_id": "{enrolment_id}", "status": "absent"}]}),
        ),
        command(
            "ImportAttendance",
            ATTENDANCE,
            json!({"cohort_id": "{cohort_id}", "marks": [{"email": "person6@example.org", "week": 1, "status": "late"}]}),
        ),
        Row {
            body: Body::File("text/csv", b"email,1\nperson6@example.org,p\n"),
            ..query("import_attendance", ATTENDANCE, 403)
        },
        command("ResolveAbsenceFlag", ADMINS, json!({"enrolment_id": "{enrolment_id}", "reason": REASON})),
        command(
            "SubmitReflection",
            &[Student],
            json!({"enrolment_id": "{enrolment_id}", "week": 1, "text": "More of it.", "visibility": "cohort"}),
        ),
        command(
            "SetReflectionVisibility",
            &[Student],
            json!({"enrolment_id": "{enrolment_id}", "week": 1, "visibility": "private"}),
        ),
        command(
            "MarkReflection",
            MARKING,
            json!({"enrolment_id": "{enrolment_id}", "week": 1, "outcome": "pass", "feedback": "Well seen."}),
        ),
        command(
            "AmendMark",
            MARKING,
            json!({"enrolment_id": "{enrolment_id}", "week": 1, "outcome": "fail", "feedback": "Too short.",
                "reason": REASON}),
        ),
    ]
}

/// Who moves on, and what ends.
fn progression() -> Vec<Row> {
    vec![
        command("HoldStudent", ADMINS, json!({"enrolment_id": "{enrolment_id}", "reason": REASON})),
        command("ReleaseStudent", ADMINS, json!({"enrolment_id": "{enrolment_id}"})),
        command("AdvanceStudent", ADMINS, json!({"enrolment_id": "{enrolment_id}", "to_week": 2, "reason": REASON})),
        command("SetWeek", ADMINS, json!({"enrolment_id": "{enrolment_id}", "week": 1, "reason": REASON})),
        command("AdvanceCohort", ADMINS, json!({"cohort_id": "{cohort_id}", "to_week": 2})),
        command("WithdrawStudent", ADMINS, json!({"enrolment_id": "{leaver_enrolment_id}", "reason": REASON})),
        command("ReinstateStudent", ADMINS, json!({"enrolment_id": "{leaver_enrolment_id}"})),
        command(
            "MoveStudent",
            ADMINS,
            json!({"enrolment_id": "{leaver_enrolment_id}", "to_cohort_id": "{next_cohort_id}", "reason": REASON}),
        ),
        command("CompleteEnrolment", ADMINS, json!({"enrolment_id": "{enrolment_id}"})),
        command("CompleteCohort", ADMINS, json!({"cohort_id": "{cohort_id}"})),
        command("ArchiveCohort", ADMINS, json!({"cohort_id": "{cohort_id}"})),
        command("CancelCohort", ADMINS, json!({"cohort_id": "{next_cohort_id}", "reason": REASON})),
    ]
}

/// Signing in is for everybody, and refused here for what is missing; an account is its holder's.
fn accounts() -> Vec<Row> {
    let answered = |row: Row, status| Row { expected: Expected::Answered(status), ..row };
    let told = |id, body| Row { body: Body::Json(body), ..query(id, EVERYBODY, 0) };
    let own = |id, body| Row { body: Body::Json(body), ..query(id, COHORT, 0) };
    vec![
        query("sign_in_page", EVERYBODY, 0),
        query("invitation_page", EVERYBODY, 0),
        query("password_reset_page", EVERYBODY, 0),
        answered(told("sign_in", json!({"email": "person6@example.org"})), 422),
        answered(told("accept_invitation", json!({"secret": "made up", "password": "a long pass phrase"})), 409),
        answered(told("reset_password", json!({})), 422),
        // No other system is configured.
        answered(query("sign_in_elsewhere", EVERYBODY, 0), 404),
        answered(query("sign_in_from_elsewhere", EVERYBODY, 0), 404),
        Row { body: Body::Json(json!({})), ..query("invite", ADMINS, 403) },
        own("create_api_key", json!({"name": "Sheet", "scope": "read", "expires_at": "2026-12-31T00:00:00Z"})),
        answered(query("link_identity", COHORT, 0), 404),
        query("api_keys", COHORT, 0),
        query("sessions", COHORT, 0),
        query("identities", COHORT, 0),
        query("access", ADMINS, 403),
        // Nobody here has such a key, such a session, or a password.
        answered(query("revoke_api_key", COHORT, 0), 404),
        answered(query("end_session", COHORT, 0), 404),
        answered(query("unlink_identity", COHORT, 0), 404),
        answered(query("end_session_of", ADMINS, 403), 404),
        answered(query("revoke_api_key_of", ADMINS, 403), 404),
        answered(query("unlink_identity_of", ADMINS, 403), 404),
        answered(own("change_password", json!({"current": "not this one", "new": "a long pass phrase"})), 403),
        // Each would have the same one.
        Row { body: Body::Json(json!({})), ..answered(query("change_email", ADMINS, 403), 422) },
        query("second_factor_page", EVERYBODY, 0),
        // Whoever has not signed in is sent to do so.
        query("second_factors_page", EVERYBODY, 0),
        answered(told("show_second_factor", json!({"half": "made up", "code": "123456"})), 401),
        answered(told("challenge_passkey", json!({"half": "made up"})), 401),
        query("second_factors", COHORT, 0),
        // Nobody here has a password or a second factor to show.
        own("begin_totp", json!({})),
        own("begin_passkey", json!({})),
        answered(own("confirm_totp", json!({"factor_id": "{factor_id}", "code": "123456"})), 409),
        answered(own("confirm_passkey", json!({"credential": {}})), 422),
        answered(own("rename_second_factor", json!({"name": "Telephone"})), 404),
        answered(own("remove_second_factor", json!({})), 404),
        answered(own("renew_recovery_codes", json!({})), 409),
        Row {
            renamed: &[("person_id", "newcomer_id")],
            ..answered(query("remove_second_factors_of", ADMINS, 403), 204)
        },
        answered(query("sign_out_everywhere", COHORT, 0), 204),
    ]
}

/// The read models, and what people have to themselves; the end of a token comes last.
fn operating() -> Vec<Row> {
    let answered = |row: Row, status| Row { expected: Expected::Answered(status), ..row };
    vec![
        query("verify_projection", OPERATORS, 403),
        query("rebuild_projection", OPERATORS, 403),
        query("retry_projection", OPERATORS, 403),
        // Nobody has had such an email.
        answered(query("retry_email", ADMINS, 403), 404),
        query("issue_calendar_link", COHORT, 0),
        answered(query("revoke_calendar_link", COHORT, 0), 204),
        answered(query("revoke_token", COHORT, 0), 204),
        answered(query("sign_out", COHORT, 0), 204),
    ]
}

/// The sites of the installation, and what this one settles for itself.
fn sites() -> Vec<Row> {
    const SUPER_ADMINS: &[Role] = &[SuperAdmin];
    let answered = |row: Row, status| Row { expected: Expected::Answered(status), ..row };
    vec![
        query("site", COHORT, 0),
        query("list_sites", SUPER_ADMINS, 403),
        query("site_by_id", SUPER_ADMINS, 403),
        command("SetSiteSetting", ADMINS, json!({"setting": {"name": "session_hours", "value": 12}})),
        command("OpenSite", SUPER_ADMINS, json!({"slug": "far", "name": "Far", "owner_email": "far@example.org"})),
        command("RenameSite", SUPER_ADMINS, json!({"site_id": "{site_id}", "name": "Beside"})),
        // The site was opened without one.
        Row {
            body: Body::Json(json!({"url": "postgres://nobody:nothing@127.0.0.1:1/none"})),
            ..answered(query("give_site_database", SUPER_ADMINS, 403), 409)
        },
        command(
            "SetSiteHosts",
            SUPER_ADMINS,
            json!({"site_id": "{site_id}", "hosts": [{"host": "beside.example.org"}]}),
        ),
        command("CloseSite", SUPER_ADMINS, json!({"site_id": "{site_id}", "reason": REASON})),
        command("ReopenSite", SUPER_ADMINS, json!({"site_id": "{site_id}"})),
    ]
}
