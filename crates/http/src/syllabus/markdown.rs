//! Pages as HTML that any client may show: rendered from Markdown without its raw HTML, then stripped of whatever runs, loads
//! from the client's own origin, or hides where it leads. Nothing of it is kept; the source stays as it was written.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{Event, Options, Parser, html};

/// What every address begins with. `https:/x` would be a path of the client's own origin.
const LEADS_OUT: [&str; 3] = ["http://", "https://", "mailto:"];

/// How deep a page may be nested. Nobody writes like that, and what takes HTML apart needs time and stack for it.
const DEEPEST: usize = 100;

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .attribute_filter(|_, attribute, value| {
            let kept = !["href", "src", "cite"].contains(&attribute) || leads_out(value);
            kept.then_some(Cow::Borrowed(value))
        })
        .link_rel(Some("noopener noreferrer nofollow"))
        .add_tags(["input"])
        .add_tag_attributes("input", ["checked", "disabled"])
        .set_tag_attribute_value("input", "type", "checkbox")
        .set_tag_attribute_value("input", "disabled", "");
    builder
});

/// The page as HTML. One that is nested beyond all reason is shown as the text that it is.
///
/// Tags in the source are left out: unclosed ones would be opened again in every paragraph that follows, without end.
pub fn rendered(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let events = || Parser::new_ext(markdown, options);
    if is_too_deep(events()) {
        return format!("<pre>{}</pre>", ammonia::clean_text(markdown));
    }
    let mut page = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut page, events().filter(|event| !matches!(event, Event::Html(_) | Event::InlineHtml(_))));
    SANITISER.clean(&page).to_string()
}

fn leads_out(address: &str) -> bool {
    let begins = |with: &&str| address.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
    LEADS_OUT.iter().any(begins)
}

fn is_too_deep<'p>(events: impl Iterator<Item = Event<'p>>) -> bool {
    let mut depth = 0_usize;
    for event in events {
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_look_as_they_were_meant() {
        assert_eq!(rendered("# Välkommen\n\nLäs **detta** ~~inte~~."), {
            "<h1>Välkommen</h1>\n<p>Läs <strong>detta</strong> <del>inte</del>.</p>\n"
        });
        assert!(rendered("|a|b|\n|-|-|\n|1|2|").contains("<td>1</td>"));
        assert!(rendered("- [x] läst").contains("checked"));
        let link = rendered("[läs](https://example.org/)");
        assert!(link.contains("href=\"https://example.org/\"") && link.contains("noopener"), "{link}");
        assert_eq!(rendered("A <b>raw</b> tag is left out"), "<p>A raw tag is left out</p>\n");
    }

    #[test]
    fn nothing_in_a_page_runs() {
        let pages = [
            "<script>alert(1)</script>",
            "Hello <script>alert(1)</script> there",
            "<SCRIPT SRC=https://evil.example/x.js></SCRIPT>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](&#106;avascript:alert(1))",
            "[x](<java\nscript:alert(1)>)",
            "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
            "[x](vbscript:alert(1))",
            "![x](javascript:alert(1))",
            "<img src=x onerror=alert(1)>",
            "<a href=\"javascript:alert(1)\" onclick=\"alert(1)\">x</a>",
            "<svg onload=alert(1)><script>alert(1)</script></svg>",
            "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style></math>",
            "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
            "<object data=javascript:alert(1)></object><embed src=javascript:alert(1)>",
            "<form action=javascript:alert(1)><button formaction=javascript:alert(1)>x</button></form>",
            "<style>@import 'https://evil.example/x.css';</style>",
            "<p style=\"background:url(javascript:alert(1))\">x</p>",
            "<base href=https://evil.example/><meta http-equiv=refresh content=0;url=https://evil.example>",
            "<input type=image src=x onerror=alert(1) autofocus onfocus=alert(1)>",
            "<!--><img src=x onerror=alert(1)>-->",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "```\"><script>alert(1)</script>\nx\n```",
        ];
        for page in pages {
            let html = rendered(page);
            let tags: String =
                html.split('<').skip(1).filter_map(|tag| tag.split('>').next()).collect::<Vec<_>>().join(" ");
            let tags = tags.to_lowercase();
            for forbidden in [
                "script", "onerror", "onclick", "onload", "onfocus", "style", "iframe", "svg", "form", "base", "meta",
                "data:",
            ] {
                assert!(!tags.contains(forbidden), "{page} gives {html}");
            }
        }
    }

    #[test]
    fn an_address_does_not_break_out_of_its_attribute() {
        let image = rendered("![x](https://example.org/a.png\"onerror=\"alert(1))");
        assert_eq!(image, "<p><img src=\"https://example.org/a.png%22onerror=%22alert(1)\" alt=\"x\"></p>\n");
    }

    #[test]
    fn nothing_in_a_page_asks_the_clients_own_origin() {
        for page in [
            "![x](/v1/me)",
            "[x](/v1/me)",
            "![x](https:/v1/me)",
            "[x](HTTPS:v1/me)",
            "[x](https:\\v1/me)",
            "<img src=//evil.example/x>",
            "[x](../../me)",
        ] {
            let html = rendered(page);
            assert!(!html.contains("/v1/me") && !html.contains("evil") && !html.contains("../"), "{html}");
        }
    }

    #[test]
    fn the_longest_pages_that_mean_harm_stay_of_a_sane_size() {
        let to = |piece: &str| piece.repeat(100_000 / piece.len());
        let pages = [
            "> ",
            "- ",
            "1. ",
            "*a ",
            "**",
            "[",
            "![",
            "](",
            "<div>",
            "<b>",
            "<table><tr><td>",
            "`a",
            "a|",
            "<a href=",
            "&",
            "[a](<",
            "_*",
            "\n> - ",
            "<!--",
            "<![CDATA[",
            "<?",
        ]
        .map(to);
        for page in &pages {
            let html = rendered(page);
            assert!(html.len() < 3_000_000, "{}: {} bytes", &page[..9], html.len());
        }
    }

    /// Pieces of pages and of what hides in them.
    fn hostile() -> impl Strategy<Value = String> {
        const PIECES: &[&str] = &[
            "<",
            ">",
            "\"",
            "'",
            "`",
            "=",
            "/",
            "&",
            ";",
            "\n",
            "\n\n",
            " ",
            "\0",
            "&#x6a;",
            "&Tab;",
            "&lt;",
            "[",
            "](",
            ")",
            "![",
            "![a](",
            "[a]: ",
            "javascript:",
            "JAVASCRIPT&colon;",
            "data:text/html,",
            "//evil.example",
            "https://example.org/",
            "<script",
            "</script>",
            "<svg/onload=",
            "<img src=x onerror=",
            "<style>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<math>",
            "<a href=",
            "<https:",
            "|a|\n|-|\n",
            "- [x] ",
            "```",
            "~~",
            "**",
            "> ",
            "alert(1)",
            "onclick=",
            "style=",
            "\u{202e}",
            "\u{feff}",
        ];
        let piece = prop_oneof![6 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => "\\PC{0,6}"];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Every tag that is left is one that pages are made of, with attributes that run nothing and addresses that lead out.
        #[test]
        fn whatever_a_page_is_made_of_nothing_in_it_runs(page in hostile()) {
            let html = rendered(&page);
            prop_assert_eq!(SANITISER.clean(&html).to_string(), html.as_str());
            for tag in html.split('<').skip(1).filter_map(|tag| tag.split('>').next()) {
                let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
                prop_assert!(!["script", "style", "svg", "math", "iframe", "form"].contains(&name.as_str()), "{}", html);
                for attribute in tag.split('"').step_by(2).flat_map(str::split_whitespace).skip(1) {
                    let attribute = attribute.trim_end_matches('=');
                    prop_assert!(
                        ["href", "src", "alt", "title", "rel", "type", "checked", "disabled", "align", "start", "lang", "/"]
                            .contains(&attribute),
                        "{}: {}", attribute, html
                    );
                }
                for (name, value) in tag.split('"').collect::<Vec<_>>().chunks(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))) {
                    prop_assert!(leads_out(value) || !(name.ends_with("href=") || name.ends_with("src=")), "{}", html);
                }
            }
        }
    }
}
