//! Sessions from before a migration: whether what they had prepared still works. Also what old code says in a session
//! that begins later, and as each role that has rights.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Client, Error};

use super::{
    Probe, Scratch,
    probes::{self, TRY, Went, all_went, trying},
    rows::triggers,
};
use crate::class::Reason;

/// No statement of a probe takes as long; a trigger may wait for ever.
pub(super) const LIMIT: &str = "SET LOCAL statement_timeout = '5s'; SET LOCAL lock_timeout = '1s'";
/// As so many roles is everything said again.
const ROLES: usize = 4;

/// What a session prepared, and how it went before the migration.
pub(crate) struct EarlierSessions {
    probes: Vec<Probe>,
    asked: Vec<Asked>,
    roles: Vec<String>,
    /// Of each pass: as the runner, then as each role.
    before: Vec<Vec<Went>>,
}

/// What code says.
struct Asked {
    /// The table, view or function, without `public`.
    of: String,
    text: String,
    /// As whom else it is said.
    roles: Vec<String>,
    is_call: bool,
}

/// What no longer works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The table, view or function, without `public`.
    pub(crate) relation: String,
    /// What failed, in words.
    pub(crate) witness: String,
    /// Why it must not happen at all: even code of the next release fails, as long as its session lives.
    pub(crate) refused: Option<Reason>,
    /// Whether readers are among those who fail.
    pub(crate) reads: bool,
}

impl EarlierSessions {
    /// Prepares what code says to these tables and functions, and tries it once. None where the server does not let it.
    pub(crate) async fn prepare(
        scratch: &Scratch,
        probes: Vec<Probe>,
        calls: Vec<(String, String)>,
    ) -> Result<Option<Self>, Error> {
        let of_tables = probes::statements(&probes).into_iter().map(|(place, text)| Asked {
            of: probes[place].name.clone(),
            text,
            roles: probes[place].roles.clone(),
            is_call: false,
        });
        let of_functions =
            calls.into_iter().map(|(of, text)| Asked { of, text, roles: Vec::new(), is_call: true });
        let asked: Vec<Asked> = of_tables.chain(of_functions).collect();
        if asked.is_empty() || scratch.eye.batch_execute(TRY).await.is_err() {
            return Ok(None);
        }
        let mut own = Self { probes, asked, roles: Vec::new(), before: Vec::new() };
        own.take_roles();
        prepared(&scratch.eye, own).await.map(Some)
    }

    fn take_roles(&mut self) {
        let named: BTreeSet<&String> = self.asked.iter().flat_map(|one| &one.roles).collect();
        self.roles = named.into_iter().take(ROLES).cloned().collect();
    }

    /// Everything that was prepared, as the runner and as each role; a statement that a role has nothing to do with is
    /// left out.
    fn passes(&self) -> Vec<Vec<String>> {
        let execute = |number: usize| format!("EXECUTE sides_probe_{number}");
        let mut passes = vec![(0..self.asked.len()).map(execute).collect::<Vec<_>>()];
        for role in &self.roles {
            let own = |(number, one): (usize, &Asked)| one.roles.contains(role).then(|| execute(number));
            let quoted = role.replace('"', "\"\"");
            let begin = std::iter::once(format!("SET LOCAL ROLE \"{quoted}\""));
            passes.push(begin.chain(self.asked.iter().enumerate().filter_map(own)).collect());
        }
        passes
    }

    /// The same again, by the same session, and by one that begins now.
    pub(crate) async fn go_on(self, scratch: &Scratch) -> Result<Vec<Broken>, Error> {
        let mut passes = self.passes();
        passes.push(self.asked.iter().map(|one| one.text.clone()).collect());
        let forget = (0..self.asked.len()).map(|number| format!("; DEALLOCATE sides_probe_{number}"));
        let after = rolled_back(&scratch.eye, &self.probes, &passes, &forget.collect::<String>()).await?;
        let mut broken = Vec::new();
        let later = after.last().map_or(&[][..], Vec::as_slice);
        for (place, one) in self.asked.iter().enumerate() {
            let who = format!("a session that had prepared `{}` before", one.shown());
            let found = one.worse(&self.before[0][place], &after[0][place], &who);
            // What sessions that begin later may not do either is not the plan's fault.
            let is_plan = later.get(place).is_none_or(|later| !is_changed_plan(later));
            broken.extend(found.map(|found| Broken { refused: found.refused.filter(|_| is_plan), ..found }));
        }
        for (place, role) in self.roles.iter().enumerate().map(|(place, role)| (place + 1, role)) {
            let own = self.asked.iter().filter(|one| one.roles.contains(role));
            // The first is that the role is taken.
            for (one, (before, after)) in own.zip(self.before[place].iter().zip(&after[place]).skip(1)) {
                let found = one.worse(before, after, &format!("`{}` as {role}", one.shown()));
                broken.extend(found.map(|found| Broken { refused: None, ..found }));
            }
        }
        for (one, (before, after)) in self.asked.iter().zip(self.before[0].iter().zip(later)) {
            let who = format!("`{}` in a session that begins later", one.shown());
            let found = one.worse(before, after, &who);
            broken.extend(found.map(|found| Broken { refused: None, ..found }));
        }
        broken.extend(self.lost_rights(scratch).await?);
        Ok(broken)
    }

    async fn lost_rights(&self, scratch: &Scratch) -> Result<Vec<Broken>, Error> {
        let probes = || self.probes.iter().filter(|probe| !probe.rights.is_empty());
        let names: Vec<String> = probes().map(|probe| last(&probe.name)).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let now: BTreeMap<String, BTreeSet<String>> = scratch
            .ask(RIGHTS, &[&names])
            .await?
            .iter()
            .map(|row| (row.get(0), row.get::<_, Vec<String>>(1).into_iter().collect()))
            .collect();
        let mut broken = Vec::new();
        for probe in probes() {
            let Some(rights) = now.get(&probe.name) else { continue };
            broken.extend(probe.rights.difference(rights).map(|lost| Broken {
                relation: probe.name.clone(),
                witness: format!("a right on {} is lost: {lost}", probe.name),
                refused: None,
                reads: lost.contains("SELECT"),
            }));
        }
        Ok(broken)
    }
}

/// What roles may do with these tables and views that do not own them, in the words of the probes.
const RIGHTS: &str = "
    SELECT CASE s.nspname WHEN 'public' THEN '' ELSE s.nspname || '.' END || c.relname, ARRAY(
        SELECT DISTINCT concat_ws(' ', g.rolname, r.privilege_type, r.attname) FROM (
            SELECT x.grantee, x.privilege_type, NULL::name AS attname
            FROM pg_catalog.aclexplode(c.relacl) AS x WHERE x.grantee <> c.relowner
            UNION ALL
            SELECT x.grantee, x.privilege_type, a.attname
            FROM pg_catalog.pg_attribute AS a, pg_catalog.aclexplode(a.attacl) AS x
            WHERE a.attrelid = c.oid AND NOT a.attisdropped
        ) AS r LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = r.grantee)
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS s ON s.oid = c.relnamespace
    WHERE c.relname = ANY ($1::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')";

/// Prepares them, and says them for the first time. What nobody can say now, as where a rule without RETURNING stands in
/// the way, is left out: it cannot become worse.
async fn prepared(eye: &Client, mut own: EarlierSessions) -> Result<EarlierSessions, Error> {
    loop {
        let prepare =
            |(number, one): (usize, &Asked)| format!("PREPARE sides_probe_{number} AS {}", one.text);
        let mut passes = vec![own.asked.iter().enumerate().map(prepare).collect()];
        passes.extend(own.passes());
        let mut said = rolled_back(eye, &own.probes, &passes, "").await?;
        let went = said.remove(0);
        own.before = said;
        if went.iter().all(|one| matches!(one, Went::Well(_))) {
            return Ok(own);
        }
        let there = went.iter().enumerate().filter(|(_, one)| matches!(one, Went::Well(_)));
        let forget = there.map(|(number, _)| format!("DEALLOCATE sides_probe_{number};"));
        eye.batch_execute(&forget.collect::<String>()).await?;
        let mut went = went.iter();
        own.asked.retain(|_| matches!(went.next(), Some(Went::Well(_))));
        own.take_roles();
    }
}

impl Asked {
    fn worse(&self, before: &Went, after: &Went, who: &str) -> Option<Broken> {
        // What a function gives may be another.
        let why = worse(before, after).filter(|_| !self.is_call || matches!(after, Went::Wrong { .. }))?;
        Some(Broken {
            relation: self.of.clone(),
            witness: format!("{who} {why}"),
            refused: is_changed_plan(after).then_some(Reason::Prepared),
            reads: self.text.starts_with("SELECT"),
        })
    }

    fn shown(&self) -> String {
        match self.text.char_indices().nth(80) {
            Some((end, _)) => format!("{}…", &self.text[..end]),
            None => self.text.clone(),
        }
    }
}

/// Each pass in a transaction in which each table has a row, and what is deferred is checked at once. All in one round
/// trip, with what is to be done behind it.
async fn rolled_back(
    eye: &Client,
    probes: &[Probe],
    passes: &[Vec<String>],
    behind: &str,
) -> Result<Vec<Vec<Went>>, Error> {
    let mut text = format!(
        "BEGIN; {LIMIT}; SET CONSTRAINTS ALL IMMEDIATE; {}; {}; {}",
        triggers("replica"),
        trying(&probes::rows(probes)),
        triggers("origin")
    );
    for pass in passes {
        text.push_str("; SAVEPOINT sides_pass; ");
        text.push_str(&trying(pass));
        text.push_str("; ROLLBACK TO SAVEPOINT sides_pass");
    }
    text.push_str("; ROLLBACK; SELECT pg_catalog.pg_advisory_unlock_all()");
    text.push_str(behind);
    match eye.simple_query(&text).await {
        Ok(said) => Ok(all_went(&said).into_iter().skip(1).collect()),
        Err(error) => {
            eye.batch_execute("ROLLBACK").await?;
            Err(error)
        }
    }
}

/// What code notices: it worked and fails, it fails for another reason than before, or it finds nothing any more. A made
/// row may fail for its values, and a busy machine for its time.
fn worse(before: &Went, after: &Went) -> Option<String> {
    match (before, after) {
        (Went::Well(many), Went::Well(0)) if *many > 0 => {
            Some("finds and changes no row from then on".to_owned())
        }
        (_, Went::Well(_)) => None,
        (_, Went::Wrong { code, .. }) if ["57014", "55P03", "40P01"].contains(&code.as_str()) => None,
        (Went::Wrong { code: was, .. }, Went::Wrong { code, .. }) if was == code => None,
        (_, Went::Wrong { said, .. }) => Some(format!("fails from then on: {said}")),
    }
}

/// `cached plan must not change result type` has a code that others share.
fn is_changed_plan(went: &Went) -> bool {
    matches!(went, Went::Wrong { code, .. } if code == "0A000")
}

fn last(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Went, worse};

    #[test]
    fn only_what_gets_worse_counts() {
        let wrong = |code: &str| Went::Wrong { said: format!("no ({code})"), code: code.to_owned() };
        assert!(worse(&Went::Well(1), &wrong("23502")).is_some());
        assert!(worse(&wrong("23514"), &wrong("0A000")).is_some());
        assert!(worse(&wrong("23503"), &wrong("P0001")).is_some(), "it fails before it is looked at");
        assert!(worse(&Went::Well(2), &Went::Well(0)).is_some(), "the row is hidden");
        assert!(worse(&wrong("23514"), &wrong("23514")).is_none());
        assert!(worse(&Went::Well(2), &wrong("57014")).is_none(), "the machine is busy");
        assert!(
            worse(&wrong("23514"), &Went::Well(0)).is_none()
                && worse(&Went::Well(0), &Went::Well(0)).is_none()
        );
    }
}
