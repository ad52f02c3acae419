//! The input for a service, checked field by field. Pure.

use egress::Egress;
use models::{NewService, Service};
use serde::{Deserialize, Serialize};
use sides_web::FieldFault;

/// A service as the API and the form describe it, not yet checked. Everything but name and URL has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) url: Option<String>,
    pub(crate) method: String,
    pub(crate) interval_seconds: i64,
    pub(crate) timeout_ms: i64,
    pub(crate) expected_status_min: i64,
    pub(crate) expected_status_max: i64,
    pub(crate) expected_text: Option<String>,
    pub(crate) failures_before_incident: i64,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            name: String::new(),
            url: None,
            method: "GET".to_owned(),
            interval_seconds: 60,
            timeout_ms: 10_000,
            expected_status_min: 200,
            expected_status_max: 299,
            expected_text: None,
            failures_before_incident: 2,
        }
    }
}

impl From<&Service> for Draft {
    fn from(service: &Service) -> Self {
        Self {
            name: service.name.clone(),
            url: service.url.clone(),
            method: service.method.clone(),
            interval_seconds: service.interval_seconds.into(),
            timeout_ms: service.timeout_ms.into(),
            expected_status_min: service.expected_status_min.into(),
            expected_status_max: service.expected_status_max.into(),
            expected_text: service.expected_text.clone(),
            failures_before_incident: service.failures_before_incident.into(),
        }
    }
}

/// What the check must know besides the draft.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) egress: &'a Egress,
    /// One of the application's own processes: it has no URL.
    pub(crate) own_process: bool,
}

impl Draft {
    /// The service as it may be stored, or everything that is wrong with it.
    pub(crate) fn check(&self, rules: Rules<'_>) -> Result<NewService, Vec<FieldFault>> {
        let mut faults = Faults::default();
        let new = NewService {
            name: faults.text("name", &self.name, 100).unwrap_or_default(),
            url: faults.url(self.url.as_deref(), rules),
            method: faults.method(&self.method),
            interval_seconds: faults.number("interval_seconds", self.interval_seconds, 5, 86_400),
            timeout_ms: faults.number("timeout_ms", self.timeout_ms, 100, 60_000),
            expected_status_min: faults.number("expected_status_min", self.expected_status_min, 100, 599),
            expected_status_max: faults.number("expected_status_max", self.expected_status_max, 100, 599),
            expected_text: faults.optional_text("expected_text", self.expected_text.as_deref(), 500),
            failures_before_incident: faults.number(
                "failures_before_incident",
                self.failures_before_incident,
                1,
                100,
            ),
        };
        if self.expected_status_min > self.expected_status_max {
            faults.add("expected_status_max", "Give a status that is not lower than the lowest one.");
        }
        if faults.0.is_empty() { Ok(new) } else { Err(faults.0) }
    }
}

#[derive(Default)]
struct Faults(Vec<FieldFault>);

impl Faults {
    fn add(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push(FieldFault { field, message: message.into() });
    }

    fn text(&mut self, field: &'static str, text: &str, limit: usize) -> Option<String> {
        let text = self.optional_text(field, Some(text), limit);
        if text.as_deref().is_some_and(|text| !text.chars().any(is_seen)) {
            self.add(
                field,
                format!("This {field} has no visible characters. Give one with letters or digits."),
            );
        }
        if text.is_none() {
            self.add(field, format!("Give a {field}."));
        }
        text
    }

    fn optional_text(&mut self, field: &'static str, text: Option<&str>, limit: usize) -> Option<String> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        let length = text.chars().count();
        if length > limit {
            self.add(field, format!("This has {length} characters; the limit is {limit}. Shorten it."));
        }
        if text.chars().any(char::is_control) {
            self.add(field, "This contains a line break or another control character. Remove it.");
        }
        Some(text.to_owned())
    }

    fn url(&mut self, text: Option<&str>, rules: Rules<'_>) -> Option<String> {
        if rules.own_process {
            if text.is_some() {
                self.add(
                    "url",
                    "This service watches one of the application's own processes and has no URL.",
                );
            }
            return None;
        }
        check_url(text.unwrap_or_default(), rules.egress).map_err(|message| self.add("url", message)).ok()
    }

    fn method(&mut self, method: &str) -> String {
        let method = method.trim().to_ascii_uppercase();
        if !["GET", "HEAD", "POST"].contains(&method.as_str()) {
            self.add("method", "Choose GET, HEAD or POST.");
        }
        method
    }

    fn number<T: TryFrom<i64> + Default>(
        &mut self,
        field: &'static str,
        number: i64,
        low: i64,
        high: i64,
    ) -> T {
        if !(low..=high).contains(&number) {
            self.add(field, format!("Give a number from {low} to {high}."));
        }
        T::try_from(number).unwrap_or_default()
    }
}

/// Whether a character leaves something on the page: neither a space, nor one of those that only steer the others.
fn is_seen(c: char) -> bool {
    let steers = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
        | '\u{300}'..='\u{36f}');
    !c.is_whitespace() && !c.is_control() && !steers
}

/// An address that may be fetched, in its normal form; otherwise what to tell the person who typed it.
pub(crate) fn check_url(text: &str, egress: &Egress) -> Result<String, String> {
    let url = egress::parse_url(text).map_err(|fault| fault.to_string())?;
    egress.check_host(&url).map_err(|fault| fault.to_string())?;
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSED: &Egress = &Egress::CLOSED;
    const RULES: Rules<'_> = Rules { egress: CLOSED, own_process: false };

    fn draft() -> Draft {
        Draft { name: "Shop".to_owned(), url: Some("https://shop.example/".to_owned()), ..Draft::default() }
    }

    fn faulty(draft: &Draft) -> Vec<&'static str> {
        let faults = draft.check(RULES).expect_err("the draft is refused");
        faults.into_iter().map(|fault| fault.field).collect()
    }

    #[test]
    fn name_and_url_are_enough() {
        let new = draft().check(RULES).unwrap();
        assert_eq!((new.interval_seconds, new.timeout_ms, new.method.as_str()), (60, 10_000, "GET"));
        assert_eq!(faulty(&Draft::default()), ["name", "url"]);
    }

    #[test]
    fn a_name_can_be_seen() {
        for name in [
            "\u{200b}",
            "\u{feff}",
            "\u{3164}",
            "\u{2800}",
            "\u{202e}\u{200f}",
            "\u{301}",
            "\u{a0}",
            "\u{e0041}",
        ] {
            assert_eq!(faulty(&Draft { name: name.to_owned(), ..draft() }), ["name"], "{name:?}");
        }
        for name in ["Shop", "\u{5e9}", "\u{1f6d2}", "e\u{301}", "\u{200b}a"] {
            let draft = Draft { name: name.to_owned(), ..draft() };
            assert!(draft.check(RULES).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let wrong = Draft {
            name: "x".repeat(101),
            url: Some("ftp://shop.example".to_owned()),
            method: "BREW".to_owned(),
            interval_seconds: 4,
            timeout_ms: i64::MAX,
            expected_status_min: 99,
            expected_status_max: 600,
            expected_text: Some("a\0b".to_owned()),
            failures_before_incident: 0,
        };
        let fields = [
            "name",
            "url",
            "method",
            "interval_seconds",
            "timeout_ms",
            "expected_status_min",
            "expected_status_max",
            "expected_text",
            "failures_before_incident",
        ];
        assert_eq!(faulty(&wrong), fields);
    }

    #[test]
    fn the_lowest_status_is_not_above_the_highest() {
        let wrong = Draft { expected_status_min: 300, ..draft() };
        assert_eq!(faulty(&wrong), ["expected_status_max"]);
    }

    #[test]
    fn private_addresses_need_leave() {
        let private = Draft { url: Some("http://127.0.0.1:8080/".to_owned()), ..draft() };
        assert_eq!(faulty(&private), ["url"]);
        assert!(private.check(Rules { egress: &"true".parse().unwrap(), ..RULES }).is_ok());
    }

    #[test]
    fn an_own_process_has_no_url() {
        let rules = Rules { own_process: true, ..RULES };
        assert!(draft().check(rules).is_err());
        assert_eq!(Draft { url: None, ..draft() }.check(rules).unwrap().url, None);
    }
}
