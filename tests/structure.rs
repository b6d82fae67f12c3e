//! Dependencies point one way: domain ← store ← projections ← http ← rollbook.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// Which of the workspace's own crates, and which crates that do I/O, each package may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("rollbook-domain", &[]),
    ("rollbook-embedded", &[]),
    ("rollbook-files", &["rollbook-domain"]),
    ("rollbook-import", &["rollbook-domain"]),
    ("rollbook-oidc", &[]),
    ("rollbook-store", &["rollbook-domain"]),
    ("rollbook-projections", &["rollbook-domain", "rollbook-store"]),
    (
        "rollbook-http",
        &[
            "rollbook-domain",
            "rollbook-files",
            "rollbook-import",
            "rollbook-oidc",
            "rollbook-store",
            "rollbook-projections",
        ],
    ),
    ("rollbook-mail", &["rollbook-domain", "rollbook-store", "rollbook-projections"]),
    (
        "rollbook",
        &[
            "rollbook-domain",
            "rollbook-files",
            "rollbook-import",
            "rollbook-oidc",
            "rollbook-store",
            "rollbook-projections",
            "rollbook-http",
            "rollbook-mail",
            "rollbook-embedded",
        ],
    ),
    // From outside: it reads the database by itself, and asks the projections for their verification only.
    ("rollbook-torture", &["rollbook-store", "rollbook-projections", "rollbook-embedded"]),
];

/// The packages that may depend on anything, and that nothing depends on.
const ON_TOP: &[&str] = &["rollbook-tests", "rollbook-benches"];

#[test]
fn dependencies_point_one_way() {
    let packages = packages();
    for (package, allowed) in ALLOWED {
        let own = packages[*package].iter().filter(|name| name.starts_with("rollbook"));
        let forbidden: Vec<_> = own.filter(|name| !allowed.contains(&name.as_str())).collect();
        assert!(forbidden.is_empty(), "{package} must not depend on {forbidden:?}");
    }
    let known = ALLOWED.len() + ON_TOP.len();
    assert_eq!(packages.len(), known, "a new package needs a line here: {:?}", packages.keys());
}

#[test]
fn the_domain_does_no_io() {
    let io = ["sqlx", "axum", "tokio", "tokio-postgres", "postgres-es", "reqwest", "rand"];
    let found: Vec<_> =
        packages()["rollbook-domain"].iter().filter(|name| io.contains(&name.as_str())).cloned().collect();
    assert!(found.is_empty(), "{found:?}");
}

/// The workspace's packages with what they depend on, leaving out what only their tests need.
fn packages() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let name = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            (name(package), dependencies.iter().filter(|d| d["kind"] != "dev").map(name).collect())
        })
        .collect()
}
