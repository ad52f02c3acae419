//! The path from each difference through the crates to the process.

use std::fmt;

use workspace::inputs::{Difference, Graph, Input};

/// One difference and its way to the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// What differs.
    pub difference: Difference,
    /// Packages, from the one that differs to the one that builds the program. Empty for a setting.
    pub way: Vec<String>,
}

impl Walk {
    pub(super) fn of(difference: Difference, graph: &Graph, package: &str) -> Self {
        let from = match &difference.input {
            Input::File { package, .. } => Some(package),
            Input::Package { name, .. } => Some(name),
            Input::Setting { .. } => None,
        };
        // What is gone is no longer in the graph: its own name is all that can be said.
        let mut way = match from {
            Some(from) => graph.way(package, from).unwrap_or_else(|| vec![package.to_owned(), from.clone()]),
            None => Vec::new(),
        };
        way.reverse();
        Self { difference, way }
    }
}

impl fmt::Display for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.difference)?;
        // A package is named already.
        let skip = usize::from(matches!(self.difference.input, Input::Package { .. }));
        for name in self.way.iter().skip(skip) {
            write!(f, " → {name}")?;
        }
        Ok(())
    }
}
