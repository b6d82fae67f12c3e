//! Files in a bucket: against as much of S3 as is spoken, over real HTTP.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::keeping::{keep, read};
use super::sample;
use crate::files::{Files, FilesError};
use crate::format::Format;

/// The objects of a bucket, and the parts of those that are still being written.
#[derive(Default)]
struct Bucket {
    objects: BTreeMap<String, Bytes>,
    parts: BTreeMap<u32, Bytes>,
}

type Shared = Arc<Mutex<Bucket>>;

async fn serve(State(bucket): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    assert!(parts.headers["authorization"].to_str().unwrap().starts_with("AWS4-HMAC-SHA256 Credential=key/"));
    let key = parts.uri.path().strip_prefix("/bucket").unwrap().trim_start_matches('/').to_owned();
    let query = parts.uri.query().unwrap_or_default();
    let mut bucket = bucket.lock().unwrap();
    let xml = |text: &str| text.to_owned().into_response();
    let part = query.split('&').find_map(|pair| pair.strip_prefix("partNumber=")).map(|number| number.parse().unwrap());
    match (parts.method, part) {
        (Method::PUT, Some(number)) => {
            bucket.parts.insert(number, body);
            [("etag", number.to_string())].into_response()
        }
        (Method::PUT, None) => {
            bucket.objects.insert(key, body);
            [("etag", "whole")].into_response()
        }
        (Method::POST, _) if query.starts_with("uploads") => {
            xml("<InitiateMultipartUploadResult><UploadId>7</UploadId></InitiateMultipartUploadResult>")
        }
        (Method::POST, _) if query.starts_with("delete") => {
            let text = String::from_utf8(body.to_vec()).unwrap();
            let keys: Vec<&str> = text.split("<Key>").skip(1).map(|named| named.split('<').next().unwrap()).collect();
            let deleted = keys.iter().map(|key| {
                bucket.objects.remove(*key);
                format!("<Deleted><Key>{key}</Key></Deleted>")
            });
            xml(&format!("<DeleteResult>{}</DeleteResult>", deleted.collect::<String>()))
        }
        (Method::POST, _) => {
            assert_eq!(query, "uploadId=7");
            let parts = std::mem::take(&mut bucket.parts);
            bucket.objects.insert(key, parts.into_values().collect::<Vec<_>>().concat().into());
            xml("<CompleteMultipartUploadResult><ETag>parts</ETag></CompleteMultipartUploadResult>")
        }
        (method, _) => object(bucket.objects.get(&key), &method, &parts.headers),
    }
}

fn object(found: Option<&Bytes>, method: &Method, headers: &HeaderMap) -> Response {
    let Some(bytes) = found else { return StatusCode::NOT_FOUND.into_response() };
    let common = [("last-modified", "Mon, 02 Feb 2026 08:00:00 GMT"), ("etag", "whole")];
    if method == Method::HEAD {
        return (common, [("content-length", bytes.len().to_string())]).into_response();
    }
    let range = headers["range"].to_str().unwrap().strip_prefix("bytes=").unwrap();
    let (first, last) = range.split_once('-').unwrap();
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    let place = [("content-range", format!("bytes {first}-{last}/{}", bytes.len()))];
    (StatusCode::PARTIAL_CONTENT, common, place, bytes.slice(first..=last)).into_response()
}

#[tokio::test]
async fn keeps_reads_and_takes_away_in_a_bucket() {
    let bucket = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(serve).with_state(bucket.clone());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let variables = [
        ("AWS_ENDPOINT", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "here"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let files = Files::open("s3://bucket/some/prefix", variables).unwrap();

    let small = keep(&files, "small.png", &sample(Format::Png)).await;
    // Of more than one part.
    let mut large = b"%PDF-1.7\n".to_vec();
    large.extend((0..13 << 20).map(|n: u32| n.to_le_bytes()[1]));
    large.extend(b"\n%%EOF\n");
    let whole = keep(&files, "large.pdf", &large).await;
    let keys: Vec<String> = bucket.lock().unwrap().objects.keys().cloned().collect();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| key.starts_with("some/prefix/sites/")), "{keys:?}");

    let size = whole.stored().size;
    assert_eq!(files.size(whole.key()).await.unwrap(), size);
    assert_eq!(read(&files, whole.key(), 0..size).await.unwrap(), large);
    assert_eq!(read(&files, whole.key(), 7_000_000..7_000_010).await.unwrap(), large[7_000_000..7_000_010]);
    assert_eq!(read(&files, small.webp().unwrap(), 0..4).await.unwrap(), b"RIFF");
    let wrong = files.read(whole.key(), 0..4, size + 1).await.err();
    assert!(matches!(wrong, Some(FilesError::OtherSize)), "{wrong:?}");

    files.remove(&small).await.unwrap();
    files.remove(&whole).await.unwrap();
    assert!(bucket.lock().unwrap().objects.is_empty());
    assert!(matches!(files.size(whole.key()).await, Err(FilesError::Missing)));
    server.abort();
}
