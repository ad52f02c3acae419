//! The same commit gives the same bytes in whichever folder it is built, and a change the bytes of those who use it.

use std::{collections::BTreeMap, fs};

use crate::{
    releasing::{ended, run},
    sandbox::Sandbox,
};

const ROOT: &str = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n";

/// As this workspace's own. It takes long to link, so that only what depends on it is built here; what a merge of every
/// kind changes is in `history`.
const PROFILE: &str = "[profile.release]\nlto = \"fat\"\ncodegen-units = 1\nstrip = \"symbols\"\n";

const JOBS: &str =
    "pub struct Greet { pub id: usize }\nimpl Greet { pub const KIND: &'static str = \"greet\"; }\n";

/// What web uses, and what only the worker does. The generated file lies in cargo's folder, and so does its panic.
const MODELS: &str = "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\n\
                      pub fn shown(id: usize) -> String { format!(\"{} {}\", made(id), id) }\n\
                      pub fn recorded(id: usize) -> usize { id + 1 }\n";

const GENERATOR: &str = "fn main() {\n    let made = \"pub fn made(id: usize) -> usize { [3, 4][id] }\";\n    \
    std::fs::write(format!(\"{}/made.rs\", std::env::var(\"OUT_DIR\").unwrap()), made).unwrap();\n}\n";

const WEB: &str = "fn main() {\n    let greet = jobs::Greet { id: std::env::args().count() };\n    \
    println!(\"{} {}\", jobs::Greet::KIND, models::shown(greet.id));\n}\n";

const WORKER: &str = "fn main() {\n    let greet = jobs::Greet { id: std::env::args().count() };\n    \
    let made = models::made(greet.id);\n    println!(\"{} {} {made}\", jobs::Greet::KIND, models::recorded(greet.id));\n}\n";

struct Toy(Sandbox);

impl Toy {
    fn new() -> Self {
        let toy = Self(Sandbox::with(&["web", "worker"]));
        toy.write("Cargo.toml", &format!("{ROOT}{PROFILE}"));
        for (name, dependencies) in
            [("jobs", ""), ("models", ""), ("web", "jobs models"), ("worker", "jobs models")]
        {
            let lines: Vec<String> = dependencies
                .split_whitespace()
                .map(|one| format!("{one} = {{ path = \"../{one}\" }}\n"))
                .collect();
            let manifest = format!(
                "[package]\nname = {name:?}\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n{}",
                lines.concat()
            );
            toy.write(&format!("crates/{name}/Cargo.toml"), &manifest);
        }
        toy.write("crates/jobs/src/lib.rs", JOBS);
        toy.write("crates/models/build.rs", GENERATOR);
        toy.write("crates/models/src/lib.rs", MODELS);
        toy.write("crates/web/src/main.rs", WEB);
        toy.write("crates/worker/src/main.rs", WORKER);
        toy
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.0.file(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// The digests of a build.
    async fn build(&self) -> BTreeMap<String, String> {
        let output = run(&self.0, &["plan", "--build", "--json"]).await;
        let said = ended(&output, 0);
        let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect(&said);
        let processes = plan["processes"].as_array().unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        processes.iter().map(|one| (text(&one["process"]), text(&one["build"]))).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_follow_from_what_a_program_uses_and_from_nothing_else() {
    let (toy, elsewhere) = (Toy::new(), Toy::new());
    let first = toy.build().await;
    elsewhere.write("README.md", "Text.");
    elsewhere.write("crates/models/tests/it.rs", "#[test]\nfn it() {}\n");
    elsewhere.write("crates/jobs/src/lib.rs", &format!("{JOBS}// More of it.\n"));
    assert_eq!(elsewhere.build().await, first, "another folder, documents, tests and a comment");

    elsewhere.write("crates/models/src/lib.rs", &MODELS.replace("id + 1", "id + 2"));
    let handled = elsewhere.build().await;
    assert_eq!(handled["web"], first["web"], "only the worker uses it");
    assert_ne!(handled["worker"], first["worker"]);
}
