//! The forms that a list comes in, and which one a request asks for.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use schemars::JsonSchema;
use serde::Deserialize;

/// What lists that come as CSV take.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Formatted {
    /// `csv` for a spreadsheet; the `Accept` header decides where this is left out.
    pub format: Option<PageForm>,
}

/// What lists take that come as a whole.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamFormatted {
    /// `csv` for a spreadsheet, `ndjson` for programs; the `Accept` header decides where this is left out. Both are the
    /// whole list, as a stream, where there is no `limit`.
    pub format: Option<Form>,
}

/// The form of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageForm {
    /// A page as JSON.
    Json,
    /// The page's items as CSV.
    Csv,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A page as JSON.
    Json,
    /// Items as CSV.
    Csv,
    /// Items as JSON, one a line.
    Ndjson,
}

impl From<PageForm> for Form {
    fn from(form: PageForm) -> Self {
        match form {
            PageForm::Json => Self::Json,
            PageForm::Csv => Self::Csv,
        }
    }
}

impl Form {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => crate::csv::MEDIA_TYPE,
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// The forms that the client accepts, in the order in which it names them.
pub fn accepted(headers: &HeaderMap) -> Vec<Form> {
    let ranges =
        headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let forms = ranges.filter_map(|range| match range.split(';').next().unwrap_or_default().trim() {
        "text/csv" => Some(Form::Csv),
        "application/x-ndjson" => Some(Form::Ndjson),
        "application/json" | "application/*" | "*/*" => Some(Form::Json),
        _ => None,
    });
    forms.collect()
}

/// The form that a client gets who has not said one in the address: the first that it accepts and that there is.
pub fn preferred(accepted: &[Form], there_are: &[Form]) -> Form {
    accepted.iter().copied().find(|form| there_are.contains(form)).unwrap_or(Form::Json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(accept: &'static str, there_are: &[Form]) -> Form {
        preferred(&accepted(&HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())])), there_are)
    }

    #[test]
    fn answers_csv_to_whoever_prefers_it() {
        let page = |accept| of(accept, &[Form::Json, Form::Csv]);
        assert_eq!(page("text/csv"), Form::Csv);
        assert_eq!(page("text/html, text/csv;q=0.9, */*;q=0.1"), Form::Csv);
        assert_eq!(page("*/*"), Form::Json);
        assert_eq!(page("application/json, text/csv"), Form::Json);
        assert_eq!(page("application/x-ndjson"), Form::Json);
        assert_eq!(page("application/x-ndjson, text/csv"), Form::Csv);
    }

    #[test]
    fn answers_lines_to_whoever_prefers_them_where_there_are_any() {
        let all = [Form::Json, Form::Csv, Form::Ndjson];
        assert_eq!(of("application/x-ndjson", &all), Form::Ndjson);
        assert_eq!(of("application/json, application/x-ndjson", &all), Form::Json);
    }
}
