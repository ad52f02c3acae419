//! What a process is there for.

use crate::Manifest;

/// The table that only those use who fire schedules.
const STORED_SCHEDULES: &str = "sides.stored_schedules";

/// What a process is there for. Its manifest says it; its name says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It answers visitors, at a public address.
    Listens,
    /// It works jobs.
    Works,
    /// It fires schedules, and looks after the fleet.
    Fires,
}

impl Role {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Listens, Self::Works, Self::Fires];
}

impl Manifest {
    /// Whether it works jobs. Builds from before they said so handle some kind.
    #[must_use]
    pub fn is_worker(&self) -> bool {
        self.works || !self.handles.is_empty()
    }

    /// Whether it does this. Builds from before they said so are known by what they use.
    #[must_use]
    pub fn has_role(&self, role: Role) -> bool {
        match role {
            Role::Listens => self.listens,
            Role::Works => self.is_worker(),
            Role::Fires => self.fires || self.tables.contains_key(STORED_SCHEDULES),
        }
    }

    /// The first of its roles; none of a process that does none of this.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        Role::ALL.into_iter().find(|role| self.has_role(*role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_the_roles_that_it_says_or_that_its_tables_and_kinds_show() {
        let none = Manifest::new("any", "d");
        assert_eq!(none.role(), None);
        let both = Manifest { listens: true, works: true, ..none.clone() };
        assert_eq!((both.role(), both.has_role(Role::Works)), (Some(Role::Listens), true));
        let mut old = none.clone();
        old.tables.insert(STORED_SCHEDULES.to_owned(), crate::TableUse::default());
        assert_eq!(old.role(), Some(Role::Fires));
        assert_eq!(Manifest { fires: true, ..none }.role(), Some(Role::Fires));
    }
}
