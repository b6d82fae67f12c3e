//! Ranges, conditions and names, as clients send them.

use axum::http::HeaderMap;
use axum::http::header::{IF_NONE_MATCH, IF_RANGE, RANGE};

use super::asked::{Part, is_known, part};
use super::disposition::disposition;

const TAG: &str = "\"abc\"";

fn headers(range: &str, version: Option<&str>) -> HeaderMap {
    let version = version.map(|version| (IF_RANGE, version.parse().unwrap()));
    [(RANGE, range.parse().unwrap())].into_iter().chain(version).collect()
}

#[test]
fn reads_one_range() {
    for (range, expected) in [
        ("bytes=0-0", Part::Bytes(0..1)),
        ("bytes=2-5", Part::Bytes(2..6)),
        ("bytes=5-", Part::Bytes(5..10)),
        ("bytes=-3", Part::Bytes(7..10)),
        ("bytes=-99", Part::Bytes(0..10)),
        ("bytes=8-99", Part::Bytes(8..10)),
        ("bytes=0-18446744073709551615", Part::Bytes(0..10)),
        ("bytes=10-", Part::Beyond),
        ("bytes=10-12", Part::Beyond),
        ("bytes=-0", Part::Beyond),
        ("bytes=5-2", Part::Whole),
        ("bytes=-", Part::Whole),
        ("bytes=0-1,4-5", Part::Whole),
        ("bytes=+1-2", Part::Whole),
        ("bytes=a-b", Part::Whole),
        ("bytes=0-99999999999999999999", Part::Whole),
        ("lines=0-1", Part::Whole),
        ("", Part::Whole),
    ] {
        assert_eq!(part(&headers(range, None), TAG, 10), expected, "{range}");
    }
    assert_eq!(part(&HeaderMap::new(), TAG, 10), Part::Whole);
    assert_eq!(part(&headers("bytes=0-", None), TAG, 0), Part::Beyond);
}

#[test]
fn gives_a_part_only_of_the_version_that_the_client_has() {
    assert_eq!(part(&headers("bytes=2-5", Some(TAG)), TAG, 10), Part::Bytes(2..6));
    for other in ["\"abd\"", "W/\"abc\"", "Mon, 02 Feb 2026 08:00:00 GMT"] {
        assert_eq!(part(&headers("bytes=2-5", Some(other)), TAG, 10), Part::Whole, "{other}");
    }
}

#[test]
fn knows_again_what_the_client_has() {
    let known = |value: &str| is_known(&[(IF_NONE_MATCH, value.parse().unwrap())].into_iter().collect(), TAG);
    for value in ["\"abc\"", "W/\"abc\"", "*", "\"x\", \"abc\""] {
        assert!(known(value), "{value}");
    }
    for value in ["\"abd\"", "abc", "\"ABC\"", ""] {
        assert!(!known(value), "{value}");
    }
    assert!(!is_known(&HeaderMap::new(), TAG));
}

#[test]
fn a_name_stays_in_its_quotes() {
    for (name, webp, inline, expected) in [
        ("a.pdf", false, false, "attachment; filename=\"a.pdf\"; filename*=UTF-8''a.pdf"),
        ("a b.png", true, true, "inline; filename=\"a b.webp\"; filename*=UTF-8''a%20b.webp"),
        ("第一.pdf", false, false, "attachment; filename=\"__.pdf\"; filename*=UTF-8''%E7%AC%AC%E4%B8%80.pdf"),
        (
            "\"; x=\\%22'.pdf",
            false,
            false,
            "attachment; filename=\"_; x=__22'.pdf\"; filename*=UTF-8''%22%3B%20x%3D%5C%2522%27.pdf",
        ),
    ] {
        assert_eq!(disposition(name, webp, inline), expected);
    }
}
