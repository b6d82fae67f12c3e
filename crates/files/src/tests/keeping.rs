//! Files in a folder: kept, read in parts, taken away, and nothing left over.

use futures::TryStreamExt;
use rollbook_domain::SiteId;
use rollbook_domain::file::StoredFile;
use uuid::Uuid;

use super::{examine, sample};
use crate::checked::{CheckedFile, ObjectKey};
use crate::files::{Files, FilesError};
use crate::format::Format;
use crate::name::FileName;
use crate::place::PlaceError;
use crate::received::{Examined, Received};

/// A file as it is when it has been looked into.
async fn examined(bytes: &[u8], format: Format) -> Examined {
    let body = futures::stream::iter([std::io::Result::Ok(bytes.to_vec())]);
    let Received { file, size, sha256 } = Received::receive(body).await.unwrap();
    let webp = examine(bytes, format).unwrap().map(|webp| super::file(&webp));
    Examined { file, size, sha256, webp }
}

/// Keeps these bytes under a name.
pub async fn keep(files: &Files, name: &str, bytes: &[u8]) -> CheckedFile {
    let name = FileName::try_new(name).unwrap();
    let examined = examined(bytes, name.format()).await;
    let file = CheckedFile::describe(SiteId::DEFAULT, Uuid::new_v4(), &name, &examined);
    files.keep(&file, examined).await.unwrap();
    file
}

/// Some of an object's bytes.
pub async fn read(files: &Files, key: &ObjectKey, range: std::ops::Range<u64>) -> Result<Vec<u8>, FilesError> {
    let size = files.size(key).await?;
    let pieces: Vec<_> = files.read(key, range, size).await?.try_collect().await?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn keeps_reads_and_takes_away() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::in_folder(&folder.path().join("not/there/yet")).unwrap();
    let png = sample(Format::Png);
    let file = keep(&files, "A chart.png", &png).await;
    let StoredFile { key, size, .. } = file.stored();
    assert!(key.starts_with(&format!("sites/{}/image/", SiteId::DEFAULT)) && key.ends_with("/a-chart.png"));
    assert_eq!((files.size(file.key()).await.unwrap(), *size), (png.len() as u64, png.len() as u64));
    assert_eq!(read(&files, file.key(), 0..*size).await.unwrap(), png);
    assert_eq!(read(&files, file.key(), 10..20).await.unwrap(), png[10..20]);
    let webp = file.webp().unwrap();
    assert_eq!(read(&files, webp, 0..4).await.unwrap(), b"RIFF");
    let wrong = files.read(file.key(), 0..4, size + 1).await.err();
    assert!(matches!(wrong, Some(FilesError::OtherSize)), "{wrong:?}");

    let of_file = folder.path().join("not/there/yet").join(key).parent().unwrap().to_owned();
    std::fs::write(of_file.join("a-chart.png#1"), "what a killed process left").unwrap();
    files.remove(&file).await.unwrap();
    assert!(!of_file.exists());
    for key in [file.key(), webp] {
        assert!(matches!(files.size(key).await, Err(FilesError::Missing)));
        assert!(matches!(read(&files, key, 0..1).await, Err(FilesError::Missing)));
    }
    files.remove(&file).await.expect("what is not there need not be taken away");
}

#[tokio::test]
async fn what_is_not_an_uploads_own_is_not_taken_away_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::in_folder(folder.path()).unwrap();
    let file = keep(&files, "a.pdf", &sample(Format::Pdf)).await;
    let place = folder.path().join(&file.stored().key);
    let beside = ["b.pdf", "a.pdf#", "a.pdf#x", "xa.pdf"].map(|name| place.with_file_name(name));
    for other in &beside {
        std::fs::write(other, "somebody else's").unwrap();
    }
    assert!(matches!(files.remove(&file).await, Err(FilesError::Failed(_))), "the folder is not empty");
    assert!(beside.iter().all(|other| other.exists()) && !place.exists());
    for other in &beside {
        std::fs::remove_file(other).unwrap();
    }
    files.remove(&file).await.unwrap();
    assert!(!place.parent().unwrap().exists());
}

/// Wherever on a key's way somebody puts a link.
#[tokio::test]
async fn no_link_leads_out_of_the_folder() {
    for depth in 1..=5 {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = Files::in_folder(folder.path()).unwrap();
        let file = keep(&files, "a.pdf", &sample(Format::Pdf)).await;
        let path = folder.path().join(&file.stored().key);
        let linked = path.ancestors().nth(5 - depth).unwrap();
        let moved = outside.path().join("moved");
        std::fs::rename(linked, &moved).unwrap();
        std::os::unix::fs::symlink(&moved, linked).unwrap();
        let refused = [files.size(file.key()).await.err(), read(&files, file.key(), 0..1).await.err()];
        for refused in refused.into_iter().chain([files.remove(&file).await.err()]) {
            assert!(matches!(refused, Some(FilesError::Failed(_))), "{depth}: {refused:?}");
        }
        let again = examined(&sample(Format::Pdf), Format::Pdf).await;
        assert!(matches!(files.keep(&file, again).await, Err(FilesError::Failed(_))), "{depth}");
        std::fs::remove_file(linked).unwrap();
        std::fs::rename(&moved, linked).unwrap();
        assert_eq!(read(&files, file.key(), 0..file.stored().size).await.unwrap(), sample(Format::Pdf), "{depth}");
    }
}

#[tokio::test]
async fn a_failure_names_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::in_folder(&folder.path().join("files")).unwrap();
    let file = keep(&files, "Annas Zeugnis.pdf", &sample(Format::Pdf)).await;
    let place = folder.path().join("files").join(&file.stored().key);
    std::fs::remove_file(&place).unwrap();
    std::fs::create_dir_all(place.join("in the way")).unwrap();
    let size = file.stored().size;
    let failed = match files.read(file.key(), 0..size, size).await {
        Ok(pieces) => pieces.try_collect::<Vec<_>>().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(!failed.to_string().contains("zeugnis"), "{failed}");
}

#[test]
fn a_place_is_a_folder_or_a_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("a file");
    std::fs::write(&taken, "").unwrap();
    let open = |place: &str| Files::open(place, []);
    assert!(matches!(open(taken.to_str().unwrap()), Err(PlaceError::Folder { .. })));
    for place in
        ["", "s3://", "s3:///prefix", "s3://UPPER/x", "s3://bucket/a//b", "s3://b/../c", "gs://bucket/x", "https://x"]
    {
        assert!(matches!(open(place), Err(PlaceError::Unreadable(_))), "{place}");
    }
    assert!(open(folder.path().join("new").to_str().unwrap()).is_ok());
    for place in ["s3://bucket", "s3://bucket/", "s3://my.bucket-1/a/prefix"] {
        assert!(open(place).is_ok(), "{place}");
    }
    let nonsense = [("AWS_ALLOW_HTTP".to_owned(), "perhaps".to_owned())];
    assert!(matches!(Files::open("s3://bucket", nonsense), Err(PlaceError::Bucket(_))));
    let others = [("AWS_PAGER".to_owned(), "less".to_owned()), ("HOME".to_owned(), "/".to_owned())];
    assert!(Files::open("s3://bucket", others).is_ok());
}
