//! Where this instance runs, as stored in its row.

/// The machine's name; behind that of the dyno, `worker.1@machine`, for anyone who keeps the dyno knows only its own name,
/// and each dyno is a machine of its own.
pub(crate) fn of(dyno: Option<&str>) -> String {
    let machine = nix::unistd::gethostname()
        .map_or_else(|_| "unknown".to_owned(), |name| name.to_string_lossy().into_owned());
    dyno.map_or_else(|| machine.clone(), |dyno| format!("{dyno}@{machine}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dyno_says_its_name_too() {
        let machine = of(None);
        assert!(!machine.contains('@'));
        assert_eq!(of(Some("worker.1")), format!("worker.1@{machine}"));
    }
}
