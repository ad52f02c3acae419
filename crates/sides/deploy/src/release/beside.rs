//! What a new build answered beside the old one, before any visitor reached it. Pairs of requests in, a verdict out.
//!
//! Both builds were asked in turn in the same seconds, so whatever the machine was busy with happened to both: without a
//! difference between the builds, either is as likely as the other to have answered slower. Noise only adds to the time
//! of a request. So the fastest answers tell most of a build, and are compared first: all answers are split behind the
//! fastest tenth, and so on, and the exact test of Fisher says how likely it is that by chance so many of the new build's
//! lie behind the split.

use platform::prober::Pairs;

use super::chance;

/// Where the answers of both are split, in percent.
const QUANTILES: [usize; 4] = [10, 25, 50, 75];
/// So unlikely a difference must be as chance, over all splits: once in 10,000 releases of the same build.
const CHANCE: f64 = 1e-4;
/// A smaller difference, in microseconds, may be the machine's: on a busy one a process waits a few milliseconds for its
/// next slice of time, and of two equal ones one may wait longer for as long as they are compared.
const LEAST_DIFFERENCE: u64 = 4000;
/// Where the old build's own answers are spread this wide, as many times the fastest tenth, the machine decides how long
/// one takes: on one processor longer than on another, for seconds. There a difference must be as many times greater as
/// the second figure says.
const SPREAD: (u64, f64) = (2, 1.3);
/// Fewer pairs say nothing of times.
const LEAST_PAIRS: usize = 14;

/// Why visitors should not reach a new build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Worse {
    /// It fails requests that the old one answers.
    #[error("{0}")]
    Fails(String),
    /// It is slower. One instance may be slower than another for seconds because of the processor it runs on, so this is said
    /// of a build when two of its instances were.
    #[error("{0}")]
    Slow(String),
}

/// What `pairs` say of the new build: figures for the receipt, or the reason not to let visitors reach it. An answer may
/// take `times` as long as the old build's; none when that does not matter.
///
/// # Errors
/// The reason, in words.
pub fn judge(pairs: &Pairs, times: Option<f64>) -> Result<String, Worse> {
    let (old_failed, new_failed) = (pairs.old_failures.values().sum(), pairs.new_failures.values().sum());
    let is_new = old_failed == 0 && new_failed > 0;
    if is_new || chance::of(pairs.asked, old_failed, pairs.asked, new_failed) < CHANCE {
        let why: Vec<&str> = pairs.new_failures.keys().map(String::as_str).collect();
        return Err(Worse::Fails(format!(
            "failed {new_failed} of {} requests beside the old build, which failed {old_failed}: {}",
            pairs.asked,
            why.join(", ")
        )));
    }
    let [old, new] = [0, 1].map(|which| {
        let mut took: Vec<u64> = pairs.took.iter().map(|&(old, new)| [old, new][which]).collect();
        took.sort_unstable();
        took
    });
    if old.len() < LEAST_PAIRS {
        return Ok(format!(
            "beside the old build: {} pairs of requests, too few to compare times",
            old.len()
        ));
    }
    if let Some(slow) = times.and_then(|times| slow(&old, &new, times)) {
        return Err(Worse::Slow(slow));
    }
    Ok(format!(
        "beside the old build, {} pairs of requests: half of its answers took up to {}, the old one's {}",
        old.len(),
        ms(quantile(&new, 50)),
        ms(quantile(&old, 50))
    ))
}

/// Both sorted.
fn slow(old: &[u64], new: &[u64], times: f64) -> Option<String> {
    let mut both = [old, new].concat();
    both.sort_unstable();
    let widest = quantile(old, QUANTILES[0]) * SPREAD.0;
    QUANTILES.iter().find_map(|&percent| {
        let (was, is, limit) = (quantile(old, percent), quantile(new, percent), quantile(&both, percent));
        let times = if was > widest { times * SPREAD.1 } else { times };
        let is_felt = is as f64 >= was as f64 * times && is >= was + LEAST_DIFFERENCE;
        let behind = |took: &[u64]| took.iter().filter(|&&one| one > limit).count() as u64;
        let all = old.len() as u64;
        let chance = chance::of(all, behind(old), all, behind(new)) * QUANTILES.len() as f64;
        (is_felt && chance < CHANCE).then(|| {
            format!(
                "is slower than the old build beside it: {percent} % of its answers took up to {}, the old one's {}, in {} pairs \
                 of requests (by chance: less than once in {:.0})",
                ms(is),
                ms(was),
                old.len(),
                (1.0 / chance.max(1e-12)).floor()
            )
        })
    })
}

fn quantile(sorted: &[u64], percent: usize) -> u64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

fn ms(microseconds: u64) -> String {
    format!("{:.1} ms", microseconds as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(took: impl IntoIterator<Item = (u64, u64)>) -> Pairs {
        let took: Vec<(u64, u64)> = took.into_iter().collect();
        Pairs { asked: took.len() as u64, took, ..Pairs::default() }
    }

    /// Noise that adds, as a busy machine makes it: a number for each turn that looks like chance, up to `most`.
    fn noise(turn: u64, most: u64) -> u64 {
        let mixed = (turn + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) % most
    }

    fn noisy(old: u64, new: u64, most: u64) -> Pairs {
        pairs((0..150).map(|turn| (old + noise(2 * turn, most), new + noise(2 * turn + 1, most))))
    }

    #[test]
    fn twice_as_slow_is_found_under_noise_that_is_larger_than_the_difference() {
        let Err(Worse::Slow(slow)) = judge(&noisy(5000, 10_000, 20_000), Some(1.5)) else {
            panic!("it is not slow")
        };
        assert!(slow.starts_with("is slower than the old build beside it: 10 % of its answers"), "{slow}");
        assert!(judge(&noisy(20_000, 40_000, 60_000), Some(1.5)).is_err());
        assert!(judge(&noisy(5000, 10_000, 20_000), None).is_ok(), "nobody wants to know");
        assert!(judge(&noisy(5000, 10_000, 20_000), Some(4.0)).is_ok(), "it may be slower");
    }

    #[test]
    fn the_same_build_is_let_through_whatever_the_noise() {
        for most in [1, 100, 5000, 50_000, 500_000] {
            for base in [300, 5000, 20_000] {
                let said = judge(&noisy(base, base, most), Some(1.5));
                assert!(said.is_ok(), "{said:?}");
            }
        }
    }

    #[test]
    fn a_difference_that_nobody_feels_is_none() {
        // Of two equal builds on a machine that compiled something else meanwhile.
        assert!(judge(&pairs((0..303).map(|_| (2300, 5000))), Some(1.5)).is_ok());
        assert!(judge(&pairs([(300, 900); 100]), Some(1.5)).is_ok(), "less than a millisecond");
        assert!(judge(&pairs([(20_000, 25_000); 100]), Some(1.5)).is_ok(), "a quarter more");
        assert!(
            judge(&pairs([(5000, 50_000); 9]), Some(1.5)).unwrap().contains("9 pairs of requests, too few")
        );
    }

    #[test]
    fn what_one_processor_adds_for_seconds_is_not_the_builds() {
        let waits = |turn: u64, most: u64| if turn.is_multiple_of(3) { 0 } else { 2000 + noise(turn, most) };
        let on_another = (0..200).map(|turn| (1000 + waits(turn, 9000), 1000 + waits(turn, 16_000)));
        let said = judge(&pairs(on_another), Some(1.5));
        assert!(said.is_ok(), "{said:?}");
    }

    #[test]
    fn some_answers_that_are_slow_are_found_too() {
        let some = |turn: u64| if turn.is_multiple_of(3) { 60_000 } else { 5000 };
        let slow = judge(&pairs((0..180).map(|turn| (5000, some(turn)))), Some(1.5)).unwrap_err().to_string();
        assert!(slow.contains("75 % of its answers"), "{slow}");
    }

    #[test]
    fn a_failure_that_the_old_build_does_not_have_is_too_much() {
        let failing = |old: u64, new: u64| {
            let failures =
                |count| [("answered 500".to_owned(), count)].into_iter().filter(|(_, count)| *count > 0);
            Pairs {
                asked: 200,
                old_failures: failures(old).collect(),
                new_failures: failures(new).collect(),
                ..pairs([(5000, 5000); 100])
            }
        };
        let Err(Worse::Fails(one)) = judge(&failing(0, 1), None) else { panic!("it does not fail") };
        assert_eq!(one, "failed 1 of 200 requests beside the old build, which failed 0: answered 500");
        assert!(judge(&failing(100, 100), None).is_ok(), "it does not get worse");
        assert!(judge(&failing(200, 0), None).is_ok(), "it is mended");
        assert!(judge(&failing(40, 120), None).is_err());
    }
}
