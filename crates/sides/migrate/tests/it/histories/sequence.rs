//! Random migrations that apply one after the other: each is made on a model of what those before it have left.

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt as _, rngs::StdRng, seq::IndexedRandom as _};
use sides_migrate::Migration;

#[derive(Debug, Clone, Default)]
struct Table {
    columns: BTreeSet<String>,
    indexes: BTreeMap<String, String>,
    /// Constraint → whether it is valid.
    checks: BTreeMap<String, bool>,
    /// Foreign keys, each to its parent.
    keys: BTreeMap<String, String>,
    /// Views of it.
    views: BTreeSet<String>,
}

#[derive(Debug, Clone, Default)]
struct Schema {
    tables: BTreeMap<String, Table>,
    moods: usize,
    made: usize,
}

/// What a migration would do, and what `metadata.toml` has to say of it.
type Made = (String, &'static str);

/// So many migrations.
pub(crate) fn sequence(random: &mut StdRng, count: usize) -> Vec<Migration> {
    let mut schema = Schema::default();
    let mut all = Vec::new();
    while all.len() < count {
        let Some((mut up, metadata)) = schema.after(random, |_| true) else { continue };
        let is_alone = up.contains("CONCURRENTLY") || !metadata.is_empty();
        if !is_alone && random.random_bool(0.25) {
            let more = schema
                .after(random, |(more, metadata)| metadata.is_empty() && !more.contains("CONCURRENTLY"));
            up = more.map_or(up.clone(), |(more, _)| format!("{up};\n{more}"));
        }
        let name = format!("{:02}_m", all.len() + 1);
        all.push(Migration::new(name, up, "").with_metadata(metadata).unwrap());
    }
    all
}

impl Schema {
    /// A change that fits; what does not has changed nothing.
    fn after(&mut self, random: &mut StdRng, fits: impl Fn(&Made) -> bool) -> Option<Made> {
        let mut after = self.clone();
        let made = after.change(random).filter(fits)?;
        *self = after;
        Some(made)
    }

    fn change(&mut self, random: &mut StdRng) -> Option<Made> {
        let what = random.random_range(0..20);
        if what < 2 || self.tables.is_empty() {
            return Some((self.create(random)?, ""));
        }
        let names: Vec<String> = self.tables.keys().cloned().collect();
        let name = names.choose(random)?.clone();
        if what == 2 {
            return Some((self.drop(&name)?, ""));
        }
        if what == 3 {
            self.moods += 1;
            let mood = self.moods;
            let text = if mood == 1 {
                "CREATE TYPE mood AS ENUM ('m1')".to_owned()
            } else {
                format!("ALTER TYPE mood ADD VALUE 'm{mood}'")
            };
            return Some((text, ""));
        }
        if what == 4 {
            let parent = names.choose(random)?;
            let table = self.tables.get_mut(&name)?;
            let key = format!("{name}_{parent}_fk");
            table.keys.insert(key.clone(), parent.clone()).is_none().then_some(())?;
            return Some((
                format!(
                    "ALTER TABLE {name} ADD CONSTRAINT {key} FOREIGN KEY (id) REFERENCES {parent} (id) NOT VALID"
                ),
                "",
            ));
        }
        let table = self.tables.get_mut(&name)?;
        table.change(&name, what, random)
    }

    fn create(&mut self, random: &mut StdRng) -> Option<String> {
        let free: Vec<&str> =
            ["a", "b", "d"].into_iter().filter(|name| !self.tables.contains_key(*name)).collect();
        let name = *free.choose(random)?;
        self.made += 1;
        let columns = ["c0", "c1"].map(str::to_owned).into();
        self.tables.insert(name.to_owned(), Table { columns, ..Table::default() });
        Some(format!(
            "CREATE TABLE {name} (id bigint PRIMARY KEY, c0 int, c1 int DEFAULT {0}); INSERT INTO {name} SELECT generate_series(1, 300)",
            self.made
        ))
    }

    fn drop(&mut self, name: &str) -> Option<String> {
        let is_parent = self.tables.values().any(|table| table.keys.values().any(|parent| parent == name));
        if is_parent || !self.tables[name].views.is_empty() {
            return None;
        }
        self.tables.remove(name);
        Some(format!("DROP TABLE {name}"))
    }
}

impl Table {
    fn change(&mut self, name: &str, what: u32, random: &mut StdRng) -> Option<Made> {
        let alter = |action: String| Some((format!("ALTER TABLE {name} {action}"), ""));
        let columns: Vec<String> = self.columns.iter().cloned().collect();
        let column = columns.choose(random).cloned();
        match what {
            5..=8 => {
                let column = format!("c{}", random.random_range(0..5));
                self.columns.insert(column.clone()).then_some(())?;
                let rest = ["int", "int NOT NULL DEFAULT 5", "text", "bigint DEFAULT 7"].choose(random)?;
                if what == 8 {
                    let code = format!("DO $$ BEGIN ALTER TABLE {name} ADD COLUMN {column} {rest}; END $$");
                    return Some((code, ""));
                }
                alter(format!("ADD COLUMN {column} {rest}"))
            }
            9 | 10 => {
                let column = column?;
                self.columns.remove(&column);
                self.indexes.retain(|_, of| *of != column);
                alter(format!("DROP COLUMN {column}"))
            }
            11 => alter(format!("ALTER COLUMN {} SET DEFAULT {}", column?, random.random_range(1..9))),
            12 => alter(format!("ALTER COLUMN {} DROP DEFAULT", column?)),
            13 | 14 => {
                let column = column?;
                let index = format!("{name}_{column}");
                self.indexes.insert(index.clone(), column.clone()).is_none().then_some(())?;
                Some((format!("CREATE INDEX CONCURRENTLY {index} ON {name} ({column})"), ""))
            }
            15 => {
                let index = self.indexes.keys().next()?.clone();
                self.indexes.remove(&index);
                Some((format!("DROP INDEX CONCURRENTLY {index}"), ""))
            }
            16 => {
                match self.checks.iter().find(|(_, is_valid)| !**is_valid).map(|(check, _)| check.clone()) {
                    Some(check) => {
                        self.checks.insert(check.clone(), true);
                        alter(format!("VALIDATE CONSTRAINT {check}"))
                    }
                    None => {
                        let check = format!("{name}_ck{}", random.random_range(0..3));
                        self.checks.insert(check.clone(), false).is_none().then_some(())?;
                        alter(format!("ADD CONSTRAINT {check} CHECK (id > 0) NOT VALID"))
                    }
                }
            }
            17 => {
                let check = self.checks.keys().next()?.clone();
                self.checks.remove(&check);
                alter(format!("DROP CONSTRAINT {check}"))
            }
            18 => {
                let view = format!("{name}_view");
                if self.views.remove(&view) {
                    return Some((format!("DROP VIEW {view}"), ""));
                }
                self.views.insert(view.clone());
                Some((format!("CREATE VIEW {view} AS SELECT id FROM {name}"), ""))
            }
            _ => {
                let column = self.columns.get("c0")?;
                Some((
                    format!("UPDATE {name} SET {column} = {column} WHERE id % 3 = 0"),
                    "phase = \"backfill\"\n",
                ))
            }
        }
    }
}
