//! What keeps a release from beginning, shown alike by every command that looks.

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
