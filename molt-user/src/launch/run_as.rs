//! As whom the target runs.

use super::error::LaunchError;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use std::ffi::CString;

/// A user with all groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunAs {
    /// The user.
    pub uid: Uid,
    /// The main group.
    pub gid: Gid,
    /// All groups, the main one included.
    pub groups: Vec<Gid>,
}

impl RunAs {
    /// Who called sudo, when molt runs as root through it. `variable` reads the environment: sudo sets
    /// `SUDO_UID`, `SUDO_GID` and `SUDO_USER`.
    pub fn from_sudo(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, LaunchError> {
        let number = |name| variable(name)?.parse().ok();
        let (Some(uid), Some(gid)) = (number("SUDO_UID"), number("SUDO_GID")) else {
            return Ok(None);
        };
        if !Uid::effective().is_root() || uid == 0 {
            return Ok(None);
        }
        Self::with_groups(Uid::from_raw(uid), Gid::from_raw(gid), variable("SUDO_USER").as_deref()).map(Some)
    }

    /// Reads `NAME`, `UID`, `NAME:GROUP` or `UID:GID`. A user that the system does not know needs a group.
    pub fn parse(text: &str) -> Result<Self, LaunchError> {
        let unknown = || LaunchError::UnknownUser { name: text.to_owned() };
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let number = user.parse().ok().map(Uid::from_raw);
        let entry = match number {
            Some(uid) => User::from_uid(uid),
            None => User::from_name(user),
        };
        let entry = entry.ok().flatten();
        let uid = entry.as_ref().map(|entry| entry.uid).or(number).ok_or_else(unknown)?;
        let gid = match group {
            Some(group) => find_group(group)?,
            None => entry.as_ref().map(|entry| entry.gid).ok_or_else(unknown)?,
        };
        if !Uid::effective().is_root() && uid != Uid::effective() {
            return Err(LaunchError::NotRoot { uid: uid.as_raw() });
        }
        Self::with_groups(uid, gid, entry.map(|entry| entry.name).as_deref())
    }

    fn with_groups(uid: Uid, gid: Gid, name: Option<&str>) -> Result<Self, LaunchError> {
        let groups = match name.and_then(|name| CString::new(name).ok()) {
            Some(name) => getgrouplist(&name, gid)
                .map_err(|source| LaunchError::Groups { uid: uid.as_raw(), source })?,
            None => vec![gid],
        };
        Ok(Self { uid, gid, groups })
    }
}

fn find_group(text: &str) -> Result<Gid, LaunchError> {
    if let Ok(number) = text.parse() {
        return Ok(Gid::from_raw(number));
    }
    let entry = Group::from_name(text).ok().flatten();
    entry.map(|entry| entry.gid).ok_or_else(|| LaunchError::UnknownGroup { name: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{LaunchError, RunAs};
    use nix::unistd::{Gid, Uid};

    /// Names and numbers of the one user that every system has.
    #[test]
    fn reads_users_and_groups() {
        for text in ["root", "0", "root:root", "0:0"] {
            let parsed = RunAs::parse(text);
            if Uid::effective().is_root() {
                let RunAs { uid, gid, groups } = parsed.unwrap();
                assert_eq!((uid, gid), (Uid::from_raw(0), Gid::from_raw(0)), "{text}");
                assert!(groups.contains(&gid));
            } else {
                assert!(matches!(parsed, Err(LaunchError::NotRoot { uid: 0 })), "{text}");
            }
        }
    }

    /// Nobody, and numbers without an entry: they need a group.
    #[test]
    fn refuses_unknown_users_and_groups() {
        for text in ["", "no such user", "4000000001", "-1"] {
            assert!(matches!(RunAs::parse(text), Err(LaunchError::UnknownUser { .. })), "{text:?}");
        }
        assert!(matches!(RunAs::parse("root:no such group"), Err(LaunchError::UnknownGroup { .. })));
    }

    /// sudo's variables count for root only, and not when root itself called sudo.
    #[test]
    fn takes_the_caller_of_sudo() {
        let sudo = |uid: &'static str| {
            RunAs::from_sudo(move |name| match name {
                "SUDO_UID" => Some(uid.to_owned()),
                "SUDO_GID" => Some("1234".to_owned()),
                _ => None,
            })
            .unwrap()
        };
        assert_eq!(sudo("0"), None);
        assert_eq!(sudo("not a number"), None);
        let caller = sudo("1234");
        if Uid::effective().is_root() {
            let gid = Gid::from_raw(1234);
            assert_eq!(caller, Some(RunAs { uid: Uid::from_raw(1234), gid, groups: vec![gid] }));
        } else {
            assert_eq!(caller, None);
        }
        assert_eq!(RunAs::from_sudo(|_| None).unwrap(), None);
    }
}
