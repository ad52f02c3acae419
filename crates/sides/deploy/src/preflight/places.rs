//! Places of `deploy/targets.toml` that do not answer.

use workspace::Workspace;

use super::Obstacle;
use crate::places::{self, Places};

pub(super) async fn look(workspace: &Workspace) -> Option<Obstacle> {
    let error = places::answer(Places::read(workspace)).await.err()?;
    let next = "see that the place answers and that its token is valid; what runs there goes on meanwhile";
    Some(Obstacle::new("places", format!("{error:#}"), next))
}
