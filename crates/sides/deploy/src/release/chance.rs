//! Whether one proportion is larger than another by more than chance.

/// How likely it is that a share this much greater, or more, comes by chance: the exact test of Fisher for `failed` of
/// `all` new attempts beside `old_failed` of `old_all`.
pub(super) fn of(old_all: u64, old_failed: u64, all: u64, failed: u64) -> f64 {
    let (total, bad) = (old_all + all, old_failed + failed);
    let most = bad.min(all);
    (failed..=most)
        .map(|some| {
            let log = log_choose(all, some) + log_choose(old_all, bad - some) - log_choose(total, bad);
            log.exp()
        })
        .sum::<f64>()
        .min(1.0)
}

/// The logarithm of how many ways there are to take `some` of `all`; of none where there are fewer than `some`.
fn log_choose(all: u64, some: u64) -> f64 {
    if some > all {
        return f64::NEG_INFINITY;
    }
    log_factorial(all) - log_factorial(some) - log_factorial(all - some)
}

/// Stirling's series, exact enough from 10 on.
fn log_factorial(number: u64) -> f64 {
    if number < 10 {
        return (2..=number).map(|factor| (factor as f64).ln()).sum();
    }
    let x = number as f64;
    x * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI * x).ln() + 1.0 / (12.0 * x)
        - 1.0 / (360.0 * x.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_test_agrees_with_the_textbook() {
        // Fisher's tea: 4 of 4 against 0 of 4.
        assert!((of(4, 0, 4, 4) - 1.0 / 70.0).abs() < 1e-9);
        assert!((of(4, 1, 4, 3) - 17.0 / 70.0).abs() < 1e-9);
        assert!((of(100, 0, 100, 0) - 1.0).abs() < 1e-9);
        assert!(of(1000, 3, 200, 40) < 1e-12);
        assert!((of(20, 0, 10, 1) - 1.0 / 3.0).abs() < 1e-6);
    }
}
