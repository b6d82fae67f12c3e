//! Dependencies point one way: domain ← store ← projections ← http ← rollbook; each is used, and what they lead to is free.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Which of the workspace's own crates, and which crates that do I/O, each package may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("rollbook-background", &[]),
    ("rollbook-domain", &[]),
    ("rollbook-embedded", &[]),
    ("rollbook-files", &["rollbook-background", "rollbook-domain", "rollbook-turns"]),
    ("rollbook-import", &["rollbook-domain"]),
    ("rollbook-oidc", &[]),
    ("rollbook-turns", &["rollbook-domain"]),
    ("rollbook-store", &["rollbook-domain"]),
    ("rollbook-projections", &["rollbook-domain", "rollbook-store"]),
    (
        "rollbook-http",
        &[
            "rollbook-background",
            "rollbook-domain",
            "rollbook-files",
            "rollbook-import",
            "rollbook-oidc",
            "rollbook-store",
            "rollbook-projections",
            "rollbook-turns",
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
const ON_TOP: &[&str] = &["rollbook-benches"];

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
    let metadata = metadata(&["--no-deps"]);
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

/// What is named nowhere, and is there for a feature of something else.
const UNNAMED: &[(&str, &str)] = &[
    // How the object store's client verifies servers.
    ("rollbook-files", "reqwest"),
];

#[test]
fn every_dependency_is_used() {
    let metadata = metadata(&["--no-deps"]);
    let mut unused = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().expect("a name");
        let own = Path::new(package["manifest_path"].as_str().expect("a path")).parent().expect("a folder");
        let targets = package["targets"].as_array().expect("targets").iter();
        let folders = targets.map(|target| Path::new(target["src_path"].as_str().expect("a path")).parent());
        let code: String = folders.map(|folder| code_in(folder.expect("a folder"))).chain([code_in(own)]).collect();
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let called = dependency["rename"].as_str().or(dependency["name"].as_str()).expect("a name");
            let path = format!("{}::", called.replace('-', "_"));
            let is_used = code
                .match_indices(&path)
                .any(|(at, _)| !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_'));
            if !is_used && !UNNAMED.contains(&(name, called)) {
                unused.push(format!("{name} does not use {called}"));
            }
        }
    }
    assert!(unused.is_empty(), "{}", unused.join("\n"));
}

/// All code in a folder, however deep.
fn code_in(folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let texts = entries.map(|path| match path.extension() {
        _ if path.is_dir() => code_in(&path),
        Some(extension) if extension == "rs" => fs::read_to_string(&path).expect("text"),
        _ => String::new(),
    });
    texts.collect()
}

/// What this machine is called by those who compile for it: only what it needs has been fetched.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host").to_owned()
}

/// What cargo says of the workspace.
fn metadata(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--locked"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// What lets anybody use, change and pass on the service under its own licence.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    // Binds who changes its files, which we do not.
    "MPL-2.0",
    "PostgreSQL",
    "Unicode-3.0",
    "Zlib",
];

/// One implementation of TLS, and it is not a C library of the system's.
const BANNED: &[&str] = &["native-tls", "openssl", "openssl-sys"];

#[test]
fn what_the_service_is_built_of_is_free_and_comes_from_one_place() {
    let all = metadata(&["--filter-platform", &host()]);
    let packages = all["packages"].as_array().expect("packages");
    assert!(packages.len() > 200, "{}", packages.len());
    let mut wrong = Vec::new();
    for package in packages {
        let text = |field: &str| package[field].as_str();
        let name = text("name").expect("a name");
        if BANNED.contains(&name) {
            wrong.push(format!("{name} is banned"));
        }
        if text("source").is_some_and(|source| source != "registry+https://github.com/rust-lang/crates.io-index") {
            wrong.push(format!("{name} comes from {:?}", text("source")));
        }
        let expression = spdx::Expression::parse_mode(text("license").unwrap_or_default(), spdx::ParseMode::LAX);
        let free = expression.as_ref().is_ok_and(|expression| {
            expression.evaluate(|one| one.license.id().is_some_and(|id| LICENCES.contains(&id.name)))
        });
        if !free {
            wrong.push(format!("{name} is licensed under {:?}", text("license")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The documents that tell a reader where something is.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/domain.md",
    "docs/guide.md",
    "docs/operations.md",
    "docs/security.md",
];

/// Where their paths begin.
const ROOTS: &[&str] =
    &["", "docs", "crates", "crates/domain/src", "crates/domain", "crates/projections/src", "crates/http/src"];

#[test]
fn every_file_that_the_documents_name_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut named = 0;
    let mut gone = Vec::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(root.join(document)).expect(document);
        // Between backticks, and where links lead.
        let source = |span: &&str| matches!(Path::new(span).extension(), Some(end) if end == "rs" || end == "sql");
        let spans = text.split('`').skip(1).step_by(2).filter(source);
        // The recipes say what to make.
        let spans = spans.filter(|span| !span.contains('<') && (span.contains('/') || *document != "CONTRIBUTING.md"));
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let links = links.filter(|link| !link.is_empty() && !link.contains("://"));
        for path in spans.chain(links) {
            named += 1;
            if !ROOTS.iter().any(|begins| root.join(begins).join(path).exists()) {
                gone.push(format!("{document}: {path}"));
            }
        }
    }
    assert!(named > 60, "{named}");
    assert!(gone.is_empty(), "{}", gone.join("\n"));
}
