//! What is believed of what a database says of a file.

use proptest::prelude::*;
use rollbook_domain::SiteId;
use rollbook_domain::file::StoredFile;
use uuid::Uuid;

use crate::checked::{CheckedFile, ForeignFile};
use crate::format::{Format, Kind};

const SITE: SiteId = SiteId(Uuid::from_u128(1));
const OTHER_SITE: SiteId = SiteId(Uuid::from_u128(2));
const UPLOAD: Uuid = Uuid::from_u128(3);
const OTHER_UPLOAD: Uuid = Uuid::from_u128(4);

/// As the service writes it.
fn written(format: Format) -> StoredFile {
    let (kind, extension) = (format.kind().as_str(), format.extension());
    let folder = format!("sites/{SITE}/{kind}/{UPLOAD}");
    let webp = format.kind() == Kind::Image && format != Format::Webp;
    StoredFile {
        key: format!("{folder}/week-1.{extension}"),
        name: format!("Week 1.{extension}"),
        size: 7,
        sha256: "0123456789abcdef".repeat(4),
        media_type: format.media_type().to_owned(),
        webp_key: webp.then(|| format!("{folder}/week-1.webp")),
    }
}

fn checked(file: &StoredFile) -> Result<CheckedFile, ForeignFile> {
    CheckedFile::try_new(SITE, UPLOAD, file.clone())
}

#[test]
fn what_the_service_wrote_is_believed() {
    for format in Format::ALL {
        let file = written(format);
        let believed = checked(&file).unwrap();
        assert_eq!((believed.stored(), believed.format()), (&file, format));
        assert_eq!(believed.key().parts().join("/"), file.key);
        assert_eq!(believed.webp().map(|key| key.parts().join("/")), file.webp_key);
    }
    // Nobody needs to have a WebP, and names may be such as leave nothing of theirs in the key.
    assert!(checked(&StoredFile { webp_key: None, ..written(Format::Png) }).is_ok());
    let key = format!("sites/{SITE}/document/{UPLOAD}/file.pdf");
    assert!(checked(&StoredFile { name: "第一週.PDF".to_owned(), key, ..written(Format::Pdf) }).is_ok());
    assert!(!format!("{:?}", checked(&written(Format::Pdf))).contains("week"), "a name may be somebody's");
}

/// Keys that lead, or might lead, anywhere but to the upload's own object.
fn foreign_keys(right: &str) -> Vec<String> {
    let site = SITE.to_string();
    let mut keys = vec![
        String::new(),
        "/".to_owned(),
        "//".to_owned(),
        "..".to_owned(),
        "x".to_owned(),
        "/etc/passwd".to_owned(),
        "sites".to_owned(),
        "sites/x".to_owned(),
        format!("sites/{site}"),
        format!("sites/{site}/"),
        format!("/{right}"),
        format!("//{right}"),
        format!("./{right}"),
        format!("../{right}"),
        format!("{right}/"),
        format!("{right}/."),
        format!("{right}/.."),
        format!("{right}/../x"),
        format!("{right}#1"),
        format!("{right}\0"),
        format!("{right} "),
        format!("{right}\n"),
        right.to_uppercase(),
        right.replace('/', "//"),
        right.replace('/', "\\"),
        right.replace('/', "%2f"),
        right.replace("sites/", "sites/../"),
        right.replace("sites/", "sites/%2e%2e/sites/"),
        right.replace("week", "%77eek"),
        right.replace("week", "week\0"),
        right.replace("week", &"w".repeat(100_000)),
        right.replace(&site, &OTHER_SITE.to_string()),
        right.replace(&site, &SITE.0.simple().to_string()),
        right.replace(&UPLOAD.to_string(), &OTHER_UPLOAD.to_string()),
        right.replace(&UPLOAD.to_string(), ""),
    ];
    let (one, other) = (Kind::Image.as_str(), Kind::Document.as_str());
    keys.push(if right.contains(one) { right.replace(one, other) } else { right.replace(other, one) });
    keys
}

#[test]
fn a_key_that_leads_elsewhere_is_refused() {
    for format in Format::ALL {
        let file = written(format);
        for key in foreign_keys(&file.key) {
            let refused = checked(&StoredFile { key: key.clone(), ..file.clone() });
            assert!(refused.is_err(), "{key:.80}");
        }
        let webp = file.webp_key.clone().unwrap_or_else(|| file.key.replace(format.extension(), "webp"));
        for key in foreign_keys(&webp) {
            let refused = checked(&StoredFile { webp_key: Some(key.clone()), ..file.clone() });
            assert!(refused.is_err(), "{key:.80}");
        }
        if file.webp_key.is_none() {
            let refused = checked(&StoredFile { webp_key: Some(webp), ..file.clone() });
            assert!(refused.is_err(), "a {format:?} has no WebP beside it");
        }
        assert!(CheckedFile::try_new(OTHER_SITE, UPLOAD, file.clone()).is_err());
        assert!(CheckedFile::try_new(SITE, OTHER_UPLOAD, file).is_err());
    }
}

#[test]
fn whatever_headers_are_made_of_is_checked() {
    let right = written(Format::Png);
    let with = |change: &dyn Fn(&mut StoredFile)| {
        let mut file = right.clone();
        change(&mut file);
        checked(&file)
    };
    for name in
        ["", ".", "..", "Week 1", "Week 1.html", "Week 1.svg", "Week 2.png", "../Week 1.png", "Week\u{202e} 1.png"]
    {
        assert!(with(&|file| name.clone_into(&mut file.name)).is_err(), "{name:?}");
    }
    for name in ["Week 1.png\r\nx: y", "Week 1.png\0", " Week 1.png", "a/Week 1.png", "Week 1.pdf"] {
        assert!(with(&|file| name.clone_into(&mut file.name)).is_err(), "{name:?}");
    }
    for media_type in ["", "image/svg+xml", "text/html", "image/png; charset=x", "image/jpeg", "image/png\r\nx: y"] {
        assert!(with(&|file| media_type.clone_into(&mut file.media_type)).is_err(), "{media_type:?}");
    }
    for size in [0, (50 << 20) + 1, u64::MAX] {
        assert!(with(&|file| file.size = size).is_err(), "{size}");
    }
    let (long, short) = ("a".repeat(65), "a".repeat(63));
    for sha256 in ["", "\"", &long, &short, &"A".repeat(64), &format!("{short}\"")] {
        assert!(with(&|file| sha256.clone_into(&mut file.sha256)).is_err(), "{sha256}");
    }
}

proptest! {
    #[test]
    fn no_key_but_the_right_one_is_believed(key in "(sites|\\.\\.|/|%2e|[a-z0-9-]{0,9}|\\PC|image|document|\\\\){0,12}") {
        let document = StoredFile { key: key.clone(), ..written(Format::Pdf) };
        let picture = StoredFile { webp_key: Some(key), ..written(Format::Png) };
        prop_assert!(checked(&document).is_err());
        prop_assert!(checked(&picture).is_err());
    }
}
