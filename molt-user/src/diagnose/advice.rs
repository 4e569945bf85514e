//! What to do about a refusal of the kernel.

use crate::capture::ebpf::LoadError;
use crate::capture::ebpf::attach::AttachError;
use crate::capture::ebpf::refusal::errno;
use crate::discover::privileges::{Obstacle, Privileges};
use anyhow::Chain;
use nix::errno::Errno;
use std::error::Error;

/// What is said of an error and its causes on one line; a cause that its effect has said already is left out.
pub fn one_line(error: &(dyn Error + 'static)) -> String {
    let mut line = String::new();
    for cause in Chain::new(error) {
        let text = cause.to_string();
        if line.ends_with(&text) {
            continue;
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&text);
    }
    line
}

/// What may be behind a refusal to load or attach the kernel side, and what to do, a line each. `command` is
/// the command line that was tried.
pub fn refused(error: &(dyn Error + 'static), privileges: &Privileges, command: &str) -> Vec<String> {
    let mut obstacles = privileges.obstacles(command);
    if obstacles.iter().any(|obstacle| obstacle.certain) {
        obstacles.retain(|obstacle| obstacle.certain);
    }
    let mut lines: Vec<String> = obstacles.into_iter().flat_map(lines_of).collect();
    if is_verifier(error) {
        lines.push(format!("kernel {}; its verifier's log: {}", privileges.kernel, verifier_log()));
    } else if lines.is_empty() && matches!(errno(error), Some(Errno::EPERM | Errno::EACCES)) {
        lines.push("molt has all capabilities that it needs: a security module of the kernel (SELinux, AppArmor, a BPF policy) refused".to_owned());
        lines.push("see the kernel's log: sudo dmesg | tail".to_owned());
    }
    lines
}

/// An obstacle, and how to get over it.
pub fn lines_of(obstacle: Obstacle) -> [String; 2] {
    [obstacle.what, format!("try: {}", obstacle.remedy)]
}

/// What writes the verifier's log to a file.
fn verifier_log() -> &'static str {
    "sudo molt -vv doctor 2> verifier.log"
}

fn is_verifier(error: &(dyn Error + 'static)) -> bool {
    Chain::new(error).any(|cause| {
        let load = cause.downcast_ref::<LoadError>().or_else(|| match cause.downcast_ref()? {
            AttachError::Load(load) => Some(load),
            _ => None,
        });
        matches!(load, Some(LoadError::Verifier { .. }))
    })
}
