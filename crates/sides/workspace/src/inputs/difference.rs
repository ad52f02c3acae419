//! The differences between two sets of inputs.

use std::{collections::BTreeMap, fmt};

use super::Inputs;

/// One input that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub input: Input,
    /// In which way.
    pub how: How,
}

/// What can differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    /// A file of a crate of the workspace.
    File {
        /// From the workspace's folder.
        path: String,
        /// The crate.
        package: String,
    },
    /// A package from elsewhere.
    Package {
        /// Its name.
        name: String,
        /// Its versions, before and after where both are known.
        versions: String,
    },
    /// Everything else, such as the compiler or a Procfile.
    Setting {
        /// What is set.
        name: String,
    },
}

/// In which way an input differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// It is another than before.
    Changed,
}

impl Inputs {
    /// What is another in `now`, files first.
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        let none = BTreeMap::new();
        let mut packages: Vec<&String> = self.files.keys().chain(now.files.keys()).collect();
        packages.sort();
        packages.dedup();
        for package in packages {
            let of = |inputs: &'_ Self| inputs.files.get(package).cloned();
            let (before, after) = (of(self), of(now));
            for (path, how) in compare(before.as_ref().unwrap_or(&none), after.as_ref().unwrap_or(&none)) {
                let input = Input::File { path: path.clone(), package: package.clone() };
                found.push(Difference { input, how });
            }
        }
        for (name, how) in compare(&self.packages, &now.packages) {
            let of = |inputs: &Self| inputs.packages.get(name).map(|all| versions(all));
            let versions = match (of(self), of(now)) {
                (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
                (Some(one), _) | (None, Some(one)) => one,
                (None, None) => String::new(),
            };
            found.push(Difference { input: Input::Package { name: name.clone(), versions }, how });
        }
        for (name, how) in compare(&self.settings, &now.settings) {
            found.push(Difference { input: Input::Setting { name: name.clone() }, how });
        }
        found
    }
}

fn compare<'a, T: PartialEq>(
    before: &'a BTreeMap<String, T>,
    now: &'a BTreeMap<String, T>,
) -> Vec<(&'a String, How)> {
    let mut keys: Vec<&String> = before.keys().chain(now.keys()).collect();
    keys.sort();
    keys.dedup();
    let how = |key: &String| match (before.get(key), now.get(key)) {
        (None, _) => Some(How::Added),
        (_, None) => Some(How::Removed),
        (Some(before), Some(now)) if before != now => Some(How::Changed),
        _ => None,
    };
    keys.into_iter().filter_map(|key| Some((key, how(key)?))).collect()
}

fn versions(all: &[String]) -> String {
    let short = |full: &String| full.split(' ').next().unwrap_or_default().to_owned();
    all.iter().map(short).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.input {
            Input::File { path, .. } => write!(f, "{path}")?,
            Input::Package { name, versions } => write!(f, "{name} {versions}")?,
            Input::Setting { name } => write!(f, "{name}")?,
        }
        match self.how {
            How::Added => f.write_str(" is new"),
            How::Removed => f.write_str(" is gone"),
            How::Changed => f.write_str(" changed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_difference_is_told() {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let before = Inputs {
            files: BTreeMap::from([("web".to_owned(), map(&[("a.rs", "1"), ("b.rs", "1")]))]),
            packages: BTreeMap::from([("serde".to_owned(), vec!["1.0 aa".to_owned()])]),
            settings: map(&[("toolchain", "1"), ("same", "1")]),
        };
        let now = Inputs {
            files: BTreeMap::from([("web".to_owned(), map(&[("a.rs", "2"), ("c.rs", "1")]))]),
            packages: BTreeMap::from([("serde".to_owned(), vec!["1.1 bb".to_owned()])]),
            settings: map(&[("toolchain", "2"), ("same", "1")]),
        };
        let said: Vec<String> = before.differences(&now).iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            ["a.rs changed", "b.rs is gone", "c.rs is new", "serde 1.0 → 1.1 changed", "toolchain changed"]
        );
        assert_eq!(before.differences(&before), []);
    }
}
