//! A long list, a part at a time.

use std::ops::Range;

use maud::{Markup, html};
use serde::Deserialize;

/// `?page=2`
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Asked {
    page: Option<usize>,
}

/// Which part of a list is shown. There is always a first one, and nothing behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    page: usize,
    size: usize,
    total: usize,
}

impl Part {
    /// The part that was asked for, of `size` entries, or the nearest there is.
    pub(super) fn of(total: usize, size: usize, asked: Asked) -> Self {
        let last = total.div_ceil(size).max(1);
        Self { page: asked.page.unwrap_or(1).clamp(1, last), size, total }
    }

    /// Its places in the list.
    pub(super) fn range(self) -> Range<usize> {
        let from = (self.page - 1) * self.size;
        from..(from + self.size).min(self.total)
    }

    /// The ways to its neighbours; nothing when all is on one page.
    pub(super) fn links(self, label: &str) -> Markup {
        let Range { start, end } = self.range();
        html! {
            @if self.total > self.size {
                nav.line.quiet aria-label=(label) {
                    @if start > 0 { a rel="prev" href=(format!("?page={}", self.page - 1)) { "Previous" } }
                    span { (start + 1) "–" (end) " of " (self.total) }
                    @if end < self.total { a rel="next" href=(format!("?page={}", self.page + 1)) { "Next" } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(total: usize, page: usize) -> Part {
        Part::of(total, 100, Asked { page: Some(page) })
    }

    #[test]
    fn every_entry_is_on_one_page() {
        assert_eq!([part(250, 1), part(250, 2), part(250, 3)].map(Part::range), [0..100, 100..200, 200..250]);
        assert_eq!(part(100, 1).range(), 0..100);
    }

    #[test]
    fn a_page_that_is_not_there_is_the_nearest_one() {
        assert_eq!((part(250, 0).range(), part(250, usize::MAX).range()), (0..100, 200..250));
        assert_eq!(part(0, 7).range(), 0..0);
        assert_eq!(Part::of(5, 100, Asked { page: None }).range(), 0..5);
    }

    #[test]
    fn what_is_on_one_page_has_no_ways_to_others() {
        assert_eq!(part(100, 1).links("pages").into_string(), "");
        let links = part(250, 2).links("pages").into_string();
        assert!(links.contains("?page=1") && links.contains("?page=3") && links.contains("101–200 of 250"));
    }
}
