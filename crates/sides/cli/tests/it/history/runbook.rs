//! What the pages in `deploy/` tell people to type, typed on the machine of the host.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Output};

use crate::{
    programs,
    sandbox::{Sandbox, text},
};

/// Stands for `docker`, which needs a registry: says with what it was called, one word a line.
const DOCKER: &str = "#!/bin/sh\nprintf '%s\\n' \"$@\"\n";

/// The lines of shell below a heading, without their comments.
pub(super) fn typed(heading: &str) -> Vec<String> {
    let runbook = programs::runbook();
    // On a page of its own it is a title.
    let is_it = |line: &str| line.trim_start_matches('#') == heading.trim_start_matches('#');
    let section = runbook.lines().skip_while(|line| !(line.starts_with('#') && is_it(line))).skip(1);
    let section = section.take_while(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    let block = section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    let block = block.unwrap_or_else(|| panic!("nothing is to be typed below {heading}"));
    block.lines().map(|line| line.split(" #").next().unwrap().trim().to_owned()).collect()
}

/// Types it, in the checkout and with the settings in the environment.
pub(super) fn run(sandbox: &Sandbox, command: &str) -> Output {
    let settings = sandbox.file("etc/sides.env");
    let script = format!("set -a; . {}; set +a\n{command}", settings.display());
    sandbox.script("runner", &script).output().unwrap()
}

/// The same; returns what it said with this exit code.
pub(super) fn ends(sandbox: &Sandbox, command: &str, code: i32) -> String {
    crate::releasing::ended(&run(sandbox, command), code)
}

/// Packs the worker that runs, as far as that goes without a registry: the image would hold the very bytes.
pub(super) fn pack_the_worker(sandbox: &Sandbox) {
    let bin = sandbox.file("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("docker"), DOCKER).unwrap();
    fs::set_permissions(bin.join("docker"), fs::Permissions::from_mode(0o755)).unwrap();
    let commands = typed("## Containers").join("\n");
    let output = run(sandbox, &format!("PATH={}:$PATH\n{commands}", bin.display()));
    let said = crate::releasing::ended(&output, 0);
    let words: Vec<&str> = said.lines().collect();
    let behind = |flag: &str| -> Vec<&str> {
        words.windows(2).filter(|pair| pair[0] == flag).map(|pair| pair[1]).collect()
    };
    let release = sandbox.status()["releases"]["worker"].as_str().unwrap().to_owned();
    assert_eq!(behind("-f"), ["deploy/Dockerfile"]);
    assert_eq!(behind("-t"), [format!("acme/worker:{}", &release[..12])]);

    // What the arguments become in the Dockerfile.
    let arguments = behind("--build-arg");
    let dockerfile = fs::read_to_string(programs::workspace().join("deploy/Dockerfile")).unwrap();
    let lines = || dockerfile.lines().filter(|line| !line.starts_with('#'));
    let mut filled: Vec<String> = lines().map(str::to_owned).collect();
    for (name, value) in arguments.iter().map(|pair| pair.split_once('=').unwrap()) {
        assert!(lines().any(|line| line == format!("ARG {name}")), "the Dockerfile takes no {name}");
        filled.iter_mut().for_each(|line| *line = line.replace(&format!("${{{name}}}"), value));
    }
    assert!(filled.contains(&format!("ENV RELEASE={}", &release[..12])), "{filled:?}");
    let copied =
        filled.iter().find_map(|line| line.strip_prefix("COPY ")?.strip_suffix(" /process")).unwrap();
    let packed = sandbox.file("runner").join(words.last().unwrap()).join(copied);
    let runs = format!("/proc/{}/exe", sandbox.pid_of("worker").unwrap());
    assert!(fs::read(&packed).unwrap() == fs::read(runs).unwrap(), "{} is not what runs", packed.display());
    assert!(filled.contains(&"ENTRYPOINT [\"/process\"]".to_owned()));
    // It starts from nowhere else, and says what it is.
    let moved = sandbox.file("process");
    fs::copy(&packed, &moved).unwrap();
    let said = std::process::Command::new(&moved).arg("--manifest").env_clear().output().unwrap();
    assert!(text(&said.stdout).contains("\"process\": \"worker\""), "{}", text(&said.stderr));
}
