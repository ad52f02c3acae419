//! How to get a missing program. Pure.

use crate::{Consent, package_manager::PackageManager, situation::Situation};

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The system's package manager installs it.
    Install { manager: PackageManager, sudo: bool, how: How },
    /// It is unpacked into the user's cache; the system stays as it is.
    Unpack { how: How },
    /// Neither, for this reason.
    Refuse(&'static str),
}

/// What is said before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Nothing more: it was said before.
    Silently,
    /// A line that says what is done.
    Saying,
    /// A question.
    Asking,
}

/// Decides. A person at a terminal is asked, once; CI and root in a container are not, nor who said yes before.
pub(crate) fn decide(situation: Situation, consent: Consent) -> Decision {
    if consent == Consent::Refused {
        return Decision::Refuse("installing is forbidden (--no-install or SIDES_NO_INSTALL)");
    }
    let nobodys = situation.ci || situation.root && situation.container;
    let how = match consent {
        Consent::Told => How::Silently,
        Consent::Ask if situation.terminal && !nobodys => How::Asking,
        _ => How::Saying,
    };
    match situation.manager {
        None => Decision::Refuse("no supported package manager was found"),
        Some(manager) if situation.root || situation.sudo || !manager.needs_root() => {
            Decision::Install { manager, sudo: !situation.root && manager.needs_root(), how }
        }
        Some(PackageManager::Apt) => Decision::Unpack { how },
        Some(_) => Decision::Refuse("installing needs root, or sudo without a password"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Situation = Situation {
        manager: Some(PackageManager::Apt),
        root: false,
        sudo: false,
        container: false,
        ci: false,
        terminal: true,
    };

    #[test]
    fn who_may_install_does_and_others_unpack() {
        let root = Situation { root: true, ..USER };
        let apt = |sudo, how| Decision::Install { manager: PackageManager::Apt, sudo, how };
        assert_eq!(decide(root, Consent::Ask), apt(false, How::Asking));
        assert_eq!(decide(Situation { sudo: true, ..USER }, Consent::Ask), apt(true, How::Asking));
        assert_eq!(decide(USER, Consent::Ask), Decision::Unpack { how: How::Asking });
        let brew = Situation { manager: Some(PackageManager::Brew), ..USER };
        let wanted = Decision::Install { manager: PackageManager::Brew, sudo: false, how: How::Asking };
        assert_eq!(decide(brew, Consent::Ask), wanted);
    }

    #[test]
    fn nobody_is_asked_where_nobody_is_or_the_answer_is_known() {
        let root = Situation { root: true, ..USER };
        for (situation, consent) in [
            (root, Consent::Given),
            (Situation { ci: true, ..root }, Consent::Ask),
            (Situation { container: true, ..root }, Consent::Ask),
            (Situation { terminal: false, ..root }, Consent::Ask),
        ] {
            let wanted = Decision::Install { manager: PackageManager::Apt, sudo: false, how: How::Saying };
            assert_eq!(decide(situation, consent), wanted, "{situation:?} {consent:?}");
        }
        // Somebody's own machine in a container of theirs: an ordinary user is still asked.
        let contained = Situation { container: true, ..USER };
        assert_eq!(decide(contained, Consent::Ask), Decision::Unpack { how: How::Asking });
    }

    #[test]
    fn what_may_not_be_is_refused() {
        let refused = |situation, consent| matches!(decide(situation, consent), Decision::Refuse(_));
        assert!(refused(Situation { root: true, ..USER }, Consent::Refused));
        assert!(refused(Situation { manager: None, ..USER }, Consent::Given));
        assert!(refused(Situation { manager: Some(PackageManager::Dnf), ..USER }, Consent::Given));
    }
}
