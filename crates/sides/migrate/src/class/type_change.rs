//! Whether a change of a column's type rewrites its rows.

/// True when every old value is, byte for byte, a value of the new type. Types as Postgres prints or accepts them.
pub(crate) fn keeps_the_bytes(before: &str, after: &str) -> bool {
    let (before, after) = (Shape::of(before), Shape::of(after));
    match (before.name.as_str(), after.name.as_str()) {
        ("varchar", "varchar") => match (before.numbers.first(), after.numbers.first()) {
            (_, None) => true,
            (Some(before), Some(after)) => before <= after,
            (None, Some(_)) => false,
        },
        ("varchar" | "text", "text") => true,
        ("text", "varchar") => after.numbers.is_empty(),
        ("numeric", "numeric") => match (&before.numbers[..], &after.numbers[..]) {
            (_, []) => true,
            (before, after) => {
                scale(before).is_some() && scale(before) == scale(after) && before[0] <= after[0]
            }
        },
        ("cidr", "inet") => true,
        _ => before == after,
    }
}

/// Whether it is the same type, however it is written.
pub(crate) fn is_the_same(before: &str, after: &str) -> bool {
    Shape::of(before) == Shape::of(after)
}

/// A missing scale is 0; a missing precision allows any.
fn scale(numbers: &[u32]) -> Option<u32> {
    (!numbers.is_empty()).then(|| numbers.get(1).copied().unwrap_or(0))
}

#[derive(Debug, PartialEq, Eq)]
struct Shape {
    name: String,
    numbers: Vec<u32>,
}

impl Shape {
    fn of(text: &str) -> Self {
        let text = text.to_lowercase();
        let (name, rest) = text.split_once('(').unwrap_or((&text, ""));
        let (inside, behind) = rest.split_once(')').unwrap_or((rest, ""));
        let numbers = inside.split(',').filter_map(|number| number.trim().parse().ok()).collect();
        let words: Vec<&str> = name.split_whitespace().chain(behind.split_whitespace()).collect();
        let name = match words.join(" ").as_str() {
            "character varying" => "varchar".to_owned(),
            "decimal" => "numeric".to_owned(),
            "int" | "int4" => "integer".to_owned(),
            "int8" => "bigint".to_owned(),
            "int2" => "smallint".to_owned(),
            "timestamptz" => "timestamp with time zone".to_owned(),
            "timestamp" => "timestamp without time zone".to_owned(),
            "bool" => "boolean".to_owned(),
            other => other.to_owned(),
        };
        Self { name, numbers }
    }
}

#[cfg(test)]
mod tests {
    use super::keeps_the_bytes;

    #[test]
    fn only_what_widens_keeps_its_bytes() {
        for (before, after) in [
            ("character varying(10)", "varchar(20)"),
            ("character varying(10)", "varchar"),
            ("character varying(10)", "text"),
            ("text", "character varying"),
            ("numeric(10,2)", "numeric(12, 2)"),
            ("numeric(10,2)", "numeric"),
            ("integer", "int4"),
            ("cidr", "inet"),
        ] {
            assert!(keeps_the_bytes(before, after), "{before} to {after}");
        }
        for (before, after) in [
            ("character varying(10)", "varchar(5)"),
            ("character varying", "varchar(20)"),
            ("text", "varchar(20)"),
            ("numeric(10,2)", "numeric(12,4)"),
            ("numeric(10,2)", "numeric(12)"),
            ("numeric", "numeric(12,2)"),
            ("integer", "bigint"),
            ("timestamp without time zone", "timestamptz"),
            ("timestamp(3) with time zone", "timestamptz"),
        ] {
            assert!(!keeps_the_bytes(before, after), "{before} to {after}");
        }
    }
}
