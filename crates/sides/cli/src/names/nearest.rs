//! The nearest existing name. Pure.

/// More names than these are not listed in a sentence.
const FEW: usize = 8;

/// `: did you mean worker?`, else `; there are web, worker`, else nothing.
pub(crate) fn hint(typed: &str, names: &[String]) -> String {
    match nearest(typed, names) {
        Some(name) => format!(": did you mean {name}?"),
        None if (1..=FEW).contains(&names.len()) => format!("; there are {}", names.join(", ")),
        None => String::new(),
    }
}

/// One that differs in no more than a third of its characters, or the only one that begins so.
fn nearest<'a>(typed: &str, names: &'a [String]) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let typed = plain(typed);
    let distance = |name: &str| strsim::damerau_levenshtein(&typed, &plain(name));
    let (far, best) = names.iter().map(|name| (distance(name), name)).min_by_key(|(far, _)| *far)?;
    if far <= (typed.chars().count() / 3).max(1) {
        return Some(best);
    }
    let mut begin_so = names.iter().filter(|name| typed.len() >= 3 && plain(name).starts_with(&typed));
    begin_so.next().filter(|_| begin_so.next().is_none()).map(String::as_str)
}

/// The number that is nearest, the greater one of two; nothing when there is none.
pub(crate) fn nearest_number(typed: i64, numbers: &[i64]) -> Option<i64> {
    numbers.iter().copied().min_by_key(|number| (number.abs_diff(typed), std::cmp::Reverse(*number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_found_and_nothing_else() {
        let names = ["web", "worker", "clock", "ping_due_services"].map(str::to_owned);
        for (typed, meant) in [
            ("wroker", Some("worker")),
            ("Worker", Some("worker")),
            ("workers", Some("worker")),
            ("wbe", Some("web")),
            ("ping-due-service", Some("ping_due_services")),
            ("ping", Some("ping_due_services")),
            ("cl", None),
            ("mail", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, &names), meant, "{typed}");
        }
        assert_eq!(nearest("web", &[]), None);
        assert_eq!(hint("wroker", &names), ": did you mean worker?");
        assert_eq!(hint("mail", &names[..2]), "; there are web, worker");
        let many: Vec<String> = (0..20).map(|number| format!("kind_of_{number}")).collect();
        assert_eq!(hint("mail", &many), "");
    }

    #[test]
    fn a_number_near_one_that_exists() {
        assert_eq!(nearest_number(10, &[1, 8, 12]), Some(12));
        assert_eq!(nearest_number(99, &[1, 8, 12]), Some(12));
        assert_eq!(nearest_number(1, &[]), None);
    }
}
