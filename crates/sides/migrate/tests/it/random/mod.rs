//! Random migrations from a grammar of what people write, each judged by `check` and then run for real beside live
//! readers and writers with prepared statements: none that is called safe makes one of them fail, or wait for long.
//!
//! A short run with fixed seeds is part of the tests; `cargo run -p sides-migrate --example random` is the long one.

mod base;
mod code;
#[cfg(test)]
mod field;
mod grammar;
mod lane;
mod model;
mod tally;
mod traffic;
mod waits;

pub(crate) use lane::lane;
pub(crate) use tally::Tally;

async fn connect(url: &database::DatabaseUrl, name: &str) -> tokio_postgres::Client {
    database::client(&url.with_application_name(name)).await.unwrap()
}

#[cfg(test)]
mod tests {
    use super::{Tally, grammar, lane};

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_that_is_called_safe_is_felt() {
        let mut all = Tally::default();
        for seed in [7, 210_787, 31_415] {
            all.add(lane(seed).await);
        }
        println!("{all}");
        assert!(all.faults.is_empty(), "{all}");
        assert!(all.safe * 5 > all.tried, "too few are called safe to say anything: {all}");
    }

    #[test]
    fn the_grammar_is_wide() {
        assert!(grammar::shapes().len() >= 300);
    }
}
