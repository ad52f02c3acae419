//! Arguments of a release that several commands share.

use clap::Args;
use terminal::Screen;
use workspace::Workspace;

use crate::progress::OnScreen;

/// How a release is watched and told.
#[derive(Debug, Args)]
pub(crate) struct Watching {
    /// How long to watch the new builds after the last process was replaced, in seconds: requests, latencies, jobs,
    /// crashes [default: 75, or `bake` in deploy/release.toml].
    ///
    /// Where a process has several instances, one of the new build is tried beside them first, as long as
    /// deploy/release.toml says. 0 skips both.
    #[arg(long, value_name = "SECONDS")]
    bake: Option<u64>,
    /// How many times slower than before web's answers may become; 0 for no limit [default: 1.5 side by side, 3 while it is
    /// watched].
    ///
    /// Before any visitor reaches a new web, it and the old one get the same requests side by side for a few seconds; a
    /// difference of at least 4 ms that chance does not explain is refused. While it is watched, the limit applies to the
    /// median (if it is 100 ms more) and to the 99th percentile (if it is 500 ms more), over several seconds, if chance does
    /// not explain it; slowdowns of the machine itself do not count.
    #[arg(long, value_name = "TIMES", value_parser = times)]
    slower: Option<f64>,
    /// The path that the prober requests from web; it must answer 200.
    #[arg(long, default_value = "/", value_name = "PATH", value_parser = path)]
    probe: String,
    /// The receipt as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Watching {
    /// Where progress is shown: beside a receipt that a program reads.
    pub(crate) fn progress<'a>(&self, workspace: &'a Workspace) -> OnScreen<'a> {
        OnScreen::new(workspace, if self.json { Screen::beside_output() } else { Screen::new() })
    }

    /// With what deploy/release.toml says where no argument does.
    pub(crate) fn limited(self, workspace: &Workspace) -> anyhow::Result<deploy::release::Watching> {
        let Self { bake, slower, probe, .. } = self;
        let bake = match bake {
            Some(bake) => bake,
            None => deploy::release::Limits::read(workspace)?.bake(),
        };
        Ok(deploy::release::Watching { bake, slower, probe })
    }
}

/// A path of web, such as `/` or `/api/services?count=1`.
pub(crate) fn path(text: &str) -> Result<String, String> {
    match text {
        _ if !text.starts_with('/') => Err(format!("a path starts with a slash: /{text}")),
        _ if text.starts_with("//") => Err("a path starts with a single slash".to_owned()),
        _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err("a path has no spaces or non-ASCII characters: percent-encode them, as in %20".to_owned())
        }
        _ if text.contains('#') => Err("a fragment (what follows #) is never sent: leave it out".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

pub(crate) fn times(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "give a number, such as 3 or 1.5".to_owned())?;
    match number {
        _ if !number.is_finite() || number < 0.0 => Err("give 0 (no limit) or a number above 1".to_owned()),
        _ if number > 0.0 && number < 1.0 => {
            Err("below 1 the new build would have to be faster: give 1 or more".to_owned())
        }
        _ => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_never_be_asked_is_refused_at_once() {
        assert_eq!(path("nope").unwrap_err(), "a path starts with a slash: /nope");
        assert!(["//evil.example/", "/a b", "/ä", "/#top"].iter().all(|text| path(text).is_err()));
        assert!(["/", "/api/services?count=1"].iter().all(|text| path(text).is_ok()));
        assert!(["nan", "-1", "0.5", "inf", "x"].iter().all(|text| times(text).is_err()));
        assert_eq!((times("0"), times("1.5")), (Ok(0.0), Ok(1.5)));
    }
}
