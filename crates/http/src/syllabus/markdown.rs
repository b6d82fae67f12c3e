//! Pages as HTML that any client may show: rendered from Markdown without its raw HTML, then stripped of whatever runs, loads
//! from the client's own origin, or hides where it leads. Nothing of it is kept; the source stays as it was written.

use std::collections::HashSet;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{Event, Options, Parser, html};

/// How deep a page may be nested. Nobody writes like that, and what takes HTML apart needs time and stack for it.
const DEEPEST: usize = 100;

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Deny)
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
        for page in ["![x](/v1/me)", "[x](/v1/me)", "<img src=//evil.example/x>", "[x](../../me)"] {
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
}
