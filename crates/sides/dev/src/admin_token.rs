//! The token that the developer signs in with.

use std::{env, fs, io};

use anyhow::Context as _;
use platform::local::write_private;

use workspace::Workspace;

/// Web refuses shorter ones.
const SHORTEST: usize = 16;

/// The token of the environment, or this workspace's own, made at the first start.
pub(super) fn find_or_make(workspace: &Workspace) -> anyhow::Result<AdminToken> {
    if let Some(token) = env::var("ADMIN_TOKEN").ok().filter(|token| !token.trim().is_empty()) {
        return Ok(AdminToken { token, is_ours: false });
    }
    let file = workspace.admin_token_file();
    let kept = match fs::read_to_string(&file) {
        Ok(text) => Some(text.trim().to_owned()).filter(|text| text.len() >= SHORTEST),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    let token = match kept {
        Some(token) => token,
        None => {
            let token = hex::encode(rand::random::<[u8; 24]>());
            write_private(&file, &format!("{token}\n"))
                .with_context(|| format!("cannot write {}", file.display()))?;
            token
        }
    };
    Ok(AdminToken { token, is_ours: true })
}

/// Has no `Debug`: it must not be printed by accident.
pub(super) struct AdminToken {
    pub(super) token: String,
    /// Whether it is the one in the workspace's file.
    pub(super) is_ours: bool,
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_made_once_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::find(Some(folder.path())).unwrap();
        workspace.create_folders().unwrap();
        let made = find_or_make(&workspace).unwrap();
        assert_eq!((made.token.len(), made.is_ours), (48, true));
        assert_eq!(find_or_make(&workspace).unwrap().token, made.token);
        let mode = fs::metadata(workspace.admin_token_file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(workspace.admin_token_file(), "short").unwrap();
        assert_eq!(find_or_make(&workspace).unwrap().token.len(), 48);
    }
}
