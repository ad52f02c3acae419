//! Every requirement of a world, each with the rule that the search checks.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Manifest, Requirement, SchemaMismatch, WaitingJob, World,
    compatibility::{argument_mismatches, shape_mismatches},
    requirement::SCHEDULE,
    rule::{Releases, Rule},
    schema_mismatches,
};

/// The requirements of `world`, whose releases are numbered as in `releases`.
pub(crate) fn of(world: &World, releases: &[&Manifest]) -> Vec<(Requirement, Rule)> {
    let mut found = schema(world, releases);
    found.extend(jobs(world, releases));
    found.extend(left_behind(world, releases));
    found
}

fn schema(world: &World, releases: &[&Manifest]) -> Vec<(Requirement, Rule)> {
    let catalogues = world.catalogues();
    let mut found = Vec::new();
    for (number, manifest) in releases.iter().enumerate() {
        let mut mismatches: BTreeMap<SchemaMismatch, Vec<bool>> = BTreeMap::new();
        for (position, catalogue) in catalogues.iter().enumerate() {
            for mismatch in schema_mismatches(manifest, catalogue) {
                mismatches.entry(mismatch).or_insert_with(|| vec![false; catalogues.len()])[position] = true;
            }
        }
        for (mismatch, positions) in mismatches {
            let step = |number: usize| (number, world.steps[number - 1].name.clone());
            let mended_by = (1..positions.len()).find(|at| positions[at - 1] && !positions[*at]).map(step);
            let broken_by = (1..positions.len()).find(|at| !positions[at - 1] && positions[*at]).map(step);
            found.push((
                Requirement::Schema { release: manifest.short_name(), mismatch, mended_by, broken_by },
                Rule::NotAt { release: 1 << number, positions },
            ));
        }
    }
    found
}

fn jobs(world: &World, releases: &[&Manifest]) -> Vec<(Requirement, Rule)> {
    // Per job: the release that enqueues it, or nobody where it already waits.
    let mut sources: BTreeSet<(WaitingJob, Option<usize>)> =
        world.waiting.iter().map(|job| (job.clone(), None)).collect();
    for (number, manifest) in releases.iter().enumerate() {
        let enqueued = manifest.enqueues.iter();
        sources.extend(
            enqueued
                .map(|(kind, version)| (WaitingJob { kind: kind.clone(), version: *version }, Some(number))),
        );
    }
    let mut found = Vec::new();
    for (job, source) in sources {
        let fields = |handler: &Manifest| match source {
            Some(from) => argument_mismatches(releases[from], handler, &job.kind),
            None => unread(world, &job, handler),
        };
        let enqueuer = source.map(|number| releases[number].short_name());
        found.extend(hands(&job, source.map_or(0, |number| 1 << number), enqueuer, releases, fields));
    }
    for scheduled in &world.schedules {
        let fields = |handler: &Manifest| shape_mismatches(&scheduled.shape, handler);
        let enqueuer = Some(format!("{SCHEDULE}{}", scheduled.name));
        found.extend(hands(&scheduled.shape.job, 0, enqueuer, releases, fields));
    }
    found
}

/// Who works a job that is there while one of `when` is live (always, if empty), and who would claim and not read it.
fn hands(
    job: &WaitingJob,
    when: Releases,
    enqueuer: Option<String>,
    releases: &[&Manifest],
    mismatches: impl Fn(&Manifest) -> Vec<String>,
) -> Vec<(Requirement, Rule)> {
    let (mut found, mut handlers, mut any_of) = (Vec::new(), Vec::new(), 0);
    for (number, manifest) in releases.iter().enumerate() {
        let Some(handled) = manifest.handler_of(&job.kind) else { continue };
        let (fields, handler) = (mismatches(manifest), manifest.short_name());
        if handled.accepts(job.version) && fields.is_empty() {
            handlers.push(handler);
            any_of |= 1 << number;
        } else {
            found.push((
                Requirement::Readable { job: job.clone(), enqueuer: enqueuer.clone(), handler, fields },
                Rule::Excludes { when, never: 1 << number },
            ));
        }
    }
    found.push((Requirement::Handler { job: job.clone(), enqueuer, handlers }, Rule::Needs { when, any_of }));
    found
}

/// The fields of jobs that wait which a handler of their version cannot read.
fn unread(world: &World, job: &WaitingJob, handler: &Manifest) -> Vec<String> {
    let shapes = world.shapes.iter().filter(|shape| shape.job == *job);
    let fields: BTreeSet<String> = shapes.flat_map(|shape| shape_mismatches(shape, handler)).collect();
    fields.into_iter().collect()
}

/// A process that both enqueues and works a kind stops doing both at one moment: its old release goes. Between two
/// processes a plan can wait for the last job.
fn left_behind(world: &World, releases: &[&Manifest]) -> Vec<(Requirement, Rule)> {
    let is_leaving = |manifest: &Manifest| {
        let process = world.processes.iter().find(|process| process.name == manifest.process);
        process.is_some_and(|process| {
            let is = |other: &Manifest| other.digest == manifest.digest;
            process.live.iter().any(is) && !process.wanted.as_ref().is_some_and(is)
        })
    };
    let mut found = Vec::new();
    for (number, enqueuer) in releases.iter().enumerate().filter(|(_, manifest)| is_leaving(manifest)) {
        for (kind, version) in &enqueuer.enqueues {
            let (mut leaves_too, mut handlers, mut any_of) = (false, Vec::new(), 0);
            for (other, manifest) in releases.iter().enumerate() {
                if !manifest.handler_of(kind).is_some_and(|handled| handled.accepts(*version)) {
                    continue;
                }
                if manifest.process == enqueuer.process && is_leaving(manifest) {
                    leaves_too = true;
                } else if argument_mismatches(enqueuer, manifest, kind).is_empty() {
                    handlers.push(manifest.short_name());
                    any_of |= 1 << other;
                }
            }
            if leaves_too {
                let job = WaitingJob { kind: kind.clone(), version: *version };
                found.push((
                    Requirement::LeftBehind { job, enqueuer: enqueuer.short_name(), handlers },
                    Rule::Succeeds { gone: 1 << number, any_of },
                ));
            }
        }
    }
    found
}
