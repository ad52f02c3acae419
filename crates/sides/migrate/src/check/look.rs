//! Checks one migration.

use std::collections::{BTreeMap, BTreeSet};

use database::DatabaseUrl;

use super::{
    Checked, Finding, Memory,
    judge::{Given, judged},
    memory::keys,
    opaque::{changes_code, is_opaque, makes_work, reaches_all, touches_rows, words},
};
use crate::{
    MigrateError, Migration,
    apart::names,
    backfill::{Batched, walk},
    class::{Class, Classifier, Facts, Lock, Phase, Reason, Seen, Who},
    recipe::Instead,
    script::Script,
    shadow::{
        Broken, Costs, EarlierSessions, Functions, Place, Scratch, Trial, catalogue, mentioned, texts,
        with_rows,
    },
    sql::Statement,
};

/// Tries all migrations on a private scratch server, and looks closely at those that `wanted` names. `live` is the
/// database that they are for.
///
/// # Errors
/// When the database is unavailable, no scratch database can be made, or a migration does not apply to it.
pub async fn check(
    live: &DatabaseUrl,
    all: &[Migration],
    wanted: impl Fn(&Migration) -> bool,
) -> Result<Vec<Checked>, MigrateError> {
    check_in(&Place::find(live, None).await?, all, wanted).await
}

/// The same in another place.
///
/// # Errors
/// When no scratch database can be made, or a migration does not apply to it.
pub async fn check_in(
    place: &Place,
    all: &[Migration],
    wanted: impl Fn(&Migration) -> bool,
) -> Result<Vec<Checked>, MigrateError> {
    check_remembering(place, all, wanted, &mut None).await
}

/// The same, without a try of what is remembered.
pub(crate) async fn check_remembering(
    place: &Place,
    all: &[Migration],
    wanted: impl Fn(&Migration) -> bool,
    memory: &mut Option<Memory>,
) -> Result<Vec<Checked>, MigrateError> {
    let Some(first) = all.iter().position(&wanted) else { return Ok(Vec::new()) };
    let keys = keys(all, first);
    let mut found: Vec<Option<Checked>> =
        keys.iter().map(|key| memory.as_ref().and_then(|memory| memory.get(key)).cloned()).collect();
    // Behind the last one that is to be tried nothing needs to be there.
    if let Some(last) = all.iter().zip(&found).rposition(|(one, known)| wanted(one) && known.is_none()) {
        let scratch = Scratch::create(place, &texts(all, &[])).await?;
        let looked = look_at_all(&scratch, place, &all[..=last], &wanted, first, &mut found).await;
        let (is_lacking, ended) = (scratch.is_lacking(), scratch.end().await);
        looked?;
        ended?;
        for (key, one) in keys.iter().zip(&found).filter(|_| !is_lacking) {
            if let (Some(memory), Some(one)) = (memory.as_mut(), one) {
                memory.keep(key, one);
            }
        }
    }
    // The next check is slower where nothing can be written, and no worse.
    memory.take().and_then(|memory| memory.save(&keys).ok());
    Ok(all.iter().zip(found).filter(|(one, _)| wanted(one)).filter_map(|(_, found)| found).collect())
}

async fn look_at_all(
    scratch: &Scratch,
    place: &Place,
    all: &[Migration],
    wanted: impl Fn(&Migration) -> bool,
    first: usize,
    found: &mut [Option<Checked>],
) -> Result<(), MigrateError> {
    for (number, migration) in all.iter().enumerate() {
        // What is pending meets what the live database has; what is applied already met an empty one.
        if number > 0 && number == first {
            place.live_only.make(scratch).await?;
        }
        if wanted(migration) && found[number].is_none() {
            found[number] = Some(look_at(scratch, migration).await?);
        } else {
            scratch.apply(migration).await?;
        }
    }
    Ok(())
}

/// Runs one migration as `up` does, beside sessions that were there before, and judges each statement by what
/// happened.
pub(crate) async fn look_at(scratch: &Scratch, migration: &Migration) -> Result<Checked, MigrateError> {
    let script = Script::up(migration)?;
    let opaque = script.statements.iter().any(|statement| is_opaque(&statement.text));
    let knows = !opaque && !script.statements.iter().any(|statement| reaches_all(&statement.text));
    let named: BTreeSet<String> = words(migration.up()).into_iter().collect();
    let probes = mentioned(scratch, Some(&named).filter(|_| knows)).await?;
    let touches = script.statements.iter().any(touches_rows);
    let filled = match touches && !probes.is_empty() {
        true => with_rows(scratch, &script, &probes).await?,
        false => Vec::new(),
    };
    let before = if opaque { Some(catalogue(&scratch.eye).await?) } else { None };
    let whole = whole(scratch, &script).await;
    let thorough = opaque || script.statements.iter().any(changes_code);
    let functions = Functions::read(scratch, thorough).await?;
    let costs = match thorough || functions.are_called_by(&named) || script.statements.iter().any(makes_work)
    {
        true => Costs::measure(scratch, &probes).await?,
        false => None,
    };
    let calls = if scratch.is_private() { functions.calls(&named) } else { Vec::new() };
    let earlier = EarlierSessions::prepare(scratch, probes, calls).await?;
    let setters = functions.that_say("setval");

    let mut trial = Trial::begin(scratch, &script).await?;
    let mut classifier = Classifier::default();
    let (mut classed, mut problems) = (Vec::new(), Vec::new());
    for (index, statement) in script.statements.iter().enumerate() {
        if let Some(batched) = Batched::of(&statement.text).filter(|_| script.is_backfill) {
            let why = walk(&scratch.client, &batched).await?.err();
            problems.extend(why.map(|why| format!("up.sql line {}: {why}", statement.line)));
        }
        let (mut class, known) = class_of(scratch, &mut classifier, statement).await?;
        if class.refused == Some(Reason::Restarts) && goes_on_behind(&script.statements[index + 1..]) {
            class.refused = None;
        }
        if sets_a_sequence(statement, &setters) {
            class = class.felt_by(Who::Writers).contract();
        }
        classed.push((class, known));
        trial.statement(index).await?;
    }
    let seen = trial.end().await?;
    let seen: Vec<Seen> = seen
        .into_iter()
        .enumerate()
        .map(|(index, seen)| seen.with(filled.get(index).cloned().unwrap_or_default()))
        .collect();

    let (mut changes, mut narrows) = (false, false);
    if let Some(before) = before {
        let after = catalogue(&scratch.eye).await?;
        (changes, narrows) = (before != after, before.is_narrowed_by(&after));
    }
    let mut held = BTreeMap::new();
    let mut statements = Vec::new();
    let starts: Vec<usize> = script.transactions().iter().map(|range| range.start).collect();
    let judgeable = script.statements.iter().zip(classed).zip(&seen).enumerate();
    for (index, ((statement, (class, known)), seen)) in judgeable {
        if starts.contains(&index) {
            held.clear();
        }
        let given = Given {
            migration,
            statement,
            known: &known,
            skipped: scratch.skips(&statement.text),
            shows: changes || !seen.is_nothing(),
        };
        let mut finding = judged(&given, class, seen, &held);
        if let (Some(Instead::Batches(_)), Some(why)) = (&finding.instead, &whole[index]) {
            finding.instead = Some(Instead::Advice(why.clone()));
        }
        statements.push(finding);
        if script.in_transaction {
            hold(&mut held, seen);
        }
    }
    let mut broken = match earlier {
        Some(earlier) => earlier.go_on(scratch).await?,
        None => Vec::new(),
    };
    if let Some(costs) = costs {
        broken.extend(costs.go_on(scratch).await?);
    }
    if thorough || functions.have_schema_of_role(&named) {
        broken.extend(functions.broken_by(&Functions::read(scratch, thorough).await?));
    }
    blame(&mut statements, &script, &seen, &broken, migration);
    let mut phase = statements.iter().map(|one| one.class.phase).max().unwrap_or(Phase::Expand);
    if narrows {
        phase = Phase::Contract;
    }
    let (phase, more) = judge(migration, phase, &statements);
    problems.splice(0..0, more);
    Ok(Checked { name: migration.name().to_owned(), phase, statements, problems })
}

/// Why each statement comes to something else in batches, on the catalogue as it is before the migration. A backfill
/// says so when it comes to the statement.
async fn whole(scratch: &Scratch, script: &Script<'_>) -> Vec<Option<String>> {
    let mut found = Vec::new();
    for statement in &script.statements {
        let batched = Batched::of(&statement.text).filter(|_| !script.is_backfill);
        found.push(match batched {
            // What cannot be asked yet is about what the migration makes itself.
            Some(batched) => walk(&scratch.eye, &batched).await.ok().and_then(Result::err),
            None => None,
        });
    }
    found
}

/// What the text says, on the catalogue as it is before the statement.
async fn class_of(
    scratch: &Scratch,
    classifier: &mut Classifier,
    statement: &Statement,
) -> Result<(Class, Facts), MigrateError> {
    let text = &statement.text;
    // What is harmless in the worst case needs no look at the catalogue.
    let worst = classifier.look(text, &Facts::default());
    let harmless = worst.refused.is_none() && worst.phase == Phase::Expand;
    let known = if harmless { Facts::default() } else { scratch.facts(names(text).as_ref()).await? };
    Ok((classifier.next(text, &known), known))
}

/// What the transaction keeps others out of from now on.
fn hold(held: &mut BTreeMap<String, Lock>, seen: &Seen) {
    for (name, lock) in seen.locks.iter().filter(|(_, lock)| lock.stops_writers()) {
        let strongest = held.entry(name.clone()).or_insert(*lock);
        *strongest = (*lock).max(*strongest);
    }
}

/// Whether it runs what gives a sequence another value: numbers that are given out already may be given again.
fn sets_a_sequence(statement: &Statement, setters: &BTreeSet<String>) -> bool {
    touches_rows(statement)
        && words(&statement.text).iter().any(|word| word == "setval" || setters.contains(word))
}

/// Whether one of these statements has a sequence go on from another value.
fn goes_on_behind(statements: &[Statement]) -> bool {
    statements.iter().any(|one| words(&one.text).iter().any(|word| word == "setval" || word == "restart"))
}

/// Puts what no longer works to the statement that did it.
fn blame(
    statements: &mut [Finding],
    script: &Script<'_>,
    seen: &[Seen],
    broken: &[Broken],
    migration: &Migration,
) {
    for one in broken {
        // The strongest lock on it is that of the statement that changed it.
        let name = one.relation.rsplit('.').next().unwrap_or(&one.relation);
        let names_it = |place: usize| words(&script.statements[place].text).iter().any(|word| word == name);
        let strongest = (0..seen.len()).max_by_key(|&place| {
            (seen[place].locks.get(&one.relation).copied(), names_it(place), std::cmp::Reverse(place))
        });
        let Some(finding) = strongest.and_then(|place| statements.get_mut(place)) else { continue };
        if finding.class.phase == Phase::Contract && one.refused.is_none() {
            continue; // that is what the phase is for
        }
        finding.class.phase = Phase::Contract;
        let who = if one.reads { Who::Readers } else { Who::Writers };
        finding.class.depends_on.get_or_insert(who);
        finding.witness.get_or_insert_with(|| one.witness.clone());
        if one.refused.is_some() && finding.class.refused.is_none() {
            finding.class.refused = one.refused;
            finding.accepted = migration.metadata().accept.clone();
        }
    }
}

/// What a person declared beside what was found.
fn judge(migration: &Migration, inferred: Phase, statements: &[Finding]) -> (Phase, Vec<String>) {
    let metadata = migration.metadata();
    let mut problems = Vec::new();
    if let Some(declared) = metadata.phase
        && declared != inferred
        && metadata.reason.is_none()
    {
        problems.push(format!(
            "metadata.toml says phase = \"{declared}\" and its statements say {inferred}; add reason = \"…\", or remove the phase"
        ));
    }
    if metadata.accept.is_some() && statements.iter().all(|one| one.class.refused.is_none()) {
        problems.push("metadata.toml accepts something that is not refused; remove accept".to_owned());
    }
    (metadata.phase.unwrap_or(inferred), problems)
}
