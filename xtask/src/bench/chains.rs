//! Programs with as many code objects and as deep stacks as a figure asks for.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result};

use crate::project;

/// A program of `chains` × `depth` functions. Each calls the next of its chain; the last one spins for 2 ms.
/// The program goes over the chains again and again for as many seconds as its argument says, and then writes
/// the time (Unix, seconds) to the file that its second argument names. With a third one it does so on every CPU, in
/// a process for each.
pub(crate) fn write(name: &str, chains: usize, depth: usize) -> Result<()> {
    let mut source = String::from("import os\nimport sys\nimport time\n\nclock = time.monotonic\n");
    for chain in 0..chains {
        for at in 0..depth - 1 {
            writeln!(source, "def f{chain}_{at}(until):\n    f{chain}_{next}(until)\n", next = at + 1)?;
        }
        writeln!(
            source,
            "def f{chain}_{last}(until):\n    while clock() < until:\n        pass\n",
            last = depth - 1
        )?;
    }
    let first: Vec<_> = (0..chains).map(|chain| format!("f{chain}_0")).collect();
    write!(
        source,
        "end = clock() + float(sys.argv[1])\n\
         for cpu in sorted(os.sched_getaffinity(0)) if sys.argv[3:] else []:\n    \
             if os.fork() == 0:\n        os.sched_setaffinity(0, {{cpu}})\n        break\n\
         while clock() < end:\n    for first in [{}]:\n        first(clock() + 0.002)\n\
         with open(sys.argv[2], \"w\") as file:\n    file.write(repr(time.time()))\n",
        first.join(", ")
    )?;
    let path = project::cache().join("bench").join(name);
    fs::write(&path, source).with_context(|| format!("failed to write {}", path.display()))
}
