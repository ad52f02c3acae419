//! Colours, if the terminal wants them.

use anstyle::{AnsiColor, Style};

/// Paints text, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    enabled: bool,
}

/// As it should be.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// In progress, or worth a look.
pub const BUSY: Style = AnsiColor::Yellow.on_default();
/// Wrong.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Less important.
pub const QUIET: Style = Style::new().dimmed();
/// More important.
pub const STRONG: Style = Style::new().bold();
/// As everything else.
pub const PLAIN: Style = Style::new();

const NAMES: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::BrightYellow,
    AnsiColor::BrightCyan,
    AnsiColor::BrightMagenta,
];

impl Palette {
    /// Without colour.
    pub const PLAIN: Self = Self { enabled: false };

    /// In colour where a person wants it.
    pub fn for_stdout() -> Self {
        Self { enabled: crate::wants_colour(&std::io::stdout()) }
    }

    /// Whether it paints at all.
    #[must_use]
    pub fn is_enabled(self) -> bool {
        self.enabled
    }

    /// The text in a style, where colour is wanted.
    #[must_use]
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.enabled { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// The colour of the `index`th process.
    pub fn of_process(index: usize) -> Style {
        NAMES[index % NAMES.len()].on_default()
    }
}
