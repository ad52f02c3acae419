//! Debian's packages for somebody who may not install them: apt downloads and verifies them into the user's cache,
//! `dpkg-deb` unpacks them there, and small scripts start the programs with the libraries that came along.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{InstallError, Need, cache, package_manager::PackageManager, run::Runner};

/// Where it goes.
pub(crate) fn folder(need: Need) -> Result<PathBuf, InstallError> {
    let none = || InstallError::Refused {
        need,
        why: "there is no folder to unpack it into (set HOME or XDG_CACHE_HOME)",
        command: None,
    };
    Ok(cache::folder().ok_or_else(none)?.join(need.folder()))
}

/// Downloads and unpacks. What was downloaded before is not downloaded again.
pub(crate) fn unpack(folder: &Path, mut runner: Runner<'_>) -> Result<(), InstallError> {
    let packages = folder.join("packages");
    for path in [packages.join("state/lists/partial"), packages.join("cache/archives/partial")] {
        fs::create_dir_all(&path).map_err(InstallError::file("create", path))?;
    }
    let (need, name) = (runner.need, runner.need.name());
    let update = ["update", "-qq", "-o", "APT::Update::Error-Mode=any"];
    let renewed =
        runner.run(apt(&packages, &update), "apt-get update", &format!("reading what {name} needs"));
    let mut words = vec!["install", "-qq", "--download-only", "--yes", "--no-install-recommends"];
    words.extend(PackageManager::Apt.packages(need));
    let typed = format!("apt-get {}", words.join(" "));
    let loaded = runner.run(apt(&packages, &words), &typed, &format!("downloading {name}"));
    loaded.map_err(|error| error.after(renewed.err().map(InstallError::failures).unwrap_or_default()))?;

    // Renamed only when it is whole: what was interrupted is never taken for all of it.
    let (fresh, root) = (folder.join("root.new"), folder.join("root"));
    for old in [&fresh, &root] {
        if old.exists() {
            fs::remove_dir_all(old).map_err(InstallError::file("remove", old))?;
        }
    }
    fs::create_dir_all(&fresh).map_err(InstallError::file("create", &fresh))?;
    for archive in archives(&packages.join("cache/archives"))? {
        let mut command = Command::new("dpkg-deb");
        command.arg("--extract").arg(&archive).arg(&fresh);
        let typed = format!("dpkg-deb --extract {}", archive.display());
        runner.run(command, &typed, &format!("unpacking {name}"))?;
    }
    fs::rename(&fresh, &root).map_err(InstallError::file("rename", &fresh))?;
    write_starters(&root, &folder.join("bin"))
}

/// apt with folders of its own and the system's list of what is installed, so that just what is missing comes.
fn apt(packages: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    for (setting, value) in [
        ("Dir::State", packages.join("state").display().to_string()),
        ("Dir::State::status", "/var/lib/dpkg/status".to_owned()),
        ("Dir::Cache", packages.join("cache").display().to_string()),
        // The system's own lock is root's; these folders have one user at a time by a lock of ours.
        ("Debug::NoLocking", "1".to_owned()),
        // apt would hand downloads to a user of its own, which only root can.
        ("APT::Sandbox::User", String::new()),
    ] {
        command.arg("-o").arg(format!("{setting}={value}"));
    }
    command.args(words).env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C.UTF-8");
    command
}

fn archives(folder: &Path) -> Result<Vec<PathBuf>, InstallError> {
    let entries = fs::read_dir(folder).map_err(InstallError::file("read", folder))?;
    let paths = entries.flatten().map(|entry| entry.path());
    Ok(paths.filter(|path| path.extension().is_some_and(|ending| ending == "deb")).collect())
}

/// A script for each program. A folder of binaries is not enough: they look for their libraries in the system.
fn write_starters(root: &Path, bin: &Path) -> Result<(), InstallError> {
    if bin.exists() {
        fs::remove_dir_all(bin).map_err(InstallError::file("remove", bin))?;
    }
    fs::create_dir_all(bin).map_err(InstallError::file("create", bin))?;
    let libraries: Vec<String> =
        library_folders(root).iter().map(|path| path.display().to_string()).collect();
    let libraries = libraries.join(":");
    let fonts = match write_fonts(root)? {
        Some(file) => format!("export FONTCONFIG_FILE=\"${{FONTCONFIG_FILE:-{}}}\"\n", file.display()),
        None => String::new(),
    };
    for (name, program) in programs(root) {
        let script = format!(
            "#!/bin/sh\nLD_LIBRARY_PATH='{libraries}'\"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\"\n\
             export LD_LIBRARY_PATH\n{fonts}exec '{}' \"$@\"\n",
            program.display()
        );
        let path = bin.join(name);
        fs::write(&path, script).map_err(InstallError::file("write", &path))?;
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&path, executable).map_err(InstallError::file("set the mode of", &path))?;
    }
    Ok(())
}

/// Where the fonts lie that came along. A browser that finds none of them, as on a machine that has none, loses its pages.
fn write_fonts(root: &Path) -> Result<Option<PathBuf>, InstallError> {
    if !root.join("usr/share/fonts").is_dir() {
        return Ok(None);
    }
    let (file, root) = (root.join("etc/fonts/unpacked.conf"), root.display());
    let text = format!(
        "<?xml version=\"1.0\"?>\n<fontconfig>\n<dir>/usr/share/fonts</dir>\n<dir>{root}/usr/share/fonts</dir>\n\
         <dir prefix=\"xdg\">fonts</dir>\n<include ignore_missing=\"yes\">{root}/etc/fonts/conf.d</include>\n\
         <cachedir prefix=\"xdg\">fontconfig</cachedir>\n</fontconfig>\n"
    );
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(InstallError::file("create", folder))?;
    }
    fs::write(&file, text).map_err(InstallError::file("write", &file))?;
    Ok(Some(file))
}

fn library_folders(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for parent in ["usr/lib", "lib"].map(|folder| root.join(folder)) {
        // Debian's folders for an architecture, like x86_64-linux-gnu, and what a package keeps for itself: there, or in a
        // folder of that one, as pulseaudio does, whose libraries look for it where they would be installed.
        let inside = folders(&parent);
        let deeper = inside.iter().flat_map(|folder| folders(folder));
        found.extend(deeper.chain(inside.iter().cloned()).filter(|path| has_libraries(path)));
    }
    // The shallow ones first: plugins further down never stand in for a library.
    found.sort_by_key(|path| (path.components().count(), path.clone()));
    found
}

fn has_libraries(folder: &Path) -> bool {
    let mut entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.any(|entry| entry.file_name().to_string_lossy().contains(".so"))
}

/// The programs that matter, by the name of their script.
fn programs(root: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    // The newest version last, so that its scripts are the ones that stay.
    let mut versions: Vec<PathBuf> = folders(&root.join("usr/lib/postgresql"));
    versions.sort_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    for folder in versions.iter().map(|version| version.join("bin")).chain([root.join("usr/lib/chromium")]) {
        for path in files(&folder) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !name.contains('.') && !name.contains('_') || name.starts_with("pg_") {
                found.push((name, path));
            }
        }
    }
    for name in ["chromedriver", "jq", "python3"] {
        found.push((name.to_owned(), root.join("usr/bin").join(name)));
    }
    found.push(("pgbouncer".to_owned(), root.join("usr/sbin/pgbouncer")));
    found.retain(|(_, path)| path.is_file());
    found
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn files(parent: &Path) -> Vec<PathBuf> {
    let executable = |path: &PathBuf| {
        path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(executable).collect()
}
