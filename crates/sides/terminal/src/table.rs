//! Tables with columns as wide as necessary.

use crate::{
    clean::clean,
    palette::{Palette, STRONG},
    width::columns,
};

/// A longer cell pushes the rest of its own row aside, and no other row.
const WIDEST: usize = 100;

/// On a terminal with fewer columns a table that is wider comes as one block for each row.
const NARROW: usize = 60;

/// Rows under a head, two spaces apart. The last column is as wide as it likes. A cell is one line of text,
/// made safe to print here.
pub fn table(palette: Palette, head: &[&str], rows: &[Vec<String>]) -> String {
    let cleaned = |row: &Vec<String>| row.iter().map(|cell| clean(cell, false)).collect();
    let rows: &[Vec<String>] = &rows.iter().map(cleaned).collect::<Vec<_>>();
    let table = beside(palette, head, rows);
    let widest = table.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    match columns() {
        Some(width) if width < NARROW && width < widest => below(palette, head, rows),
        _ => table,
    }
}

/// A line for each cell that holds something, behind its column's name.
fn below(palette: Palette, head: &[&str], rows: &[Vec<String>]) -> String {
    let widest = head.iter().map(|name| name.len()).max().unwrap_or_default();
    let block = |row: &Vec<String>| {
        let cells = head.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
        let line = |(name, cell): (&&str, &String)| {
            format!("{}  {cell}\n", palette.paint(STRONG, &format!("{name:widest$}")))
        };
        cells.map(line).collect::<String>()
    };
    rows.iter().map(block).collect::<Vec<_>>().join("\n")
}

fn beside(palette: Palette, head: &[&str], rows: &[Vec<String>]) -> String {
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
        let text = beside(Palette::PLAIN, &["COPY", "STATE"], &rows);
        assert_eq!(text, "COPY      STATE\nworker.3  ready\nweb.1\n");
    }

    #[test]
    fn a_narrow_terminal_gets_a_block_for_each_row() {
        let rows = [vec!["worker.3".to_owned(), "ready".to_owned()], vec!["web.1".to_owned(), String::new()]];
        let text = below(Palette::PLAIN, &["COPY", "STATE"], &rows);
        assert_eq!(text, "COPY   worker.3\nSTATE  ready\n\nCOPY   web.1\n");
    }
}
