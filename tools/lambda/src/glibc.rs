//! Which C library a function asks for. Lambda runs what was linked elsewhere, and refuses what asks for a newer one
//! than it has.

use std::path::Path;

use kit::Failure;

/// Amazon Linux 2023, on which `provided.al2023` is built, has version 2.34.
const MINOR_MAX: u32 = 34;
/// How a program names a version of the library that it needs.
const NAMED: &[u8] = b"GLIBC_2.";

/// Refuses a program that asks for a newer C library than Lambda has.
///
/// # Errors
/// When it does, or can't be read.
pub fn check(program: &Path) -> Result<(), Failure> {
    match newest(&std::fs::read(program)?) {
        Some(minor) if minor > MINOR_MAX => Err(format!(
            "{} asks for version 2.{minor} of the C library, but Lambda has 2.{MINOR_MAX}: build it with `sam build`",
            program.display()
        )
        .into()),
        _ => Ok(()),
    }
}

/// The minor number of the newest version that a program names.
fn newest(program: &[u8]) -> Option<u32> {
    let named = program.windows(NAMED.len()).enumerate().filter(|(_, window)| *window == NAMED);
    named
        .filter_map(|(place, _)| {
            let rest = &program[place + NAMED.len()..];
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_counts() {
        assert_eq!(newest(b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.17\0"), Some(34));
        assert_eq!(newest(b"GLIBC_PRIVATE GLIBC_2."), None);
    }
}
