//! Tries a revert on a scratch database before it is done for real.

use std::collections::BTreeMap;

use database::DatabaseUrl;
use tokio_postgres::Client;

use crate::{
    Applied, MigrateError, Migration,
    script::Script,
    shadow::{Catalogue, Place, Scratch, ShadowError, catalogue, texts},
};

/// The schema as far as a dump shows it.
#[derive(Debug, PartialEq, Eq)]
struct State {
    catalogue: Catalogue,
    rest: BTreeMap<String, String>,
}

/// What a catalogue leaves out and a dump does not: the order of columns, comments, rights.
const REST: &str = "
    SELECT 'order of columns in ' || attrelid::regclass, string_agg(quote_ident(attname), ', ' ORDER BY attnum)
    FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0 AND NOT attisdropped
      AND attrelid IN (SELECT oid FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'c', 'f'))
    GROUP BY attrelid
    UNION ALL
    SELECT 'comment on ' || pg_describe_object(classoid, objoid, objsubid), description FROM pg_description WHERE objoid >= 16384
    UNION ALL
    SELECT 'rights on ' || oid::regclass, relacl::text FROM pg_class WHERE oid >= 16384 AND relacl IS NOT NULL
    UNION ALL
    SELECT 'rights on ' || attrelid::regclass || '.' || attname, attacl::text FROM pg_attribute WHERE attrelid >= 16384 AND attacl IS NOT NULL";

impl State {
    async fn read(client: &Client) -> Result<Self, MigrateError> {
        let rest = client.query(REST, &[]).await?;
        let rest = rest.iter().map(|row| (row.get(0), row.get(1))).collect();
        Ok(Self { catalogue: catalogue(client).await?, rest })
    }

    /// `-` is what was there, `+` what would be there instead.
    fn difference(&self, after: &Self) -> Vec<String> {
        let mut lines = self.catalogue.difference(&after.catalogue);
        // Of what is gone or new, more was said already than its parts.
        if lines.is_empty() {
            for name in
                self.rest.keys().chain(after.rest.keys().filter(|name| !self.rest.contains_key(*name)))
            {
                let (before, now) = (self.rest.get(name), after.rest.get(name));
                if before != now {
                    lines.extend(before.map(|text| format!("-{name}: {text}")));
                    lines.extend(now.map(|text| format!("+{name}: {text}")));
                }
            }
        }
        lines
    }
}

/// Runs the scripts, newest first, on a scratch database that got the same migrations. Gives the reason where that
/// could not be tried.
///
/// # Errors
/// When one of them does not restore what its migration found.
pub(crate) async fn rehearse(
    live: &DatabaseUrl,
    all: &[Migration],
    applied: &[Applied],
    scripts: &[Script<'_>],
) -> Result<Option<String>, MigrateError> {
    let place = Place::find(live, None).await?;
    let scratch = match Scratch::create(&place, &texts(all, applied)).await {
        Ok(scratch) => scratch,
        Err(MigrateError::Shadow(why)) => return Ok(Some(why.to_string())),
        Err(error) => return Err(error),
    };
    let tried = run(&scratch, all, applied, scripts).await;
    scratch.end().await?;
    tried
}

async fn run(
    scratch: &Scratch,
    all: &[Migration],
    applied: &[Applied],
    scripts: &[Script<'_>],
) -> Result<Option<String>, MigrateError> {
    let (kept, reverted) = applied.split_at(applied.len().saturating_sub(scripts.len()));
    // What was applied to a database with a past of its own may not apply to an empty one.
    if let Err(why) = scratch.replay(kept, all).await {
        return Ok(Some(why.to_string()));
    }
    let mut before = Vec::new();
    for one in reverted {
        before.push(State::read(&scratch.eye).await?);
        if let Err(why) = scratch.replay(std::slice::from_ref(one), all).await {
            return Ok(Some(why.to_string()));
        }
    }
    for (script, before) in scripts.iter().zip(before.iter().rev()) {
        scratch.run(script).await.map_err(|error| match error {
            MigrateError::Shadow(ShadowError::Apply { site, said }) => MigrateError::DownFails { site, said },
            other => other,
        })?;
        let difference = before.difference(&State::read(&scratch.eye).await?);
        if !difference.is_empty() {
            let name = script.migration.name().to_owned();
            return Err(MigrateError::NotTheReverse { name, difference });
        }
    }
    Ok(None)
}
