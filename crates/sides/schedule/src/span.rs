//! Spans of time as people write them: `10 s`, `5 min`, `2 h`.

use chrono::TimeDelta;

const UNITS: [(&str, i64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a span of whole milliseconds, from 1 ms to 366 d. The error says what is wrong with it.
pub(crate) fn read(text: &str) -> Result<TimeDelta, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let unit = UNITS.iter().find(|(name, _)| *name == unit.trim());
    let (Some((_, unit_ms)), false) = (unit, count.is_empty()) else {
        return Err("a span is a number with ms, s, min, h or d, as in every 10 s".to_owned());
    };
    let span = count.parse::<i64>().ok().and_then(|count| count.checked_mul(*unit_ms));
    match span {
        Some(span) if (1..=366 * 86_400_000).contains(&span) => Ok(TimeDelta::milliseconds(span)),
        _ => Err("a span lasts from 1 ms to 366 d".to_owned()),
    }
}

/// Writes a span so that [`read`] understands it: in the largest unit that leaves a whole number.
pub(crate) fn write(span: TimeDelta) -> String {
    let ms = span.num_milliseconds();
    let whole = UNITS.iter().find(|(_, unit)| ms % unit == 0).unwrap_or(&UNITS[4]);
    format!("{} {}", ms / whole.1, whole.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (text, ms) in [("1 ms", 1), ("90 s", 90_000), ("5 min", 300_000), ("2 h", 7_200_000)] {
            assert_eq!(read(text), Ok(TimeDelta::milliseconds(ms)));
            assert_eq!(write(TimeDelta::milliseconds(ms)), text);
        }
        assert_eq!(read("48h"), read("2 d"));
    }
}
