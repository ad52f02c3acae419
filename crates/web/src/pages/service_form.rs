//! The form that adds or changes a service: input is kept, and each error is shown at its field.

use maud::{Markup, html};
use models::Service;
use serde::Deserialize;
use sides_web::{Admin, FieldFault, layout::form_token};

use crate::draft::{Draft, Rules};

/// The fields as they were typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    pub(super) form_token: String,
    /// The version of the service that the form was made from.
    pub(super) seen: String,
    pub(super) name: String,
    url: String,
    method: String,
    interval_seconds: String,
    timeout_ms: String,
    expected_status_min: String,
    expected_status_max: String,
    expected_text: String,
    failures_before_incident: String,
}

impl Typed {
    /// A form that shows this service.
    pub(super) fn of(service: &Service) -> Self {
        let mut typed = Self::from(&Draft::from(service));
        typed.seen = service.updated_at.to_rfc3339();
        typed
    }

    /// What was typed as a service, and the fields that are not numbers.
    pub(super) fn draft(&self, rules: Rules<'_>) -> (Draft, Vec<FieldFault>) {
        let mut faults = Vec::new();
        let mut number = |field, text: &str| {
            text.trim().parse().unwrap_or_else(|_| {
                let message = "Give a whole number.".to_owned();
                faults.push(FieldFault { field, message });
                0
            })
        };
        let draft = Draft {
            name: self.name.clone(),
            url: (!rules.own_process).then(|| self.url.clone()),
            method: self.method.clone(),
            interval_seconds: number("interval_seconds", &self.interval_seconds),
            timeout_ms: number("timeout_ms", &self.timeout_ms),
            expected_status_min: number("expected_status_min", &self.expected_status_min),
            expected_status_max: number("expected_status_max", &self.expected_status_max),
            expected_text: Some(self.expected_text.clone()),
            failures_before_incident: number("failures_before_incident", &self.failures_before_incident),
        };
        (draft, faults)
    }
}

impl From<&Draft> for Typed {
    fn from(draft: &Draft) -> Self {
        Self {
            form_token: String::new(),
            seen: String::new(),
            name: draft.name.clone(),
            url: draft.url.clone().unwrap_or_default(),
            method: draft.method.clone(),
            interval_seconds: draft.interval_seconds.to_string(),
            timeout_ms: draft.timeout_ms.to_string(),
            expected_status_min: draft.expected_status_min.to_string(),
            expected_status_max: draft.expected_status_max.to_string(),
            expected_text: draft.expected_text.clone().unwrap_or_default(),
            failures_before_incident: draft.failures_before_incident.to_string(),
        }
    }
}

/// Where a form goes and what is known of it.
pub(super) struct Form<'a> {
    pub(super) admin: &'a Admin,
    pub(super) action: &'a str,
    pub(super) back: &'a str,
    pub(super) submit: &'a str,
    pub(super) own_process: bool,
    pub(super) faults: &'a [FieldFault],
}

impl Form<'_> {
    pub(super) fn render(&self, typed: &Typed) -> Markup {
        html! {
            @if !self.faults.is_empty() {
                p.notice role="alert" { "Not saved: some fields are not valid." }
            }
            form.fields method="post" action=(self.action) {
                (form_token(self.admin))
                input type="hidden" name="seen" value=(typed.seen);
                (self.text("name", "Name", "What visitors read", &typed.name))
                @if !self.own_process {
                    (self.text("url", "Address", "Such as https://example.com/health", &typed.url))
                    (self.method(&typed.method))
                }
                (self.number("interval_seconds", "Seconds between pings", "5 to 86,400", &typed.interval_seconds))
                (self.number("timeout_ms", "Timeout in milliseconds", "100 to 60,000", &typed.timeout_ms))
                (self.number("expected_status_min", "Lowest status that is good", "100 to 599", &typed.expected_status_min))
                (self.number("expected_status_max", "Highest status that is good", "100 to 599", &typed.expected_status_max))
                (self.text("expected_text", "Text that must appear", "Leave it empty for any answer", &typed.expected_text))
                (self.number("failures_before_incident", "Failures before an incident", "1 to 100", &typed.failures_before_incident))
                div.actions {
                    button.primary { (self.submit) }
                    a.button href=(self.back) { "Cancel" }
                }
            }
        }
    }

    fn text(&self, name: &str, label: &str, hint: &str, value: &str) -> Markup {
        self.field(name, label, hint, &html! {
            input id=(name) name=(name) value=(value) aria-invalid=[self.invalid(name)] autofocus[self.is_first_fault(name)] aria-describedby=(format!("{name}-hint")) autocomplete="off";
        })
    }

    fn number(&self, name: &str, label: &str, hint: &str, value: &str) -> Markup {
        self.field(
            name,
            label,
            hint,
            &html! {
                input.short id=(name) name=(name) value=(value) inputmode="numeric"
                    aria-invalid=[self.invalid(name)] autofocus[self.is_first_fault(name)]
                    aria-describedby=(format!("{name}-hint")) autocomplete="off";
            },
        )
    }

    fn invalid(&self, name: &str) -> Option<&'static str> {
        self.faults.iter().any(|fault| fault.field == name).then_some("true")
    }

    fn is_first_fault(&self, name: &str) -> bool {
        self.faults.first().is_some_and(|fault| fault.field == name)
    }

    fn method(&self, value: &str) -> Markup {
        self.field(
            "method",
            "Method",
            "How it is checked",
            &html! {
                select id="method" name="method" aria-describedby="method-hint" {
                    @for method in ["GET", "HEAD", "POST"] {
                        option selected[method == value] { (method) }
                    }
                }
            },
        )
    }

    fn field(&self, name: &str, label: &str, hint: &str, input: &Markup) -> Markup {
        let fault = self.faults.iter().find(|fault| fault.field == name);
        html! {
            div.field.faulty[fault.is_some()] {
                label for=(name) { (label) }
                (input)
                p.hint id=(format!("{name}-hint")) {
                    @match fault { Some(fault) => (fault.message), None => (hint) }
                }
            }
        }
    }
}
