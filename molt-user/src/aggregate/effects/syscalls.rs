//! The system calls that are looked at.

use molt_common::effect::syscall::{BREAK, CLONE, CLONE3, MAP, OPEN, OPENAT, PLAIN, REMAP};
use nix::libc;
use std::sync::OnceLock;

/// A system call that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syscall {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: &'static str,
    /// Where its flags are: one of [`molt_common::effect::syscall`].
    pub look: u8,
}

/// Names and numbers of system calls.
macro_rules! numbers {
    ($($name:ident $look:ident,)*) => {
        [$((concat!(stringify!($name)), libc::$name, $look)),*]
    };
}

/// All of them.
pub fn syscalls() -> &'static [Syscall] {
    static ALL: OnceLock<Vec<Syscall>> = OnceLock::new();
    ALL.get_or_init(|| {
        let everywhere = numbers![
            SYS_openat OPENAT, SYS_read PLAIN, SYS_pread64 PLAIN, SYS_readv PLAIN, SYS_write PLAIN,
            SYS_pwrite64 PLAIN, SYS_writev PLAIN, SYS_sendfile PLAIN, SYS_copy_file_range PLAIN,
            SYS_truncate PLAIN, SYS_ftruncate PLAIN, SYS_fallocate PLAIN, SYS_fsync PLAIN, SYS_fdatasync PLAIN,
            SYS_newfstatat PLAIN, SYS_fstat PLAIN, SYS_statx PLAIN, SYS_faccessat PLAIN, SYS_readlinkat PLAIN,
            SYS_getdents64 PLAIN, SYS_chdir PLAIN, SYS_fchdir PLAIN, SYS_getcwd PLAIN, SYS_fchmod PLAIN,
            SYS_fchmodat PLAIN, SYS_fchown PLAIN, SYS_fchownat PLAIN, SYS_linkat PLAIN, SYS_symlinkat PLAIN,
            SYS_unlinkat PLAIN, SYS_renameat2 PLAIN, SYS_mkdirat PLAIN, SYS_utimensat PLAIN,
            SYS_socket PLAIN, SYS_socketpair PLAIN, SYS_bind PLAIN, SYS_listen PLAIN, SYS_accept PLAIN,
            SYS_accept4 PLAIN, SYS_connect PLAIN, SYS_sendto PLAIN, SYS_sendmsg PLAIN, SYS_sendmmsg PLAIN,
            SYS_recvfrom PLAIN, SYS_recvmsg PLAIN, SYS_recvmmsg PLAIN, SYS_shutdown PLAIN,
            SYS_clone CLONE, SYS_clone3 CLONE3, SYS_execve PLAIN, SYS_execveat PLAIN, SYS_wait4 PLAIN,
            SYS_waitid PLAIN, SYS_kill PLAIN, SYS_tgkill PLAIN, SYS_pidfd_send_signal PLAIN,
            SYS_nanosleep PLAIN, SYS_clock_nanosleep PLAIN, SYS_clock_gettime PLAIN, SYS_gettimeofday PLAIN,
            SYS_clock_settime PLAIN, SYS_timer_create PLAIN, SYS_setitimer PLAIN,
            SYS_getrandom PLAIN, SYS_rt_sigaction PLAIN,
        ];
        #[cfg(target_arch = "x86_64")]
        let further = numbers![
            SYS_open OPEN, SYS_creat PLAIN, SYS_stat PLAIN, SYS_lstat PLAIN, SYS_access PLAIN, SYS_readlink PLAIN,
            SYS_chmod PLAIN, SYS_chown PLAIN, SYS_lchown PLAIN, SYS_link PLAIN, SYS_symlink PLAIN,
            SYS_unlink PLAIN, SYS_rmdir PLAIN, SYS_rename PLAIN, SYS_mkdir PLAIN,
            SYS_fork PLAIN, SYS_vfork PLAIN, SYS_time PLAIN, SYS_alarm PLAIN,
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let further: [(&str, libc::c_long, u8); 0] = [];
        let syscall = |(name, number, look): &(&'static str, libc::c_long, u8)| {
            let name = name.strip_prefix("SYS_")?;
            Some(Syscall { number: u32::try_from(*number).ok()?, name, look: *look })
        };
        everywhere.iter().chain(&further).filter_map(syscall).collect()
    })
}

/// Those that give a process memory, by number, each with how it is looked at. They are no effects.
pub fn growth() -> impl Iterator<Item = (u32, u8)> {
    let calls = [(libc::SYS_mmap, MAP), (libc::SYS_mremap, REMAP), (libc::SYS_brk, BREAK)];
    calls.into_iter().filter_map(|(number, look)| Some((u32::try_from(number).ok()?, look)))
}
