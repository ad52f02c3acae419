//! The whole process: look, announce, ask, install, look again.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Stdio,
};

use crate::{
    Consent, InstallError, Need,
    by_hand::typed,
    decision::{Decision, How, decide},
    package_manager::PackageManager,
    run::Runner,
    situation::Situation,
    unpack,
};

/// Installs what this machine lacks. Returns whether anything had to be done.
///
/// Announces each step through `say` before it takes it. Several processes may ask at once: one installs,
/// the others wait for it. After a Ctrl-C or a lost connection the next call goes on.
///
/// # Errors
/// When it may not be installed, or that fails; each says what to type instead.
pub fn ensure(need: Need, consent: Consent, say: &mut dyn FnMut(&str)) -> Result<bool, InstallError> {
    if need.is_met() {
        return Ok(false);
    }
    let _one_at_a_time = lock(need)?;
    if need.is_met() {
        return Ok(true);
    }
    let situation = Situation::here();
    let decision = decision(need, situation, consent);
    say_or_ask(need, decision, situation, say)?;
    match decision {
        Decision::Refuse(why) => Err(refused(need, why, situation)),
        Decision::Install { manager, sudo, .. } => {
            install(manager, need, sudo, say)?;
            found(need, typed(manager, need, situation.root))
        }
        Decision::Unpack { .. } => {
            let by_hand = typed(PackageManager::Apt, need, situation.root);
            unpack::unpack(&unpack::folder(need)?, Runner { need, by_hand, say })?;
            let packages = PackageManager::Apt.packages(need).join(" ");
            found(need, format!("apt-get install --download-only {packages}"))
        }
    }
}

/// The question alone, for somebody who has other things to do while [`ensure`] is at work: what may be done is known
/// when this returns, and is said or asked for no more by an `ensure` with the consent that it returns.
///
/// # Errors
/// When it may not be installed.
pub fn ask(need: Need, consent: Consent, say: &mut dyn FnMut(&str)) -> Result<Consent, InstallError> {
    if need.is_met() {
        return Ok(consent);
    }
    let situation = Situation::here();
    say_or_ask(need, decision(need, situation, consent), situation, say)?;
    Ok(Consent::Told)
}

fn refused(need: Need, why: &'static str, situation: Situation) -> InstallError {
    let command = situation.manager.map(|manager| typed(manager, need, situation.root));
    InstallError::Refused { need, why, command }
}

fn found(need: Need, command: String) -> Result<bool, InstallError> {
    if need.is_met() { Ok(true) } else { Err(InstallError::NotFound { need, command }) }
}

/// What may be done; nothing would help where a person has named the folder that counts.
fn decision(need: Need, situation: Situation, consent: Consent) -> Decision {
    let is_named = env::var_os("SIDES_POSTGRES_BIN").is_some_and(|folder| !folder.is_empty());
    if need == Need::Postgres && is_named {
        return Decision::Refuse("SIDES_POSTGRES_BIN names a folder without initdb and postgres");
    }
    decide(situation, consent)
}

/// Says what is about to happen, and asks where somebody is there.
fn say_or_ask(
    need: Need,
    decision: Decision,
    situation: Situation,
    say: &mut dyn FnMut(&str),
) -> Result<(), InstallError> {
    let (plan, how) = match decision {
        Decision::Refuse(why) => return Err(refused(need, why, situation)),
        Decision::Install { manager, how, .. } => (typed(manager, need, situation.root), how),
        Decision::Unpack { how } => {
            let folder = unpack::folder(need)?;
            (format!("unpack it into {}, and change nothing else", folder.display()), how)
        }
    };
    let name = need.name();
    match how {
        How::Silently => Ok(()),
        How::Saying => {
            say(&format!("this machine has no {name}; getting it: {plan} (SIDES_NO_INSTALL=1 forbids this)"));
            Ok(())
        }
        How::Asking => {
            say(&format!("this machine has no {name}. Get it? ({plan}) [Y/n]"));
            let mut answer = String::new();
            let read = io::stdin().read_line(&mut answer);
            match (read, answer.trim().to_lowercase().as_str()) {
                (Ok(1..), "" | "y" | "yes") => Ok(()),
                _ => Err(refused(need, "the answer was no", situation)),
            }
        }
    }
}

fn install(
    manager: PackageManager,
    need: Need,
    sudo: bool,
    say: &mut dyn FnMut(&str),
) -> Result<(), InstallError> {
    if manager == PackageManager::Apt && need == Need::Postgres {
        keep_quiet(sudo);
    }
    let by_hand = typed(manager, need, !sudo);
    let what = format!("installing {}", need.name());
    let mut runner = Runner { need, by_hand, say };
    let mut run = |words: &[&str]| runner.run(manager.command(words, sudo), &words.join(" "), &what);
    if let Some(words) = manager.repair() {
        run(words)?;
    }
    // A list of packages that cannot be renewed, for one broken source, say, may still hold what is needed.
    let renewed = manager.renewal().map_or(Ok(()), &mut run);
    let installed = run(&manager.installation(need));
    installed.map_err(|error| error.after(renewed.err().map(InstallError::failures).unwrap_or_default()))
}

/// Debian's package makes a database and starts a server on the standard port, unless it finds this file. Only where
/// Debian's Postgres was never installed, so that nobody's setting is touched; without it things work as well.
fn keep_quiet(sudo: bool) {
    let folder = Path::new("/etc/postgresql-common");
    if folder.exists() {
        return;
    }
    let script = "mkdir -p /etc/postgresql-common/createcluster.d && \
                  echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.d/sides.conf";
    let done = PackageManager::Apt.command(&["sh", "-c", script], sudo).stdin(Stdio::null()).status();
    drop(done);
}

/// One installer at a time for each user and need; the kernel lets go of it when its holder dies.
fn lock(need: Need) -> Result<fs::File, InstallError> {
    let folder = crate::cache::folder().unwrap_or_else(|| PathBuf::from("/tmp"));
    fs::create_dir_all(&folder).map_err(InstallError::file("create", &folder))?;
    let path = folder.join(format!("{}.lock", need.folder()));
    let file = fs::File::create(&path).map_err(InstallError::file("create", &path))?;
    file.lock().map_err(InstallError::file("lock", &path))?;
    Ok(file)
}
