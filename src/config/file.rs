//! Reads the text of a configuration file from the disk, within limits. Must not look into the text.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::problem::{Lines, Origin, Problem};

/// Largest configuration file, in bytes.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The text of a file; `None` when there is no such file.
///
/// # Errors
/// A problem that names the file, when it cannot be read or is not text.
pub fn read_file(path: &Path) -> Result<Option<String>, Problem> {
    let name = path.display().to_string();
    let whole = |message: String| Problem {
        origin: Origin::File { name: name.clone(), at: None },
        message,
    };
    let bytes = match read_bytes(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(whole(format!("cannot be read: {error}"))),
    };
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let most = MAX_FILE_BYTES / (1024 * 1024);
        return Err(whole(format!("is larger than {most} MiB, which cannot be a configuration")));
    }
    match String::from_utf8(bytes) {
        // Some editors start a file with a byte order mark.
        Ok(text) => Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))),
        Err(error) => Err(not_utf8(&name, &error)),
    }
}

fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    check_regular(path)?;
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether there is a file that can be read to its end. Whoever opens a pipe may wait for ever, and a device may not end.
///
/// # Errors
/// What it is instead, or what the system says.
pub fn check_regular(path: &Path) -> io::Result<()> {
    let metadata = fs::metadata(path)?;
    match (metadata.is_file(), metadata.is_dir()) {
        (true, _) => Ok(()),
        (false, true) => Err(io::Error::other("it is a directory")),
        (false, false) => Err(io::Error::other("it is no regular file, but a pipe or a device")),
    }
}

fn not_utf8(name: &str, error: &std::string::FromUtf8Error) -> Problem {
    let valid_up_to = error.utf8_error().valid_up_to();
    let valid = String::from_utf8_lossy(&error.as_bytes()[..valid_up_to]);
    let at = Lines::of(&valid).position(valid.len());
    let byte = error.as_bytes().get(valid_up_to).copied().unwrap_or_default();
    Problem {
        origin: Origin::File { name: name.to_owned(), at: Some(at) },
        message: format!("the file must be text in UTF-8, byte {byte:#04x} is not"),
    }
}
