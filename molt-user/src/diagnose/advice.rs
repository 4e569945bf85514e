//! What to do about a refusal of the kernel.

use crate::capture::ebpf::LoadError;
use crate::capture::ebpf::attach::AttachError;
use crate::capture::ebpf::refusal::errno;
use crate::capture::ebpf::uprobes::UprobeError;
use crate::discover::privileges::{Capability, Obstacle, Privileges};
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
    if is_uprobe(error) && errno(error) == Some(Errno::EACCES) && !privileges.has(Capability::SysAdmin) {
        return vec![
            "this kernel takes no link to many uprobes (Linux 6.6), for which CAP_BPF and CAP_PERFMON are enough; \
             to place them one by one, kernels since July 2025 (6.16, and stable ones before it) want CAP_SYS_ADMIN"
                .to_owned(),
            format!("try: sudo {command}"),
        ];
    }
    let mut obstacles = privileges.obstacles(command);
    if obstacles.iter().any(|obstacle| obstacle.certain) {
        obstacles.retain(|obstacle| obstacle.certain);
    }
    let mut lines: Vec<String> = obstacles.into_iter().flat_map(lines_of).collect();
    if is_verifier(error) {
        let kernel = &privileges.kernel;
        lines.push(format!(
            "kernel {kernel}; for the verifier's whole log try: sudo molt -vv doctor 2> verifier.log"
        ));
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

/// Whether a uprobe by itself was refused, after a link to many was. `CAP_PERFMON` was enough for
/// `perf_uprobe_event_init` (`kernel/events/core.c`) up to 6.1.145, 6.6.98, 6.12.38 and 6.15.6, and is not since
/// (CVE-2025-38466).
fn is_uprobe(error: &(dyn Error + 'static)) -> bool {
    let mut causes = Chain::new(error);
    causes.any(|cause| {
        let refused = cause.downcast_ref();
        matches!(refused, Some(AttachError::Uprobe { source: UprobeError::One(_), .. }))
    })
}

/// Whether the verifier refused a program.
fn is_verifier(error: &(dyn Error + 'static)) -> bool {
    Chain::new(error).any(|cause| {
        let load = cause.downcast_ref::<LoadError>().or_else(|| match cause.downcast_ref()? {
            AttachError::Load(load) => Some(load),
            _ => None,
        });
        matches!(load, Some(LoadError::Verifier { .. }))
    })
}

#[cfg(test)]
mod tests;
