//! The last 90 days of each service, day by day.

use std::collections::HashMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use database::Connection;
use diesel::QueryResult;
use models::reads::uptime::{self, Day, Tally};

/// How many days a status page shows, today included.
pub(crate) const DAYS: u64 = 90;

/// One service's days, oldest first; a day without pings has an empty tally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History(Vec<(NaiveDate, Tally)>);

impl History {
    pub(crate) fn days(&self) -> &[(NaiveDate, Tally)] {
        &self.0
    }

    pub(crate) fn total(&self) -> Tally {
        self.0.iter().map(|(_, tally)| *tally).sum()
    }

    /// How many days its figures cover: those since its first ping, today included, and none without a ping.
    pub(crate) fn span(&self) -> usize {
        let first = self.0.iter().position(|(_, tally)| tally.pings > 0);
        first.map_or(0, |first| self.0.len() - first)
    }

    fn of(days: &HashMap<NaiveDate, Tally>, today: NaiveDate) -> Self {
        let dates = (0..DAYS).rev().map(|ago| today - Days::new(ago));
        Self(dates.map(|date| (date, days.get(&date).copied().unwrap_or_default())).collect())
    }
}

/// The histories of these services, in their order. Two queries, however many there are.
pub(crate) async fn of(
    connection: &mut Connection,
    service_ids: &[i64],
    now: DateTime<Utc>,
) -> QueryResult<Vec<History>> {
    let today = now.date_naive();
    let from = today - Days::new(DAYS - 1);
    let mut days = uptime::days(connection, service_ids, from, today).await?;
    days.extend(uptime::today(connection, service_ids, now).await?);
    Ok(arrange(service_ids, &days, today))
}

fn arrange(service_ids: &[i64], days: &[Day], today: NaiveDate) -> Vec<History> {
    let mut by_service: HashMap<i64, HashMap<NaiveDate, Tally>> = HashMap::new();
    for day in days {
        by_service.entry(day.service_id).or_default().insert(day.day, day.tally);
    }
    let of = |id| History::of(&by_service.remove(id).unwrap_or_default(), today);
    service_ids.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_has_its_place_and_a_missing_one_is_empty() {
        let today: NaiveDate = "2026-03-01".parse().unwrap();
        let tally = Tally { pings: 10, failures: 1 };
        let days = [
            Day { service_id: 2, day: today, tally },
            Day { service_id: 2, day: today - Days::new(89), tally },
        ];
        let histories = arrange(&[1, 2], &days, today);
        assert_eq!(histories[0].total(), Tally::default());
        let days = histories[1].days();
        assert_eq!(
            (days.len(), days[0].1, days[1].1, days[89]),
            (90, tally, Tally::default(), (today, tally))
        );
        assert_eq!(histories[1].total(), Tally { pings: 20, failures: 2 });
        let since_yesterday = [Day { service_id: 3, day: today - Days::new(1), tally }];
        let since_yesterday = arrange(&[3], &since_yesterday, today).remove(0).span();
        assert_eq!((histories[0].span(), histories[1].span(), since_yesterday), (0, 90, 2));
    }
}
