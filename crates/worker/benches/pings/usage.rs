//! What Linux counts for a process.

use std::{fs, time::Instant};

use anyhow::Context as _;

/// A process and the processes it has started.
pub(crate) struct Tree {
    root: i32,
}

impl Tree {
    pub(crate) fn of(root: i32) -> Self {
        Self { root }
    }

    /// Seconds of CPU so far, of those that have ended too.
    fn seconds(&self) -> anyhow::Result<f64> {
        let hertz = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)?.context("no clock tick")?;
        let root = Stat::read(self.root).with_context(|| format!("process {} has ended", self.root))?;
        let children = fs::read_dir("/proc")?
            .filter_map(|entry| Stat::read(entry.ok()?.file_name().to_str()?.parse().ok()?))
            .filter(|stat| stat.parent == self.root);
        let ticks = root.own + root.ended_children + children.map(|child| child.own).sum::<u32>();
        #[expect(clippy::cast_precision_loss, reason = "a clock's ticks are a hundred a second")]
        Ok(f64::from(ticks) / hertz as f64)
    }
}

struct Stat {
    parent: i32,
    own: u32,
    ended_children: u32,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name before may hold anything. From the state on, proc(5) counts from 3.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let number = |at: usize| fields.get(at - 3)?.parse::<u32>().ok();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            own: number(14)? + number(15)?,
            ended_children: number(16)? + number(17)?,
        })
    }
}

/// Counts from its start.
pub(crate) struct Meter {
    tree: Tree,
    begun: Instant,
    before: f64,
}

impl Meter {
    pub(crate) fn start(tree: Tree) -> anyhow::Result<Self> {
        let before = tree.seconds()?;
        Ok(Self { tree, begun: Instant::now(), before })
    }

    /// How many cores it has kept busy on average.
    pub(crate) fn cores(&self) -> anyhow::Result<f64> {
        Ok((self.tree.seconds()? - self.before) / self.begun.elapsed().as_secs_f64())
    }
}

/// The most memory that a process ever held, in KiB (`VmHWM`).
pub(crate) fn peak_memory_kb(pid: i32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
