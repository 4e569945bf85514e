//! What the looks at a large program cost while it runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Effort;
use super::page::Figure;
use super::tracer::Tracer;
use crate::project;

/// Its arguments: numbers of modules, of types and of keys, and a file that it makes when all of them are there. It
/// ends when that is gone.
const PROGRAM: &str = "\
import os
import sys
import time
import types

modules, classes, keys = map(int, sys.argv[1:4])
for number in range(modules):
    module = types.ModuleType('made_%d' % number)
    module.__dict__.update({'name_%d' % name: name for name in range(20)})
    sys.modules[module.__name__] = module
made = []
for number in range(classes):
    made.append(type('Made%d' % number, (), {'__module__': '__main__', 'number': number, 'size': lambda self: 1})())
large = dict.fromkeys(range(keys))


def first(found):
    return next(iter(found), None)


open(sys.argv[4], 'w').close()
while os.path.exists(sys.argv[4]):
    first(large)
    time.sleep(0.1)
";

/// Time that the first looks take, which read what later ones compare.
const FIRST: Duration = Duration::from_secs(20);

/// A program that is looked at.
#[derive(Clone, Copy)]
struct Size {
    modules: u32,
    types: u32,
    keys: u32,
}

pub(crate) fn measure(tracer: &Tracer, effort: &Effort) -> Result<Vec<Figure>> {
    let watched = Duration::from_secs(u64::from(effort.watched) * 3);
    println!("looks at a large program, three times {} s", (FIRST + watched).as_secs());
    let path = project::cache().join("bench/looked_at.py");
    fs::write(&path, PROGRAM).with_context(|| format!("failed to write {}", path.display()))?;
    let share = |size| share(tracer, size, watched);
    let small = share(Size { modules: 0, types: 0, keys: 0 })?;
    let large = share(Size { modules: 2_000, types: 20_000, keys: 0 })?;
    let keys = share(Size { modules: 2_000, types: 20_000, keys: 10_000_000 })?;
    let figure = |name, value: f64, how| Figure { name, value: value * 100.0, unit: "%", goal: 0.2, how };
    Ok(vec![
        figure(
            "looks at 2,000 modules and 20,000 types, of a core",
            large - small,
            "molt's processor time while the program waits, from 20 s after its start on, less the same for a program \
             of no size",
        ),
        figure(
            "the same with a dict of 10 million keys",
            keys - small,
            "the dict is a global and comes with calls",
        ),
    ])
}

/// molt's share of a core while a program of this size waits.
fn share(tracer: &Tracer, size: Size, watched: Duration) -> Result<f64> {
    let mark = project::cache().join("bench/looked_at");
    if mark.exists() {
        fs::remove_file(&mark)?;
    }
    let mut command = tracer.trace(&[], &tracer.python);
    command.arg("looked_at.py").args([size.modules, size.types, size.keys].map(|number| number.to_string()));
    let mut molt = command.arg(&mark).spawn().context("failed to run molt")?;
    while !mark.exists() {
        ensure!(molt.try_wait()?.is_none(), "the program that is looked at has ended");
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(FIRST);
    let (begin, before) = (Instant::now(), processor_time(molt.id())?);
    thread::sleep(watched);
    let spent = processor_time(molt.id())?.saturating_sub(before);
    let share = spent.as_secs_f64() / begin.elapsed().as_secs_f64();
    fs::remove_file(&mark)?;
    ensure!(molt.wait()?.success(), "molt has failed");
    Ok(share)
}

/// What the threads of a process have run, as the scheduler has it (`schedstat` in proc(5)).
fn processor_time(pid: u32) -> Result<Duration> {
    let threads = PathBuf::from(format!("/proc/{pid}/task"));
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(&threads).with_context(|| format!("failed to read {}", threads.display()))? {
        sum += of_thread(&thread?.path().join("schedstat")).unwrap_or_default();
    }
    Ok(sum)
}

/// A thread that has ended meanwhile has none.
fn of_thread(path: &Path) -> Option<Duration> {
    let text = fs::read_to_string(path).ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
