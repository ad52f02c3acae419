//! What a cluster is made and started with.

/// What a cluster is made and started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The superuser, made with the cluster.
    pub user: String,
    /// The database, made with the cluster. A plain lower-case name.
    pub database: String,
    /// Whether data must outlive a crash of the machine; `false` is for tests.
    pub durable: bool,
    /// Further server settings, as in `postgresql.conf`.
    pub options: Vec<(String, String)>,
    /// The major version that a new data folder is made with; without one, the newest that is installed.
    pub major: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            user: "postgres".to_owned(),
            database: "sides".to_owned(),
            durable: true,
            options: Vec::new(),
            major: None,
        }
    }
}
