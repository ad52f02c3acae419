//! Adds to a workspace of the shape that [`crate::workspace()`] writes.

mod job;
mod migration;
mod process;
mod schedule;

pub use job::job;
pub use migration::migration;
pub use process::process;
pub use schedule::schedule;

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::{Chassis, Name, NewError};

    fn name(text: &str) -> Name {
        Name::read(text).unwrap()
    }

    fn text(root: &Path, file: &str) -> String {
        fs::read_to_string(root.join(file)).unwrap()
    }

    #[test]
    fn each_part_lands_where_it_belongs_and_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        crate::workspace(&name("acme"), root, &Chassis::of_this_build().unwrap()).unwrap();
        job(root, &name("send_report")).unwrap();
        job(root, &name("archive")).unwrap();
        let registry = text(root, "crates/worker/src/registry.rs");
        let list =
            "handlers! {\n    Archive => archive,\n    Greet => greet,\n    SendReport => send_report,\n}\n";
        assert!(registry.contains(list), "{registry}");
        assert!(
            text(root, "crates/jobs/src/lib.rs").contains("mod archive;\nmod greet;\nmod send_report;\n")
        );
        assert!(text(root, "crates/jobs/src/send_report.rs").contains("pub struct SendReport {}"));
        assert!(text(root, "crates/worker/src/handlers.rs").ends_with("pub(crate) mod send_report;\n"));
        assert!(matches!(job(root, &name("archive")), Err(NewError::Exists(_))));
        assert!(matches!(job(root, &name("context")), Err(NewError::Name { .. })), "handlers use that type");

        schedule(root, &name("report"), "0 9 * * 1-5", &name("send_report")).unwrap();
        let line =
            "        Schedule::new(\"report\", \"0 9 * * 1-5\", \"send_report\")?,\n        // `sides new";
        assert!(text(root, "crates/clock/src/schedules.rs").contains(line));
        assert!(matches!(
            schedule(root, &name("report"), "@daily", &name("archive")),
            Err(NewError::Name { .. })
        ));
        assert!(schedule(root, &name("never"), "at noon", &name("send_report")).is_err());
        assert!(!text(root, "crates/clock/src/schedules.rs").contains("never"));

        process(root, &name("mail")).unwrap();
        assert_eq!(text(root, "Procfile.mail"), "mail: mail\n");
        let expected = "const PROCESSES: &[&str] = &[\"web\", \"worker\", \"clock\", \"mail\"];";
        assert!(text(root, "crates/web/src/main.rs").contains(expected));
        assert!(matches!(process(root, &name("all")), Err(NewError::Name { .. })), "it means every process");
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        let written = migration(root, &name("add_language_to_greetings"), now).unwrap();
        let up = "migrations/2026-01-02-030405_add_language_to_greetings/up.sql";
        assert_eq!(written[0].file, Path::new(up));
        assert_eq!(text(root, up), "ALTER TABLE greetings ADD COLUMN language text;\n");
        let written = migration(root, &name("create_orders"), now).unwrap();
        let up = "migrations/2026-01-02-030406_create_orders/up.sql";
        assert_eq!(written[0].file, Path::new(up), "each has a version of its own");
    }

    #[test]
    fn a_file_that_looks_otherwise_is_left_alone_and_the_line_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        crate::workspace(&name("acme"), root, &Chassis::of_this_build().unwrap()).unwrap();
        fs::write(root.join("crates/worker/src/registry.rs"), "// Ours.\n").unwrap();
        let error = job(root, &name("archive")).unwrap_err().to_string();
        assert!(error.contains("registry.rs has no list `handlers! {`"), "{error}");
        assert!(error.ends_with("    Archive => archive,"), "{error}");
        assert!(!root.join("crates/jobs/src/archive.rs").exists(), "nothing is half done");
    }
}
