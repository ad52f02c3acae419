//! What a person sees on a real terminal, and what a log or a program gets instead.

use std::{
    fs::{self, File},
    io::Read as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use nix::pty::{OpenptyResult, Winsize, openpty};
use tempfile::TempDir;
use testing::TestDatabase;

use crate::lane::client;

const WIDTH: usize = 60;

const ROWS: &str = "INSERT INTO t SELECT generate_series(1, 900); ANALYZE t";

/// Backfills of two batches, a rest in between: progress is told after the first. What is wrong with the last shows only
/// where rows are.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, up) in [
        ("1_table", "CREATE TABLE t (id bigint PRIMARY KEY, n int)"),
        ("2_fill_with_a_name_of_some_length", "UPDATE t SET n = 1"),
        ("3_wrong", "UPDATE t SET n = 1 / (n - 1)"),
    ] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("up.sql"), up).unwrap();
        let backfill = "phase = \"backfill\"\n";
        fs::write(
            folder.path().join(name).join("metadata.toml"),
            if name == "1_table" { "" } else { backfill },
        )
        .unwrap();
    }
    folder
}

/// Up to the backfills.
async fn begun() -> (TestDatabase, TempDir) {
    let (database, folder) = (TestDatabase::empty().await, folder());
    piped(program(&database, folder.path(), &["up", "--phase", "expand"]));
    client(&database).await.batch_execute(ROWS).await.unwrap();
    (database, folder)
}

fn program(database: &TestDatabase, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sides-migrate"));
    command.args(arguments).arg("--folder").arg(folder).env("DATABASE_URL", database.url().expose());
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// All that the program sends to a terminal of [`WIDTH`] columns.
fn on_a_terminal(mut command: Command) -> String {
    let size = Winsize { ws_row: 24, ws_col: u16::try_from(WIDTH).unwrap(), ws_xpixel: 0, ws_ypixel: 0 };
    let OpenptyResult { master, slave } = openpty(Some(&size), None).unwrap();
    command.stdout(slave.try_clone().unwrap()).stderr(slave);
    let mut child = command.spawn().unwrap();
    // It holds the terminal's other end: the reader would never see its end.
    drop(command);
    let (mut text, mut piece, mut master) = (Vec::new(), [0; 4096], File::from(master));
    // Linux says that nobody is there any more with an error.
    while let Ok(count @ 1..) = master.read(&mut piece) {
        text.extend_from_slice(&piece[..count]);
    }
    child.wait().unwrap();
    String::from_utf8(text).unwrap()
}

/// What stands on the screen in the end.
fn screen(sent: &str) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    // The terminal sends a line's end as two characters.
    for piece in sent.split_inclusive("\r\n").flat_map(|whole| whole.split_inclusive("\x1b[2K")) {
        match piece.strip_suffix("\r\n") {
            Some(end) => lines.push(std::mem::take(&mut line) + end),
            None if piece.ends_with("\r\x1b[2K") => line.clear(),
            None => line.push_str(piece),
        }
    }
    lines.extend((!line.is_empty()).then_some(line));
    lines
}

fn piped(mut command: Command) -> String {
    let Output { stdout, stderr, .. } = command.output().unwrap();
    format!("{}{}", String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_progress_is_one_line_that_fits_and_goes() {
    let (database, folder) = begun().await;
    let sent = on_a_terminal(program(&database, folder.path(), &["backfill", "run"]));
    let told = sent
        .split("\r\x1b[2K")
        .find(|piece| piece.contains("500 of about 900 rows"))
        .unwrap_or_else(|| panic!("{sent:?}"));
    assert!(told.ends_with('…') && told.chars().count() < WIDTH, "{told:?}");

    // Neither what is done nor what failed stands behind what was told before.
    let screen = screen(&sent);
    assert!(screen[0].starts_with("applied 2_fill_with_a_name_of_some_length ("), "{screen:#?}");
    assert!(screen[1].starts_with("error: ") && screen[1].contains("3_wrong/up.sql line 1"), "{screen:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_text_where_nobody_looks_or_no_colour_is_wanted() {
    let (database, folder) = begun().await;
    let piped = piped(program(&database, folder.path(), &["backfill", "run"]));
    assert!(piped.contains(": 500 of about 900 rows") && !piped.contains(['\x1b', '\r']), "{piped:?}");

    let mut plain = program(&database, folder.path(), &["status"]);
    plain.env("NO_COLOR", "1");
    let sent = on_a_terminal(plain);
    assert!(sent.contains("2_fill") && !sent.contains('\x1b'), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dumb_terminal_gets_lines() {
    let (database, folder) = begun().await;
    let mut command = program(&database, folder.path(), &["backfill", "run"]);
    command.env("TERM", "dumb");
    let sent = on_a_terminal(command);
    assert!(sent.contains(": 500 of about 900 rows") && !sent.contains('\x1b'), "{sent:?}");
}
