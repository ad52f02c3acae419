//! Columns as wide as they must be.

use crate::palette::{Palette, STRONG};

/// A longer cell pushes the rest of its own row aside, and no other row.
const WIDEST: usize = 100;

/// Rows under a head, two spaces apart. The last column is as wide as it likes.
pub fn table(palette: Palette, head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells =
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count().min(WIDEST));
        cells.chain([head[column].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let mut text = palette.paint(STRONG, &line(&head)) + "\n";
    for row in rows {
        text += &(line(row) + "\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_head() {
        let rows = [vec!["worker.3".to_owned(), "ready".to_owned()], vec!["web.1".to_owned(), String::new()]];
        let text = table(Palette::PLAIN, &["COPY", "STATE"], &rows);
        assert_eq!(text, "COPY      STATE\nworker.3  ready\nweb.1\n");
    }
}
