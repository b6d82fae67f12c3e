//! What a configuration may be, and that it shows no secret.

use super::*;

fn nothing() -> Settings {
    Settings {
        resend_api_key: None,
        resend_url: None,
        smtp_url: None,
        from: None,
        directory: "emails".into(),
        public_url: None,
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

fn from() -> String {
    "Our school <school@example.org>".to_owned()
}

#[test]
fn nothing_configured_writes_files() {
    assert!(matches!(nothing().configured().unwrap().provider, Provider::Folder(_)));
    let blank = Settings {
        resend_api_key: Some(secret(" ")),
        smtp_url: Some(secret("")),
        from: Some(String::new()),
        ..nothing()
    };
    assert!(matches!(blank.configured().unwrap().provider, Provider::Folder(_)));
}

#[tokio::test]
async fn refuses_two_providers_and_a_missing_or_a_broken_sender() {
    let (key, smtp_url) = (Some(secret("re_123")), Some(secret("smtp://localhost")));
    let both = Settings { resend_api_key: key.clone(), smtp_url: smtp_url.clone(), from: Some(from()), ..nothing() };
    assert_eq!(both.check(), Err(ConfigError::TwoProviders));
    assert_eq!(Settings { resend_api_key: key, ..nothing() }.check(), Err(ConfigError::NoFrom));
    assert_eq!(Settings { smtp_url: smtp_url.clone(), ..nothing() }.check(), Err(ConfigError::NoFrom));
    let broken = Some("nobody at all".to_owned());
    assert_eq!(Settings { from: broken, ..nothing() }.check(), Err(ConfigError::BadFrom));
    assert_eq!(Settings { smtp_url, from: Some(from()), ..nothing() }.check(), Ok(()));
}

#[test]
fn refuses_addresses_that_are_none_and_a_key_in_clear() {
    let smtp = Settings { smtp_url: Some(secret("mail.example.org")), from: Some(from()), ..nothing() };
    assert_eq!(smtp.check(), Err(ConfigError::BadSmtpUrl));
    for url in ["smtp://me:pw@mail.example.org", "smtp://me:pw@mail.example.org?tls=opportunistic"] {
        let smtp = Settings { smtp_url: Some(secret(url)), from: Some(from()), ..nothing() };
        assert_eq!(smtp.check(), Err(ConfigError::SmtpInClear), "{url}");
    }
    for url in ["http://api.resend.com", "ftp://api.resend.com", "api.resend.com", "https://user:pw@api.resend.com"] {
        let resend = Settings {
            resend_api_key: Some(secret("re_123")),
            resend_url: Some(url.to_owned()),
            from: Some(from()),
            ..nothing()
        };
        assert_eq!(resend.check(), Err(ConfigError::BadResendUrl), "{url}");
    }
    for url in ["school.example.org", "javascript:alert(1)"] {
        let page = Settings { public_url: Some(url.to_owned()), ..nothing() };
        assert_eq!(page.check(), Err(ConfigError::BadPublicUrl), "{url}");
    }
}

#[tokio::test]
async fn takes_a_server_that_covers_the_password() {
    for url in
        ["smtps://me:pw@mail.example.org", "smtp://me:pw@mail.example.org?tls=required", "smtp://mail.example.org"]
    {
        let smtp = Settings { smtp_url: Some(secret(url)), from: Some(from()), ..nothing() };
        assert_eq!(smtp.check(), Ok(()), "{url}");
    }
}

#[tokio::test]
async fn shows_no_secret() {
    let resend = Settings { resend_api_key: Some(secret("re_topsecret")), from: Some(from()), ..nothing() };
    let smtp =
        Settings { smtp_url: Some(secret("smtps://me:topsecret@mail.example.org")), from: Some(from()), ..nothing() };
    for settings in [resend, smtp] {
        let shown = format!("{settings:?} {:?}", settings.configured().unwrap());
        assert!(!shown.contains("topsecret"), "{shown}");
    }
    let broken = Settings { smtp_url: Some(secret("me:topsecret@mail")), from: Some(from()), ..nothing() };
    assert!(!broken.check().unwrap_err().to_string().contains("topsecret"));
}
