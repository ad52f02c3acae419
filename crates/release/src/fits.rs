//! Whether jobs find hands: the rule stated once on plain values.

use crate::Manifest;

/// Why a job may find no hands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobMisfit {
    /// No live release works the kind in that version.
    Unhandled,
    /// Some live release claims the kind and cannot read that version.
    Unreadable,
}

/// What stands between a job of `kind` in `version` and being worked by one of the `live` releases.
///
/// A handler that knows the kind but not the version would claim the job and have to park it, so one such
/// handler is a misfit even beside one that reads it.
pub fn job_misfits<'a>(
    kind: &str,
    version: u16,
    live: impl IntoIterator<Item = &'a Manifest>,
) -> Vec<JobMisfit> {
    let (mut handled, mut unreadable) = (false, false);
    for handler in live.into_iter().filter_map(|manifest| manifest.handler_of(kind)) {
        if handler.accepts(version) {
            handled = true;
        } else {
            unreadable = true;
        }
    }
    let unhandled = (!handled).then_some(JobMisfit::Unhandled);
    unhandled.into_iter().chain(unreadable.then_some(JobMisfit::Unreadable)).collect()
}

/// The fields that keep `handler` from reading what `enqueuer` writes as a job of `kind`, where both call it the
/// same version: nothing but the version tells old arguments from new ones.
#[must_use]
pub fn argument_misfits(enqueuer: &Manifest, handler: &Manifest, kind: &str) -> Vec<String> {
    let same_version = enqueuer
        .enqueues
        .get(kind)
        .is_some_and(|version| handler.handler_of(kind).is_some_and(|handled| handled.newest == *version));
    let (Some(written), Some(read)) = (enqueuer.arguments.get(kind), handler.arguments_of(kind)) else {
        return Vec::new();
    };
    let fits = |written: &str, read: &str| {
        let (bare, wanted) = (written.trim_end_matches('?'), read.trim_end_matches('?'));
        let may_lack = read.ends_with('?') || !written.ends_with('?');
        may_lack && (bare == wanted || bare == "any" || wanted == "any")
    };
    let misfits = read.iter().filter(|(field, read)| match written.get(*field) {
        Some(written) => !fits(written, read),
        None => !read.ends_with('?'),
    });
    if same_version { misfits.map(|(field, _)| field.clone()).collect() } else { Vec::new() }
}
