//! Logs on standard output: for a person on a terminal, JSON lines otherwise.

use std::{
    any::Any,
    error::Error,
    fmt::{self, Display},
    io::IsTerminal as _,
    str::FromStr,
};

use tracing_subscriber::{EnvFilter, fmt::format::Writer, fmt::time::FormatTime};

use crate::Environment;

/// An error with every cause behind it, on one line. `Display` of an error says only its own layer.
#[derive(Debug, Clone, Copy)]
pub struct Chain<'a>(&'a (dyn Error + 'static));

/// Shows an error with its causes: `error = %sides_process::chain(&error)`.
#[must_use]
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> Chain<'a> {
    Chain(error)
}

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Some libraries repeat their cause in their own text.
            if !said.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            said = text;
            source = cause.source();
        }
        Ok(())
    }
}

/// The web server's own start says nothing that the process does not say.
const DEFAULT_FILTER: &str = "info,actix_server=warn,actix_http=off";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Auto,
    Pretty,
    Json,
}

impl Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Pretty => "pretty",
            Self::Json => "json",
        })
    }
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err("is unknown: give auto, pretty or json"),
        }
    }
}

/// How the log is filtered and written.
#[derive(Debug)]
pub(crate) struct LogSettings {
    filter: String,
    format: Format,
    colour: bool,
}

impl LogSettings {
    pub(crate) fn read(environment: &mut Environment) -> Self {
        let mut filter = environment.text("LOG", DEFAULT_FILTER);
        if let Err(error) = filter.parse::<EnvFilter>() {
            let message = format!("is {filter:?}: {error}; give a level such as debug, or info,queue=debug");
            environment.fault("LOG", message);
            DEFAULT_FILTER.clone_into(&mut filter);
        }
        environment.about("LOG", "what is logged: a level, or levels by target such as info,queue=debug");
        let format = environment.parsed("LOG_FORMAT", Format::Auto);
        environment.about("LOG_FORMAT", "pretty, json, or auto: pretty on a terminal");
        Self { filter, format, colour: !environment.is_set("NO_COLOR") }
    }

    /// Writes every event from here on, panics included.
    pub(crate) fn start(&self) {
        let terminal = std::io::stdout().is_terminal();
        let pretty = match self.format {
            Format::Auto => terminal,
            Format::Pretty => true,
            Format::Json => false,
        };
        // A reader that went away must not turn a line of log into a panic.
        let builder = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(&self.filter))
            .log_internal_errors(false);
        let started = if pretty {
            let colour = self.colour && terminal::wants_colour(&std::io::stdout());
            builder.compact().with_timer(TimeOfDay).with_target(false).with_ansi(colour).try_init()
        } else {
            builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
        };
        if let Err(error) = started {
            eprintln!("the log is already set up: {error}");
        }
        std::panic::set_hook(Box::new(log_panic));
    }
}

fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let message = panic_text(panic.payload());
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = std::backtrace::Backtrace::capture();
    if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
        tracing::error!(panic.place = place, panic.backtrace = %backtrace, "panicked: {message}");
    } else {
        tracing::error!(panic.place = place, "panicked: {message}");
    }
}

/// What a panic said.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let literal = payload.downcast_ref::<&str>().copied();
    literal
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is not text")
}

struct TimeOfDay;

impl FormatTime for TimeOfDay {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", chrono::Local::now().format("%H:%M:%S%.3f"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot start")]
    struct Outer(#[source] Inner);
    #[derive(Debug, thiserror::Error)]
    #[error("the file is gone")]
    struct Inner;
    #[derive(Debug, thiserror::Error)]
    #[error("cannot start: {0}")]
    struct Repeating(#[source] Inner);

    #[test]
    fn a_chain_names_every_cause_once() {
        assert_eq!(chain(&Outer(Inner)).to_string(), "cannot start: the file is gone");
        assert_eq!(chain(&Repeating(Inner)).to_string(), "cannot start: the file is gone");
    }

    #[test]
    fn a_bad_filter_or_format_is_a_fault() {
        let pairs = [("LOG", "queue=loud"), ("LOG_FORMAT", "xml")];
        let mut environment: Environment = pairs.into_iter().collect();
        let settings = LogSettings::read(&mut environment);
        let names: Vec<&str> = environment.faults().iter().map(|fault| fault.name.as_str()).collect();
        assert_eq!(names, ["LOG", "LOG_FORMAT"]);
        assert_eq!((settings.filter.as_str(), settings.format), (DEFAULT_FILTER, Format::Auto));
    }
}
