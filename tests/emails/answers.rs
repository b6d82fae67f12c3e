//! What admins see of a cohort's emails.

use serde_json::json;

use super::scene::Scene;

#[tokio::test]
async fn the_list_is_for_admins_filtered_paged_and_as_csv() {
    let mut scene = Scene::open().await;
    let students = scene.school.students(3).await;
    scene.send(1).await;
    scene.deliver().await;
    scene.school.command("AdvanceStudent", json!({"enrolment_id": students[0].enrolment, "to_week": 2})).await;
    scene.send(2).await;
    let path = format!("/v1/cohorts/{}/emails", scene.school.cohort);
    for token in [&scene.school.instructor, &scene.school.marker, &scene.school.coordinator] {
        assert_eq!(scene.school.service.ask(token, &path).await.status, 403);
    }
    assert_eq!(scene.emails("").await.len(), 4);
    assert_eq!(scene.emails("?week=2").await.len(), 1);
    assert_eq!(scene.emails("?status=sent").await.len(), 3);
    assert_eq!(scene.emails("?status=waiting&week=1").await.len(), 0);
    assert_eq!(scene.emails("").await[0]["week"], 2, "the newest first");
    let unknown = scene.school.service.ask(&scene.school.admin, &format!("{path}?status=lost")).await;
    assert_eq!(unknown.status, 422, "{}", unknown.text);
    let nowhere = format!("/v1/cohorts/{}/emails", uuid::Uuid::new_v4());
    assert_eq!(scene.school.service.ask(&scene.school.admin, &nowhere).await.status, 404);

    let mut seen = Vec::new();
    let mut next = format!("{path}?limit=3");
    loop {
        let page = scene.school.service.get(&scene.school.admin, &next).await;
        seen.extend(page["items"].as_array().expect("items").iter().map(|item| item["message_id"].clone()));
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("{path}?limit=3&after={cursor}");
    }
    let all: Vec<_> = scene.emails("").await.iter().map(|item| item["message_id"].clone()).collect();
    assert_eq!(seen, all);

    let csv = scene.school.service.ask(&scene.school.admin, &format!("{path}?format=csv&status=sent")).await;
    let heading = "message_id,enrolment_id,name,email,kind,week,status,attempts,requested_at,sent_at,detail,position";
    assert_eq!(csv.text.lines().next(), Some(heading));
    assert_eq!(csv.text.matches(",week_open,1,sent,1,").count(), 3, "{}", csv.text);
}
