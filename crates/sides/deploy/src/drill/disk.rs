//! A disk that fills: a small one of its own, in memory, that stands in for the folder with the kept builds.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};
use nix::unistd::geteuid;

/// How much room there is beside what is there already, in bytes.
const ROOM: u64 = 32 << 20;
/// More than this is not put into memory.
const MOST: u64 = 2 << 30;
const FILLER: &str = "filler";

/// Why this machine allows no such disk, if it does not.
pub(super) fn impossible(folder: &Path) -> Option<String> {
    if !geteuid().is_root() {
        return Some(
            "only root can mount a small disk: run it as root, on a machine where that does no harm"
                .to_owned(),
        );
    }
    let size = size(folder);
    if size > MOST {
        return Some(format!("the kept builds take {} MB, too much for a disk in memory", size >> 20));
    }
    // Unmounted before its folder is removed.
    let tried = tempfile::tempdir()
        .context("no temporary folder")
        .and_then(|folder| Disk::mount(folder.path(), 1 << 20).map(drop));
    tried.err().map(|error| format!("{error:#}"))
}

/// A mounted disk. It is unmounted with this value.
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// Puts a disk in the place of this folder, with all that is in it, and some room.
    pub(crate) fn instead_of(folder: &Path) -> anyhow::Result<Self> {
        let beside = tempfile::tempdir_in(folder.parent().unwrap_or(folder))?;
        copy(folder, beside.path())?;
        let disk = Self::mount(folder, size(folder) + ROOM)?;
        copy(beside.path(), folder)?;
        Ok(disk)
    }

    fn mount(folder: &Path, size: u64) -> anyhow::Result<Self> {
        let size = format!("size={size}");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "sides-drill"]).arg(folder))?;
        Ok(Self(folder.to_owned()))
    }

    /// Leaves no room at all.
    pub(crate) fn fill(&self) -> anyhow::Result<()> {
        let file = fs::File::create(self.0.join(FILLER)).context("cannot fill the disk")?;
        // It ends with an error: there is no more room.
        match std::io::copy(&mut std::io::repeat(1), &mut &file) {
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Ok(()),
            Err(error) => Err(error).context("cannot fill the disk"),
            Ok(_) => bail!("the disk cannot be filled"),
        }
    }

    /// Gives the room back.
    pub(crate) fn empty(&self) -> anyhow::Result<()> {
        match fs::remove_file(self.0.join(FILLER)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).context("cannot give the room of the disk back")
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: what still runs from it keeps it until it ends.
        if let Err(error) = run(Command::new("umount").arg("--lazy").arg(&self.0)) {
            eprintln!("{} stays mounted: {error:#}", self.0.display());
        }
    }
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    anyhow::ensure!(output.status.success(), "{program} is not allowed here: {said}");
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    run(Command::new("cp").arg("-a").arg(from.join(".")).arg(to))
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => size(&entry.path()),
        // What a block holds at least.
        _ => entry.metadata().map_or(0, |file| file.len().next_multiple_of(4096)),
    };
    entries.map(of).sum()
}
