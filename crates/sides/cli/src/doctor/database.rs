//! Checks of the database of `DATABASE_URL`: reachable, writable, the user's rights, its clock.

use std::time::SystemTime;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{Bool, Text, Timestamptz},
};
use diesel_async::RunQueryDsl as _;

use super::finding::Finding;
use workspace::named_database;

const TOPIC: &str = "DATABASE_URL";
/// Clocks further apart than this make logs and rows hard to compare.
const MOST_SKEW: f64 = 2.0;

#[derive(Debug, QueryableByName)]
struct Answer {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Text)]
    user: String,
    #[diesel(sql_type = Bool)]
    creates_roles: bool,
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

const ASK: &str = "SELECT current_setting('server_version') AS version, current_user::text AS user,
        (SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user) AS creates_roles,
        clock_timestamp() AS now";

pub(super) async fn look() -> Vec<Finding> {
    let url = match named_database() {
        Ok(Some(url)) => url,
        Ok(None) => {
            let text = "not set: `sides dev` starts a private Postgres in .sides/";
            return vec![Finding::notice(
                TOPIC,
                text,
                "for a release, set it: postgres://user:password@host:5432/name",
            )];
        }
        Err(error) => {
            let text = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
            return vec![Finding::fault(
                TOPIC,
                text,
                "write it like postgres://user:password@host:5432/name",
            )];
        }
    };
    let asked = async {
        let mut connection = database::connect(&url).await?;
        let answer = diesel::sql_query(ASK).get_result::<Answer>(&mut connection).await?;
        anyhow::Ok((answer, schema::instances::exist(&mut connection).await?))
    };
    match asked.await {
        Ok((answer, is_migrated)) => judge(&answer, is_migrated, SystemTime::now().into()),
        // Why is said by what keeps a release from beginning.
        Err(_) => Vec::new(),
    }
}

fn judge(answer: &Answer, is_migrated: bool, here: DateTime<Utc>) -> Vec<Finding> {
    let mut findings =
        vec![Finding::good(TOPIC, format!("Postgres {} answers, as {}", answer.version, answer.user))];
    if !is_migrated {
        findings.push(Finding::notice("schema", "not made yet", "`sides migration up` creates it"));
    }
    if !answer.creates_roles {
        findings.push(Finding::notice(
            "rights",
            format!("{} may not create roles, so processes run with its rights", answer.user),
            format!("as a superuser: ALTER ROLE {} CREATEROLE", answer.user),
        ));
    }
    let skew = (here - answer.now).as_seconds_f64();
    if skew.abs() > MOST_SKEW {
        findings.push(Finding::notice(
            "time",
            format!("this machine's clock differs from the database's by {skew:+.1} s"),
            "schedules use the database's clock; synchronize both with NTP, or logs are hard to compare",
        ));
    } else {
        findings.push(Finding::good("time", format!("{skew:+.1} s from the database's clock")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    fn answer() -> Answer {
        Answer {
            version: "15.18".to_owned(),
            user: "app".to_owned(),
            creates_roles: true,
            now: DateTime::UNIX_EPOCH,
        }
    }

    fn seen(answer: &Answer, is_migrated: bool, seconds: i64) -> Vec<(&'static str, Verdict)> {
        let here = DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds);
        judge(answer, is_migrated, here).iter().map(|finding| (finding.topic, finding.verdict)).collect()
    }

    #[test]
    fn what_is_well_has_no_advice() {
        assert_eq!(seen(&answer(), true, 1), [(TOPIC, Verdict::Good), ("time", Verdict::Good)]);
    }

    #[test]
    fn each_trouble_is_named() {
        let worst = Answer { creates_roles: false, ..answer() };
        let topics: Vec<_> =
            seen(&worst, false, -60).into_iter().filter(|(_, verdict)| *verdict != Verdict::Good).collect();
        let wanted = [("schema", Verdict::Notice), ("rights", Verdict::Notice), ("time", Verdict::Notice)];
        assert_eq!(topics, wanted);
    }
}
