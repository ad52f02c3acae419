//! Whether the places of `deploy/targets.toml` answer.

use workspace::Workspace;

use super::Obstacle;
use crate::places::{self, Places};

pub(super) async fn look(workspace: &Workspace) -> Option<Obstacle> {
    let error = places::answer(Places::read(workspace)).await.err()?;
    let next =
        "check that the place can be reached and that its token is valid; what runs there is not affected";
    Some(Obstacle::new("places", format!("{error:#}"), next))
}
