//! The slope of each release's memory, stored for people to see.

use std::collections::{BTreeMap, HashMap};

use ::schema::memory_trends::{self, Measured};
use database::Connection;
use uuid::Uuid;

use super::memory::{Line, Series};
use crate::inventory::Instance;

/// Writes one row for each release of a process. Only what works jobs is recycled at `limit`.
pub(crate) async fn write(
    connection: &mut Connection,
    instances: &[Instance],
    series: &HashMap<Uuid, Series>,
    limit: u64,
) -> diesel::QueryResult<()> {
    for ((process, release), (works, lines)) in by_release(instances, series) {
        let Some(line) = steepest(&lines) else { continue };
        let limit = (limit > 0 && works).then_some(limit);
        let measured = Measured {
            process,
            release,
            resident_bytes: whole(lines.iter().map(|line| line.last).fold(0.0, f64::max)),
            bytes_per_hour: line.slope * 3_600.0,
            samples: i32::try_from(line.samples).unwrap_or(i32::MAX),
            limit_bytes: limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX)),
            full_in_seconds: limit.and_then(|limit| line.seconds_to(limit)),
        };
        memory_trends::write(connection, &measured).await?;
    }
    memory_trends::prune(connection).await
}

/// Whether each release works jobs, and the lines of its instances.
fn by_release<'a>(
    instances: &'a [Instance],
    series: &HashMap<Uuid, Series>,
) -> BTreeMap<(&'a str, &'a str), (bool, Vec<Line>)> {
    let mut lines: BTreeMap<(&str, &str), (bool, Vec<Line>)> = BTreeMap::new();
    for instance in instances {
        if let Some(line) = series.get(&instance.id).and_then(Series::line) {
            let of = lines.entry((&instance.process, &instance.release)).or_default();
            of.0 |= instance.works;
            of.1.push(line);
        }
    }
    lines
}

/// Of the instances with the longest series: a young one says little.
fn steepest(lines: &[Line]) -> Option<&Line> {
    let longest = lines.iter().map(|line| line.samples).max()?;
    let old = lines.iter().filter(|line| line.samples * 2 >= longest);
    old.max_by(|a, b| a.slope.total_cmp(&b.slope))
}

#[expect(clippy::cast_possible_truncation, reason = "bytes of memory fit 63 bits")]
fn whole(bytes: f64) -> i64 {
    bytes as i64
}
