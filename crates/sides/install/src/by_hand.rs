//! The commands that a person would type to install a program.

use crate::{Need, package_manager::PackageManager, situation::Situation};

/// What a person would type to install it here, where that is known.
#[must_use]
pub fn install_command(need: Need) -> Option<String> {
    let situation = Situation::here();
    Some(typed(situation.manager?, need, situation.root))
}

pub(crate) fn typed(manager: PackageManager, need: Need, root: bool) -> String {
    let sudo = if root || !manager.needs_root() { "" } else { "sudo " };
    let commands = manager.renewal().map(<[_]>::to_vec).into_iter().chain([manager.installation(need)]);
    let lines = commands.map(|words| format!("{sudo}{}", without_settings(&words).join(" ")));
    lines.collect::<Vec<_>>().join(" && ")
}

/// What a person would leave out.
fn without_settings<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut words = words.iter().copied();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "-qq" | "--quiet" | "--needed" => {}
            "-o" => drop(words.next()),
            _ => kept.push(word),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_typed_is_what_a_person_would_type() {
        let apt = typed(PackageManager::Apt, Need::Postgres, false);
        assert_eq!(
            apt,
            "sudo apt-get update && sudo apt-get install --yes --no-install-recommends postgresql"
        );
        assert_eq!(typed(PackageManager::Apk, Need::Postgres, true), "apk update && apk add postgresql");
        assert_eq!(typed(PackageManager::Brew, Need::Postgres, false), "brew install postgresql");
    }
}
