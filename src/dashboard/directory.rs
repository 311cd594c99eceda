//! Files of a directory, by names that came over the network. Nothing outside of it is ever read: a name is made of
//! plain parts only, and where it leads, links followed, must lie inside.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// A directory, without links in its path.
#[derive(Debug)]
pub(super) struct Directory(PathBuf);

impl Directory {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        path.canonicalize().map(Self)
    }

    pub(super) fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        if !name.split('/').all(is_plain) {
            return Err(ErrorKind::NotFound.into());
        }
        let path = self.0.join(name).canonicalize()?;
        if !path.starts_with(&self.0) {
            return Err(ErrorKind::NotFound.into());
        }
        std::fs::read(path)
    }
}

/// Neither empty nor hidden nor a way up, and without anything that a system might read in its own way.
fn is_plain(part: &str) -> bool {
    !part.is_empty()
        && !part.starts_with('.')
        && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> (tempfile::TempDir, Directory) {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("web");
        std::fs::create_dir_all(inner.join("view")).unwrap();
        std::fs::write(inner.join("view/table.js"), "inside").unwrap();
        std::fs::write(inner.join(".hidden.js"), "hidden").unwrap();
        std::fs::write(outer.path().join("secret.js"), "outside").unwrap();
        let directory = Directory::open(&inner).unwrap();
        (outer, directory)
    }

    #[test]
    fn what_lies_inside_is_read() {
        let (_outer, directory) = directory();
        assert_eq!(directory.read("view/table.js").unwrap(), b"inside");
        assert!(directory.read("view").is_err());
        assert!(directory.read("view/missing.js").is_err());
    }

    #[test]
    fn no_name_leads_outside() {
        let (outer, directory) = directory();
        let absolute = outer.path().join("secret.js").display().to_string();
        for name in [
            "../secret.js",
            "view/../../secret.js",
            "view/../table.js",
            "./view/table.js",
            "view//table.js",
            "/view/table.js",
            "..\\secret.js",
            "view/%2e%2e/table.js",
            ".hidden.js",
            "",
            "view/table.js\0",
            absolute.as_str(),
        ] {
            assert!(directory.read(name).is_err(), "{name:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn no_link_leads_outside() {
        let (outer, directory) = directory();
        let link = outer.path().join("web/link.js");
        std::os::unix::fs::symlink(outer.path().join("secret.js"), link).unwrap();
        assert!(directory.read("link.js").is_err());
    }
}
