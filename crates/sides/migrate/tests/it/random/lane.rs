//! Migrations one after the other on one database that is in use.

use rand::{SeedableRng as _, rngs::StdRng};
use sides_migrate::{
    Migration, Options,
    check::{Checked, check_in},
    class::{Phase, Reason},
    shadow::Place,
};
use testing::TestDatabase;

use super::{
    base, connect,
    grammar::{self, Drawn},
    tally::Tally,
    traffic::Traffic,
    waits::Waits,
};

/// Migrations in one database.
const LENGTH: usize = 25;
/// Nobody may wait longer for a lock.
const LONGEST_MS: i64 = 250;
/// What is said of who waited longer, before how long it was.
pub(super) const WAITED: &str = "others waited";
/// Every so many lanes have a writer that keeps its transactions open.
const EACH_SLOW: u64 = 5;

/// Draws the lane of this seed, has it checked, and runs it for real.
pub(crate) async fn lane(seed: u64) -> Tally {
    let mut random = StdRng::seed_from_u64(seed);
    let drawn = {
        let model = TestDatabase::empty().await;
        let session = connect(model.url(), "model").await;
        session.batch_execute(base::SCHEMA).await.unwrap();
        session.batch_execute(base::ROWS).await.unwrap();
        base::settle(&session).await;
        grammar::migrations(&mut random, &session, LENGTH).await
    };
    let mut all = vec![Migration::new("000_base", base::SCHEMA, "")];
    all.extend(
        drawn
            .iter()
            .enumerate()
            .map(|(place, one)| Migration::new(format!("{:03}_m", place + 1), one.text.as_str(), "")),
    );
    let mut tally = Tally { lanes: 1, ..Tally::default() };
    let live = TestDatabase::empty().await;
    let place = Place::find(live.url(), None).await.unwrap();
    let verdicts = verdicts(seed, &place, &mut all, &mut tally).await;
    let mut run = Run { seed, live: &live, traffic: None, tally: &mut tally };
    run.all(&all, &drawn, &verdicts).await;
    tally
}

/// One that does not apply ends the lane: what is behind it may need it.
async fn verdicts(seed: u64, place: &Place, all: &mut Vec<Migration>, tally: &mut Tally) -> Vec<Checked> {
    while all.len() > 1 {
        match check_in(place, all, |one| one.version() != "000").await {
            Ok(found) => return found,
            Err(error) => {
                let text = error.to_string();
                let at = all.iter().position(|one| text.contains(&format!("migrations/{}/", one.name())));
                all.truncate(at.unwrap_or_else(|| panic!("seed {seed}: {error}")));
                tally.inapplicable += 1;
            }
        }
    }
    Vec::new()
}

pub(super) struct Run<'a> {
    pub(super) seed: u64,
    pub(super) live: &'a TestDatabase,
    pub(super) traffic: Option<Traffic>,
    pub(super) tally: &'a mut Tally,
}

impl Run<'_> {
    pub(super) async fn all(&mut self, all: &[Migration], drawn: &[Drawn], verdicts: &[Checked]) {
        let eye = connect(self.live.url(), "eye").await;
        self.apply(&all[..1]).await.unwrap();
        eye.batch_execute(base::ROWS).await.unwrap();
        let waits = Waits::start(self.live.url()).await;
        for (place, (checked, drawn)) in verdicts.iter().zip(drawn).enumerate() {
            let is_old = match &self.traffic {
                Some(traffic) => checked.is_refused() && traffic.is_old(&eye).await,
                None => true,
            };
            if is_old {
                self.restart().await;
            }
            waits.longest();
            let done = self.apply(&all[..place + 2]).await;
            self.traffic.as_ref().unwrap().go_round().await;
            self.tally.tried += 1;
            if !self.judge(checked, drawn, done, waits.longest()).await {
                break;
            }
        }
        waits.stop().await;
        self.stop().await;
    }

    /// Whether the next one can be tried.
    async fn judge(
        &mut self,
        checked: &Checked,
        drawn: &Drawn,
        done: Result<(), String>,
        waited: i64,
    ) -> bool {
        let mut felt = self.traffic.as_ref().unwrap().faults();
        let text = &drawn.text;
        let is_contract = checked.phase == Phase::Contract;
        if is_contract {
            // Nothing that old code says counts, only how long it waits.
            felt.clear();
        }
        if waited > LONGEST_MS {
            felt.push(format!("{WAITED} {waited} ms"));
        }
        let is_done = done.is_ok();
        if checked.is_refused() {
            self.tally.refused += 1;
            felt.extend(done.err());
            if felt.is_empty() && !drawn.grows && !is_contract {
                let reason = reason(checked);
                self.tally.needless.entry(reason).or_default().push(format!("seed {}: {text}", self.seed));
            }
            self.stop().await;
            // Who relies on such numbers fails later on: that is why it is refused.
            let restarts = checked.statements.iter().any(|one| one.class.refused == Some(Reason::Restarts));
            return is_done && !restarts;
        }
        match is_contract {
            true => self.tally.contract += 1,
            false => self.tally.safe += 1,
        }
        self.tally.longest_wait_ms = self.tally.longest_wait_ms.max(waited);
        match done {
            // No fresh database has the rows that it met.
            Err(why) if meets_rows(&why) => self.tally.ended += 1,
            Err(why) => felt.push(why),
            Ok(()) => {}
        }
        if !felt.is_empty() {
            let felt = felt.join("; ");
            self.tally
                .faults
                .push(format!("seed {}: `{text}` is called {}: {felt}", self.seed, checked.phase));
        }
        if is_contract || !felt.is_empty() {
            self.stop().await;
        }
        is_done
    }

    async fn apply(&self, lane: &[Migration]) -> Result<(), String> {
        let done = sides_migrate::apply(self.live.url(), lane, &Options::default(), &mut |_| {}).await;
        done.map(drop).map_err(|error| error.to_string())
    }

    async fn restart(&mut self) {
        self.stop().await;
        let is_slow = self.seed.is_multiple_of(EACH_SLOW);
        self.traffic = Some(Traffic::start(self.live.url(), is_slow).await);
    }

    async fn stop(&mut self) {
        if let Some(mut traffic) = self.traffic.take() {
            traffic.stop().await;
        }
    }
}

fn reason(checked: &Checked) -> String {
    let reasons = checked.statements.iter().filter_map(|one| one.class.refused);
    let own = reasons.map(|one| format!("{one:?}")).next();
    own.unwrap_or_else(|| checked.problems.join("; "))
}

/// Whether it fails for the values of rows: a violated constraint, a value that cannot be converted.
fn meets_rows(why: &str) -> bool {
    let first = why.lines().next().unwrap_or_default();
    let Some((_, code)) = first.rsplit_once(" (") else { return false };
    code.starts_with("23") || code.starts_with("22")
}
