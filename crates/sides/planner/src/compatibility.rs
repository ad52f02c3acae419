//! Whether every job has a handler: the rule, stated once on plain values.

use crate::{Manifest, Shape};

/// Why a job may find no handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobMismatch {
    /// No live release works the kind in that version.
    Unhandled,
    /// Some live release claims the kind and cannot read that version.
    Unreadable,
}

/// What stands between a job of `kind` in `version` and being worked by one of the `live` releases.
///
/// A handler that knows the kind but not the version would claim the job and have to park it, so one such
/// handler is a mismatch even beside one that reads it.
pub fn job_mismatches<'a>(
    kind: &str,
    version: u16,
    live: impl IntoIterator<Item = &'a Manifest>,
) -> Vec<JobMismatch> {
    let (mut handled, mut unreadable) = (false, false);
    for handler in live.into_iter().filter_map(|manifest| manifest.handler_of(kind)) {
        if handler.accepts(version) {
            handled = true;
        } else {
            unreadable = true;
        }
    }
    let unhandled = (!handled).then_some(JobMismatch::Unhandled);
    unhandled.into_iter().chain(unreadable.then_some(JobMismatch::Unreadable)).collect()
}

/// The fields that keep `handler` from reading what `enqueuer` writes as a job of `kind`, where both call it the
/// same version: nothing but the version tells old arguments from new ones.
#[must_use]
pub fn argument_mismatches(enqueuer: &Manifest, handler: &Manifest, kind: &str) -> Vec<String> {
    let same_version = enqueuer
        .enqueues
        .get(kind)
        .is_some_and(|version| handler.handler_of(kind).is_some_and(|handled| handled.newest == *version));
    let (Some(written), Some(read)) = (enqueuer.arguments.get(kind), handler.arguments_of(kind)) else {
        return Vec::new();
    };
    let is_compatible = |written: &str, read: &str| {
        let (bare, wanted) = (written.trim_end_matches('?'), read.trim_end_matches('?'));
        let may_lack = read.ends_with('?') || !written.ends_with('?');
        may_lack && (bare == wanted || bare == "any" || wanted == "any")
    };
    let mismatches = read.iter().filter(|(field, read)| match written.get(*field) {
        Some(written) => !is_compatible(written, read),
        None => !read.ends_with('?'),
    });
    if same_version { mismatches.map(|(field, _)| field.clone()).collect() } else { Vec::new() }
}

/// The fields that keep `handler` from reading a job that waits with these arguments: a handler of that very version
/// decodes them as they are, one of a later version brings them up to its own first.
#[must_use]
pub fn shape_mismatches(shape: &Shape, handler: &Manifest) -> Vec<String> {
    let kind = &shape.job.kind;
    let reads = handler.handler_of(kind).is_some_and(|handled| handled.newest == shape.job.version);
    let Some(read) = handler.arguments_of(kind).filter(|_| reads) else { return Vec::new() };
    let is_compatible = |written: &str, read: &str| match (written, read.trim_end_matches('?')) {
        (_, "any") => true,
        ("null", wanted) => read.ends_with('?') || wanted == "null",
        ("integer", "number") | ("string" | "object", "enum") => true,
        (written, wanted) => written == wanted,
    };
    let mismatches = read.iter().filter(|(field, read)| match shape.arguments.get(*field) {
        Some(written) => !is_compatible(written, read),
        None => !read.ends_with('?') && read.as_str() != "any",
    });
    mismatches.map(|(field, _)| field.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Handled, WaitingJob};

    #[test]
    fn arguments_of_a_job_that_waits_are_held_to_the_handler_of_their_version() {
        let mut handler = Manifest::new("worker", "new");
        let handled = Handled { newest: 2, oldest: 1, aliases: Default::default() };
        handler.handles.insert("greet".to_owned(), handled);
        let fields = |pairs: &[(&str, &str)]| -> crate::Arguments {
            pairs.iter().map(|(field, kind)| ((*field).to_owned(), (*kind).to_owned())).collect()
        };
        let read =
            [("id", "integer"), ("ratio", "number"), ("note", "string?"), ("more", "any"), ("how", "enum")];
        handler.arguments.insert("greet".to_owned(), fields(&read));
        let mismatches = |version: u16, pairs: &[(&str, &str)]| {
            let job = WaitingJob { kind: "greet".to_owned(), version };
            shape_mismatches(&Shape { job, arguments: fields(pairs) }, &handler)
        };
        let good =
            [("id", "integer"), ("ratio", "integer"), ("more", "array"), ("how", "string"), ("old", "null")];
        assert_eq!(mismatches(2, &good), [""; 0]);
        assert_eq!(mismatches(2, &[("id", "string"), ("note", "null"), ("how", "object")]), ["id", "ratio"]);
        assert_eq!(mismatches(1, &[("id", "string")]), [""; 0], "an older version is brought up");
    }
}
