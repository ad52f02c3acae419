//! The builds of the suite: scripts, so that they start at once.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use platform::place::{Bundle, BundleFile};

use super::Build;

/// Answers with its release's name, and lets what it has started end after SIGTERM.
const SERVE: &str = "\
import http.server, os, signal, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ.get('RELEASE', '').encode())
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer((os.environ.get('HOST_VARIABLE', '127.0.0.1'), int(os.environ['PORT_VARIABLE'])), Handler)
server.daemon_threads = False
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
";

/// How a place has its builds answer.
#[derive(Debug, Clone, Copy)]
pub struct Script<'a> {
    /// The variables that say on which address and port, if it has any.
    pub listens: Option<(&'a str, &'a str)>,
    /// What [`Build::NeverReady`] does, in shell.
    pub never: &'a str,
}

/// Writes a build into a folder, and says what to [offer](platform::place::Place::offer): one program of this name.
///
/// # Panics
/// When it cannot be written.
#[must_use]
pub fn bundle(folder: &Path, program: &str, build: Build, script: Script<'_>) -> Bundle {
    let name = match build {
        Build::First => "first",
        Build::Second => "second",
        Build::NeverReady => "never",
    };
    let body = match (build, script.listens) {
        (Build::NeverReady, _) => script.never.to_owned(),
        (_, None) => "exec sleep 1000".to_owned(),
        (_, Some((host, port))) => {
            let serve = SERVE.replace("HOST_VARIABLE", host).replace("PORT_VARIABLE", port);
            let python = testing::folder_of("python3", install::Need::Python);
            format!("exec {}/python3 -c \"{serve}\"", python.display())
        }
    };
    let source = folder.join(name);
    fs::write(&source, format!("#!/bin/sh\necho {name} started\n{body}\n")).expect("a script");
    fs::set_permissions(&source, fs::Permissions::from_mode(0o755)).expect("a program");
    Bundle { command: program.to_owned(), files: vec![BundleFile { name: program.to_owned(), source }] }
}
