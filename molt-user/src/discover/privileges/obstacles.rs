//! What keeps molt from tracing, and what to do about each.

use super::{Capability, Lockdown, OLDEST_KERNEL, Obstacle, Privileges, parse_release};

impl Privileges {
    /// All that keeps molt from tracing, the gravest first. `command` is the command line that was tried: it
    /// is part of the remedy where sudo is one.
    pub fn obstacles(&self, command: &str) -> Vec<Obstacle> {
        [
            self.old_kernel(),
            self.no_btf(),
            self.no_uprobes(),
            self.locked_down(),
            self.no_capabilities(command),
            self.inner_user(),
            self.inner_pids(),
            self.no_ptrace(),
            self.filtered(),
            self.confined(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    pub(crate) fn old_kernel(&self) -> Option<Obstacle> {
        let (major, minor) = OLDEST_KERNEL;
        (parse_release(&self.kernel)? < OLDEST_KERNEL).then(|| Obstacle {
            what: format!(
                "kernel {} has no eBPF helper bpf_loop; {major}.{minor} or later is needed",
                self.kernel
            ),
            remedy: "boot a newer kernel".to_owned(),
            certain: true,
        })
    }

    pub(crate) fn no_btf(&self) -> Option<Obstacle> {
        (!self.btf).then(|| Obstacle {
            what: format!(
                "kernel {} does not describe its types (no /sys/kernel/btf/vmlinux): children cannot be followed",
                self.kernel
            ),
            remedy: "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y; in a container: mount /sys".to_owned(),
            certain: false,
        })
    }

    pub(crate) fn no_uprobes(&self) -> Option<Obstacle> {
        (!self.uprobes).then(|| Obstacle {
            what: format!("kernel {} has no uprobes", self.kernel),
            remedy: "boot a kernel built with CONFIG_UPROBE_EVENTS=y; in a container: mount /sys".to_owned(),
            certain: false,
        })
    }

    pub(crate) fn locked_down(&self) -> Option<Obstacle> {
        (self.lockdown == Lockdown::Confidentiality).then(|| Obstacle {
            what: "kernel lockdown is in confidentiality mode, which forbids eBPF tracing".to_owned(),
            remedy: "boot with lockdown=integrity".to_owned(),
            certain: true,
        })
    }

    pub(crate) fn no_capabilities(&self, command: &str) -> Option<Obstacle> {
        let lacking = self.lacking().map(|capability| capability.to_string()).collect::<Vec<_>>();
        (!lacking.is_empty()).then(|| Obstacle {
            what: format!("molt lacks {}", lacking.join(", ")),
            remedy: if self.root || self.user_namespace {
                "this root is not the machine's: run molt on the host, or give the container these capabilities".to_owned()
            } else {
                format!("sudo {command}")
            },
            // Own processes can be read without CAP_SYS_PTRACE.
            certain: !(self.has(Capability::Bpf) && self.has(Capability::Perfmon)),
        })
    }

    pub(crate) fn inner_user(&self) -> Option<Obstacle> {
        (self.user_namespace && self.lacking().next().is_none()).then(|| Obstacle {
            what: "molt runs in a user namespace: its capabilities do not count for eBPF".to_owned(),
            remedy: "run molt on the host".to_owned(),
            certain: true,
        })
    }

    pub(crate) fn inner_pids(&self) -> Option<Obstacle> {
        if self.foreign_proc {
            return Some(Obstacle {
                what: "/proc shows the processes of another pid namespace than molt's".to_owned(),
                remedy: "mount -t proc proc /proc".to_owned(),
                certain: true,
            });
        }
        (self.pid_namespace && !self.btf).then(|| Obstacle {
            what: "molt runs in a pid namespace of its own, and without /sys/kernel/btf/vmlinux eBPF does not know \
                   its process ids"
                .to_owned(),
            remedy: "mount /sys in the container, or run molt on the host".to_owned(),
            certain: true,
        })
    }

    pub(crate) fn no_ptrace(&self) -> Option<Obstacle> {
        (self.ptrace_scope == Some(3)).then(|| Obstacle {
            what: "kernel.yama.ptrace_scope is 3: commands cannot be held at their start and end".to_owned(),
            remedy: "set kernel.yama.ptrace_scope to 1 and reboot, or use --pid".to_owned(),
            certain: false,
        })
    }

    pub(crate) fn filtered(&self) -> Option<Obstacle> {
        self.seccomp_filter.then(|| Obstacle {
            what: "a seccomp filter decides which system calls molt may make".to_owned(),
            remedy: "if bpf or perf_event_open is refused: run molt on the host, or allow both in the container's profile"
                .to_owned(),
            certain: false,
        })
    }

    pub(crate) fn confined(&self) -> Option<Obstacle> {
        self.apparmor.as_ref().map(|profile| Obstacle {
            what: format!(
                "AppArmor profile {profile} confines molt, and may keep eBPF and other programs' memory from it"
            ),
            remedy: "if something is refused: run molt unconfined; in Kubernetes: appArmorProfile with type Unconfined"
                .to_owned(),
            certain: false,
        })
    }
}
