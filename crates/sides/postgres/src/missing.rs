//! The message on a machine without Postgres.

use install::Need;

/// The machine has no Postgres server programs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this machine has no Postgres server programs (initdb and postgres); {}", advice(self.install_command.as_deref()))]
pub struct NoPostgres {
    /// The command that installs them here, when the system is a known one.
    pub install_command: Option<String>,
}

fn advice(command: Option<&str>) -> String {
    command.map_or_else(
        || "install your system's Postgres server package".to_owned(),
        |command| format!("install them: {command}"),
    )
}

impl NoPostgres {
    pub(crate) fn here() -> Self {
        Self { install_command: install::install_command(Need::Postgres) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_holds_the_command() {
        let missing = NoPostgres { install_command: Some("apk add postgresql".to_owned()) };
        assert!(missing.to_string().ends_with("install them: apk add postgresql"), "{missing}");
    }
}
