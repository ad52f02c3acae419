//! What keeps a release from beginning, as far as that can be known before a build: `release` asks first, `plan` and
//! `doctor` ask the same, in the same words.

mod database;
mod machine;
mod places;
mod scratch;

use std::fmt;

use ::database::DatabaseUrl;
use serde::Serialize;
use workspace::Workspace;

/// One thing that has to be put right first. Never holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// What was looked at.
    pub topic: &'static str,
    /// What was seen.
    pub text: String,
    /// What to do about it.
    pub next: String,
}

impl Obstacle {
    fn new(topic: &'static str, text: impl Into<String>, next: impl Into<String>) -> Self {
        Self { topic, text: text.into(), next: next.into() }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    {}", self.topic, self.text, self.next)
    }
}

/// Looks at the machine, the places and, where one is named, the database.
pub async fn look(workspace: &Workspace, url: Option<&DatabaseUrl>) -> Vec<Obstacle> {
    let mut obstacles = machine::look(workspace);
    obstacles.extend(places::look(workspace).await);
    if let Some(url) = url {
        let of_database = database::look(url).await;
        let answers = of_database.is_empty();
        obstacles.extend(of_database);
        // A scratch server is for what this database does not have yet.
        if answers {
            obstacles.extend(scratch::look(workspace, url).await);
        }
    }
    obstacles
}
