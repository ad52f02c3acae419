//! A sandbox with this workspace's migrations and its own program `migrate`.

use std::fs;

use crate::{programs, sandbox::Sandbox, toy};

/// Whose database has them already: what is added is pending. A lock is given up after a few tries.
pub(crate) fn write(sandbox: &Sandbox) {
    let program = programs::folder().join("migrate");
    let source = format!(
        r#"use std::os::unix::process::CommandExt;
        fn main() {{
            let mut migrate = std::process::Command::new({program:?});
            migrate.args(std::env::args().skip(1)).args(["--folder", {folder:?}]);
            if std::env::args().any(|word| word == "up") {{ migrate.args(["--tries", "3"]); }}
            panic!("{{}}", migrate.exec());
        }}"#,
        folder = sandbox.file("migrations"),
    );
    toy::write_migrate(sandbox, &source);
    for entry in fs::read_dir(programs::workspace().join("migrations")).unwrap().flatten() {
        if entry.path().is_dir() {
            let text = |name: &str| fs::read_to_string(entry.path().join(name)).unwrap();
            add(sandbox, entry.file_name().to_str().unwrap(), &text("up.sql"), &text("down.sql"));
        }
    }
}

pub(crate) fn add(sandbox: &Sandbox, name: &str, up: &str, down: &str) {
    let folder = sandbox.file("migrations").join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("up.sql"), up).unwrap();
    fs::write(folder.join("down.sql"), down).unwrap();
}
