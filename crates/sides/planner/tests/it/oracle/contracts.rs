//! Contracts that differ in what a manifest tells of them: kind, versions, alias.

use job::Job;
use queue::{Context, JobError, Registry};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeMap as _};
use sides_planner::Manifest;

const KINDS: [&str; 2] = ["x", "y"];
const FORMER: [&[&str]; 2] = [&["former x"], &["former y"]];

/// A job whose arguments are the number of their version.
pub(crate) struct Made<const KIND: usize, const OLDEST: u16, const NEWEST: u16, const ALIAS: bool>;

impl<const K: usize, const O: u16, const N: u16, const A: bool> Job for Made<K, O, N, A> {
    const KIND: &'static str = KINDS[K];
    const VERSION: u16 = N;
    const OLDEST: u16 = O;
    const ALIASES: &'static [&'static str] = if A { FORMER[K] } else { &[] };

    fn upcast(from: u16, arguments: serde_json::Value) -> serde_json::Value {
        if from >= O { serde_json::json!({ "shape": N }) } else { arguments }
    }
}

impl<const K: usize, const O: u16, const N: u16, const A: bool> Serialize for Made<K, O, N, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("shape", &N)?;
        map.end()
    }
}

impl<'de, const K: usize, const O: u16, const N: u16, const A: bool> Deserialize<'de> for Made<K, O, N, A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Shape {
            shape: u16,
        }
        match Shape::deserialize(deserializer)?.shape {
            shape if shape == N => Ok(Self),
            other => Err(D::Error::custom(format!("shape {other} is none that I know"))),
        }
    }
}

/// One that every registry handles: it ends when what was enqueued before it was looked at.
#[derive(Serialize, Deserialize)]
struct Bell {}

impl Job for Bell {
    const KIND: &'static str = "bell";
}

async fn work<J>(_: J, _: Context<()>) -> Result<(), JobError> {
    Ok(())
}

/// The handlers that a manifest names.
pub(crate) fn registry(manifest: &Manifest) -> Registry<()> {
    let mut registry = Registry::new(()).handle::<Bell, _>(work);
    for (kind, handled) in &manifest.handles {
        let shape = (kind.as_str(), handled.oldest, handled.newest, !handled.aliases.is_empty());
        macro_rules! pick {
            ($($kind:literal $name:literal $oldest:literal $newest:literal $alias:literal;)*) => {
                match shape {
                    $(($name, $oldest, $newest, $alias) =>
                        registry.handle::<Made<$kind, $oldest, $newest, $alias>, _>(work),)*
                    other => panic!("no contract is made like {other:?}"),
                }
            };
        }
        registry = pick! {
            0 "x" 1 1 true; 0 "x" 1 2 true; 0 "x" 2 2 true; 0 "x" 2 3 true;
            0 "x" 1 1 false; 0 "x" 1 2 false; 0 "x" 2 2 false; 0 "x" 2 3 false;
            1 "y" 1 1 true; 1 "y" 1 2 true; 1 "y" 2 2 true; 1 "y" 2 3 true;
            1 "y" 1 1 false; 1 "y" 1 2 false; 1 "y" 2 2 false; 1 "y" 2 3 false;
        };
    }
    registry
}
