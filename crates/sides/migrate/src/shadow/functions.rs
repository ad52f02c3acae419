//! Functions and triggers before a migration and behind it: what a change of one does to code that runs.
//!
//! A trigger or a check may refuse some rows and let others pass, so it cannot be tried on made rows alone: one whose
//! function can refuse is taken for one that does.

mod function;
mod pauses;

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Error;

use super::{Broken, Scratch};
use crate::sql::tokens;
use function::Function;

/// All of a database.
#[derive(Debug, Clone, Default)]
pub(crate) struct Functions {
    functions: BTreeMap<u32, Function>,
    triggers: BTreeMap<u32, Trigger>,
    tables: BTreeSet<u32>,
    /// Who may call a function, use a sequence or a type, or look into a schema.
    rights: BTreeSet<String>,
    /// Tables that some role finds before the one of the same name in `public`.
    hiding: BTreeSet<String>,
    /// What code that was written before may find instead of Postgres' own function, operator or cast.
    nearer: BTreeSet<String>,
    /// Schemas that are called like a role.
    own_schemas: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Trigger {
    name: String,
    table: u32,
    /// Without `public`.
    table_name: String,
    function: u32,
    /// Whether it may drop a row by giving none back.
    may_drop: bool,
}

const TRIGGERS: &str = "
    SELECT t.oid, t.tgname::text, t.tgrelid, CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname,
           t.tgfoid, (t.tgtype & 66) <> 0
    FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND t.tgrelid >= 16384";

const RIGHTS: &str = "
    SELECT concat_ws(' ', pg_catalog.pg_describe_object(o.class, o.oid, 0), coalesce(g.rolname, 'PUBLIC'), x.privilege_type)
    FROM (
        SELECT 'pg_catalog.pg_proc'::regclass AS class, oid, coalesce(proacl, acldefault('f', proowner)) AS acl
        FROM pg_catalog.pg_proc WHERE oid >= 16384
          -- What a check makes for itself comes and goes.
          AND pronamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname LIKE 'pg\\_temp%')
        UNION ALL
        SELECT 'pg_catalog.pg_class'::regclass, oid, relacl FROM pg_catalog.pg_class WHERE oid >= 16384 AND relkind = 'S'
        UNION ALL
        SELECT 'pg_catalog.pg_namespace'::regclass, oid, nspacl FROM pg_catalog.pg_namespace
        WHERE oid >= 16384 OR nspname = 'public'
        UNION ALL
        SELECT 'pg_catalog.pg_type'::regclass, oid, coalesce(typacl, acldefault('T', typowner))
        FROM pg_catalog.pg_type WHERE oid >= 16384 AND typtype IN ('e', 'd')
    ) AS o CROSS JOIN LATERAL aclexplode(o.acl) AS x LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = x.grantee";

const HIDING: &str = "
    SELECT concat_ws('.', n.nspname, c.relname) FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_catalog.pg_roles AS r ON r.rolname = n.nspname
    WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p', 'S') AND pg_catalog.to_regclass(pg_catalog.format('public.%I', c.relname)) IS NOT NULL";

/// An argument of exactly its type is nearer than one that must be converted. What needs a type of the database's own is
/// no concern of code that was written before it, nor is what an extension brings.
const NEARER: &str = "
    SELECT own.name FROM (
        SELECT 'pg_catalog.pg_proc'::regclass AS class, p.oid, p.proname || ' finds ' || p.oid::regprocedure AS name
        FROM pg_catalog.pg_proc AS p
        WHERE p.oid >= 16384 AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) AS o (oid) WHERE o.oid >= 16384)
          AND EXISTS (SELECT FROM pg_catalog.pg_proc AS b WHERE b.oid < 16384 AND b.proname = p.proname
                      AND b.pronargs = p.pronargs AND b.pronamespace = 'pg_catalog'::regnamespace)
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc AS b WHERE b.oid < 16384 AND b.proname = p.proname
                          AND b.proargtypes = p.proargtypes AND b.pronamespace = 'pg_catalog'::regnamespace)
        UNION ALL
        SELECT 'pg_catalog.pg_operator'::regclass, o.oid, o.oprname || ' finds ' || o.oid::regoperator
        FROM pg_catalog.pg_operator AS o
        WHERE o.oid >= 16384 AND o.oprleft < 16384 AND o.oprright < 16384
          AND EXISTS (SELECT FROM pg_catalog.pg_operator AS b WHERE b.oid < 16384 AND b.oprname = o.oprname)
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_operator AS b WHERE b.oid < 16384 AND b.oprname = o.oprname
                          AND b.oprleft = o.oprleft AND b.oprright = o.oprright)
        UNION ALL
        SELECT 'pg_catalog.pg_cast'::regclass, c.oid, format('a call with %s finds what takes %s',
            c.castsource::regtype, c.casttarget::regtype)
        FROM pg_catalog.pg_cast AS c
        WHERE c.oid >= 16384 AND c.castcontext = 'i' AND c.castsource < 16384 AND c.casttarget < 16384
    ) AS own
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                      WHERE d.classid = own.class AND d.objid = own.oid AND d.deptype = 'e')";

const OWN_SCHEMAS: &str =
    "SELECT nspname::text FROM pg_catalog.pg_namespace JOIN pg_catalog.pg_roles ON rolname = nspname";

const TABLES: &str =
    "SELECT oid FROM pg_catalog.pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p', 'v', 'f')";

impl Functions {
    /// What another session sees of them; also the rights, where `thorough`.
    pub(crate) async fn read(scratch: &Scratch, thorough: bool) -> Result<Self, Error> {
        let functions = scratch.ask(include_str!("functions.sql"), &[]).await?;
        let function = |row: &tokio_postgres::Row| Function {
            name: row.get(1),
            source: row.get(2),
            language: row.get(3),
            is_definer: row.get(4),
            settings: row.get(5),
            is_strict: row.get(6),
            users: row.get(7),
            call: row.get(8),
        };
        let mut own = Self {
            functions: functions.iter().map(|row| (row.get(0), function(row))).collect(),
            own_schemas: scratch.ask(OWN_SCHEMAS, &[]).await?.iter().map(|row| row.get(0)).collect(),
            ..Self::default()
        };
        if thorough || !own.own_schemas.is_empty() {
            own.hiding = scratch.ask(HIDING, &[]).await?.iter().map(|row| row.get(0)).collect();
        }
        if thorough {
            let trigger = |row: &tokio_postgres::Row| Trigger {
                name: row.get(1),
                table: row.get(2),
                table_name: row.get(3),
                function: row.get(4),
                may_drop: row.get(5),
            };
            let triggers = scratch.ask(TRIGGERS, &[]).await?;
            own.triggers = triggers.iter().map(|row| (row.get(0), trigger(row))).collect();
            own.tables = scratch.ask(TABLES, &[]).await?.iter().map(|row| row.get(0)).collect();
            own.nearer = scratch.ask(NEARER, &[]).await?.iter().map(|row| row.get(0)).collect();
            own.rights = scratch.ask(RIGHTS, &[]).await?.iter().map(|row| row.get(0)).collect();
        }
        Ok(own)
    }

    /// Calls of those that one of these names stands in, each with the function's name.
    pub(crate) fn calls(&self, names: &BTreeSet<String>) -> Vec<(String, String)> {
        const MOST: usize = 30;
        // What waits, or acts on more than rows, is not called for a try.
        let is_tame = |one: &&Function| {
            let source = one.source.to_lowercase();
            !["pg_sleep", "advisory", "dblink", "commit", "pg_notify"]
                .iter()
                .any(|word| source.contains(word))
        };
        let says = |one: &&Function| {
            names.contains(bare(&one.name)) || words_of(&one.source).any(|word| names.contains(&word))
        };
        let found = self.functions.values().filter(|one| one.call.is_some()).filter(is_tame).filter(says);
        found.take(MOST).filter_map(|one| Some((one.name.clone(), one.call.clone()?))).collect()
    }

    /// Whether one of these names is that of a function.
    pub(crate) fn are_called_by(&self, names: &BTreeSet<String>) -> bool {
        self.functions.values().any(|one| names.contains(bare(&one.name)))
    }

    /// Whether one of these names is that of a schema which a role looks into first.
    pub(crate) fn have_schema_of_role(&self, names: &BTreeSet<String>) -> bool {
        !self.own_schemas.is_disjoint(names)
    }

    /// The names of those that say this word.
    pub(crate) fn that_say(&self, word: &str) -> BTreeSet<String> {
        let says = |one: &&Function| tokens(&one.source).iter().any(|token| token.is(word));
        self.functions.values().filter(says).map(|one| bare(&one.name).to_owned()).collect()
    }

    /// What of it code feels that was written before.
    pub(crate) fn broken_by(&self, after: &Self) -> Vec<Broken> {
        let mut broken = Vec::new();
        for (oid, before) in &self.functions {
            let Some(now) = after.functions.get(oid).filter(|now| *now != before) else { continue };
            let users = self.users_of(before);
            broken.extend(before.felt(now, &users, self.may_drop(*oid)));
        }
        for (oid, trigger) in &after.triggers {
            let is_new = !self.triggers.contains_key(oid) && self.tables.contains(&trigger.table);
            let function = after.functions.get(&trigger.function).filter(|_| is_new);
            let Some(how) = function.and_then(|function| function.refuses(trigger.may_drop)) else {
                continue;
            };
            broken.push(Broken {
                relation: trigger.table_name.clone(),
                witness: format!(
                    "the trigger {} may refuse what code writes that was there before: {how}",
                    trigger.name
                ),
                refused: None,
                reads: false,
            });
        }
        broken.extend(self.paused_by(after));
        broken.extend(self.lost_by(after));
        broken
    }

    /// Rights that are gone although what they were for is there, and tables that are found instead of others.
    fn lost_by<'a>(&'a self, after: &'a Self) -> impl Iterator<Item = Broken> + 'a {
        let broken = |relation: &str, witness: String| Broken {
            relation: relation.to_owned(),
            witness,
            refused: None,
            reads: true,
        };
        let lost = self.rights.difference(&after.rights);
        let lost = lost.map(move |right| broken("", format!("a right is lost: {right}")));
        let hiding = after.hiding.difference(&self.hiding).map(move |name| {
            let (role, table) = name.split_once('.').unwrap_or((name, name));
            broken(name, format!("{role} finds {name} before public.{table} from then on"))
        });
        let nearer = after.nearer.difference(&self.nearer).map(move |found| {
            broken("", format!("{found} from then on, or is not unique, where it was Postgres' own before"))
        });
        lost.chain(hiding).chain(nearer)
    }

    fn may_drop(&self, function: u32) -> bool {
        self.triggers.values().any(|trigger| trigger.function == function && trigger.may_drop)
    }

    /// What uses a function, also through others that call it.
    fn users_of(&self, function: &Function) -> Vec<String> {
        let mut names = vec![bare(&function.name).to_owned()];
        let mut users: BTreeSet<String> = function.users.iter().cloned().collect();
        let mut place = 0;
        while let Some(name) = names.get(place).cloned() {
            place += 1;
            for one in self
                .functions
                .values()
                .filter(|one| !names.iter().any(|known| known == bare(&one.name)))
                .collect::<Vec<_>>()
            {
                if tokens(&one.source)
                    .iter()
                    .any(|token| token.text.trim_matches('"').eq_ignore_ascii_case(&name))
                {
                    users.extend(one.users.iter().cloned());
                    names.push(bare(&one.name).to_owned());
                }
            }
        }
        users.into_iter().collect()
    }
}

fn words_of(source: &str) -> impl Iterator<Item = String> {
    tokens(source).into_iter().map(|token| token.text.trim_matches('"').to_lowercase())
}

fn bare(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::{function::tests::function, *};
    use crate::class::Reason;

    #[test]
    fn what_keeps_results_is_wrong_behind_a_change() {
        let index = Function { users: vec!["kept index i".to_owned()], ..function("a") };
        let caller = Function {
            name: "g".to_owned(),
            users: vec!["kept index j".to_owned()],
            ..function("SELECT F(1)")
        };
        let before = Functions {
            functions: BTreeMap::from([(1, index.clone()), (2, caller.clone())]),
            ..Functions::default()
        };
        assert_eq!(before.users_of(&index), ["kept index i", "kept index j"]);
        let now = Functions {
            functions: BTreeMap::from([(1, Function { source: "b".to_owned(), ..index }), (2, caller)]),
            ..Functions::default()
        };
        assert_eq!(before.broken_by(&now)[0].refused, Some(Reason::Computed));
        assert!(before.broken_by(&before).is_empty());
    }
}
