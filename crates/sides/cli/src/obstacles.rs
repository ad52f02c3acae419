//! What prevents a release from starting, shown in the same way by every command that checks.

use deploy::preflight::Obstacle;
use terminal::{Palette, tell};

pub(crate) fn show(obstacles: &[Obstacle]) {
    // Errors are plain, as everywhere.
    let palette = Palette::PLAIN;
    eprintln!("{}", tell::fault(palette, "the release cannot start; nothing was built or changed"));
    for obstacle in obstacles {
        eprintln!("{}", tell::fault(palette, &obstacle.to_string()));
    }
}
