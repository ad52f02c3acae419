//! The templates, from `templates/`.

use crate::Name;

/// A file of the workspace: where it goes, and its template.
macro_rules! files {
    ($($path:literal: $template:literal,)*) => {
        &[$(($path, include_str!(concat!("../templates/", $template)))),*]
    };
}

/// Everything in a new workspace.
pub(crate) const WORKSPACE: &[(&str, &str)] = files! {
    "Cargo.toml": "Cargo.toml.in",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    "rustfmt.toml": "rustfmt.toml",
    "clippy.toml": "clippy.toml",
    ".ci/run": "ci/run",
    "Procfile.web": "Procfile.web",
    "Procfile.worker": "Procfile.worker",
    "Procfile.clock": "Procfile.clock",
    "crates/jobs/Cargo.toml": "crates/jobs/Cargo.toml.in",
    "crates/jobs/src/lib.rs": "crates/jobs/src/lib.rs",
    "crates/jobs/src/greet.rs": "crates/jobs/src/greet.rs",
    "crates/models/Cargo.toml": "crates/models/Cargo.toml.in",
    "crates/models/src/lib.rs": "crates/models/src/lib.rs",
    "crates/models/src/schema.rs": "crates/models/src/schema.rs",
    "crates/models/src/greetings.rs": "crates/models/src/greetings.rs",
    "crates/models/tests/greetings.rs": "crates/models/tests/greetings.rs",
    "crates/web/Cargo.toml": "crates/web/Cargo.toml.in",
    "crates/web/src/main.rs": "crates/web/src/main.rs",
    "crates/web/src/routes.rs": "crates/web/src/routes.rs",
    "crates/web/src/pages.rs": "crates/web/src/pages.rs",
    "crates/web/src/pages/greetings.rs": "crates/web/src/pages/greetings.rs",
    "crates/worker/Cargo.toml": "crates/worker/Cargo.toml.in",
    "crates/worker/src/main.rs": "crates/worker/src/main.rs",
    "crates/worker/src/state.rs": "crates/worker/src/state.rs",
    "crates/worker/src/registry.rs": "crates/worker/src/registry.rs",
    "crates/worker/src/handlers.rs": "crates/worker/src/handlers.rs",
    "crates/worker/src/handlers/greet.rs": "crates/worker/src/handlers/greet.rs",
    "crates/clock/Cargo.toml": "crates/clock/Cargo.toml.in",
    "crates/clock/src/main.rs": "crates/clock/src/main.rs",
    "crates/clock/src/schedules.rs": "crates/clock/src/schedules.rs",
    "crates/migrate/Cargo.toml": "crates/migrate/Cargo.toml.in",
    "crates/migrate/build.rs": "crates/migrate/build.rs",
    "crates/migrate/src/main.rs": "crates/migrate/src/main.rs",
    "crates/launch/Cargo.toml": "crates/launch/Cargo.toml.in",
    "crates/launch/src/main.rs": "crates/launch/src/main.rs",
    "crates/sides/Cargo.toml": "crates/sides/Cargo.toml.in",
    "crates/sides/src/main.rs": "crates/sides/src/main.rs",
    "migrations/2000-01-01-000000_greetings/up.sql": "migrations/2000-01-01-000000_greetings/up.sql",
    "migrations/2000-01-01-000000_greetings/down.sql": "migrations/2000-01-01-000000_greetings/down.sql",
    "deploy/README.md": "deploy/README.md",
    "deploy/deploy.yml": "deploy/deploy.yml",
    "deploy/sides.env.example": "deploy/sides.env.example",
    "deploy/sides-host.service": "deploy/sides-host.service",
    "deploy/sides-host.socket": "deploy/sides-host.socket",
};

/// A job's contract.
pub(crate) const JOB: &str = include_str!("../templates/parts/job.rs");
/// A job's handler.
pub(crate) const HANDLER: &str = include_str!("../templates/parts/handler.rs");
/// A process.
pub(crate) const PROCESS: &str = include_str!("../templates/parts/process.rs");
/// Its `Cargo.toml`.
pub(crate) const PROCESS_MANIFEST: &str = include_str!("../templates/parts/process.toml");

/// Fills the blanks of a template.
pub(crate) fn fill(template: &str, name: &Name, chassis: &str) -> String {
    template
        .replace("{{name}}", name.as_str())
        .replace("{{type}}", &name.as_type())
        .replace("{{title}}", &name.as_title())
        .replace("{{chassis}}", chassis)
}
