//! Uploaded slugs.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    http::{Answer, created, not_found, ok},
    state::{App, Slug, State},
};

pub(crate) fn create(state: &mut State, name: &str, body: &Value) -> Answer {
    let address = state.address.clone();
    let Some(app) = state.apps.get_mut(name) else { return not_found("app") };
    let types = body["process_types"].as_object().into_iter().flatten();
    let text = |field: &str| body[field].as_str().map(str::to_owned);
    let slug = Slug {
        id: Uuid::new_v4(),
        process_types: types
            .filter_map(|(name, command)| Some((name.clone(), command.as_str()?.to_owned())))
            .collect(),
        commit: text("commit"),
        checksum: text("checksum"),
        description: text("buildpack_provided_description"),
    };
    let mut said = shown(&slug);
    said["blob"] = json!({"method": "put", "url": format!("http://{address}/blobs/{}?signature=x", slug.id)});
    app.slugs.insert(slug.id.to_string(), slug);
    created(said)
}

pub(crate) fn info(app: &App, id: &str) -> Answer {
    match app.slugs.get(id) {
        Some(slug) => ok(shown(slug)),
        None => not_found("slug"),
    }
}

fn shown(slug: &Slug) -> Value {
    json!({"id": slug.id, "process_types": slug.process_types, "commit": slug.commit, "checksum": slug.checksum,
           "buildpack_provided_description": slug.description, "stack": {"name": "heroku-24"},
           "blob": {"method": "get", "url": "https://blobs.invalid/slug"}})
}

/// Unpacks what was uploaded, once; says why it cannot run.
pub(crate) fn unpacked(state: &State, slug: &Slug) -> Result<PathBuf, String> {
    let folder = state.folder.join(slug.id.to_string());
    if folder.exists() {
        return Ok(folder.join("app"));
    }
    let blob = state.blobs.get(&slug.id.to_string()).ok_or("nothing was uploaded for this slug")?;
    let checksum = format!("SHA256:{}", hex::encode(Sha256::digest(blob)));
    if slug.checksum.as_ref().is_some_and(|wanted| *wanted != checksum) {
        return Err(format!("the upload has the checksum {checksum}"));
    }
    unpack(blob, &folder).map_err(|error| format!("this is no tar.gz with ./app in it: {error}"))?;
    Ok(folder.join("app"))
}

fn unpack(blob: &[u8], folder: &Path) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(blob).read_to_end(&mut bytes)?;
    tar::Archive::new(bytes.as_slice()).unpack(folder)?;
    if folder.join("app").is_dir() { Ok(()) } else { Err(std::io::Error::other("no ./app")) }
}
