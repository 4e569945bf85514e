//! Source files that are not what was compiled any more.
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use molt_mpa::model::{CallSite, IdBasis};

use super::attach::target_at;
use crate::support::artifact::{molt, read};
use crate::support::process::run;
use crate::support::pythons::{self, Interpreter};

/// Works until its standard input ends. Its class has another name in the file later.
const SCRIPT: &str = "
import select, sys

class Before:
    def work(self):
        for _ in range(10000):
            pass

print('ready', flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    Before().work()
";

/// A script that was changed after its process had begun is named, and its text is in no name and in no call site's
/// id. As long as it was not, its text is used and nothing is said. Both where names and columns are in the code, and
/// where they come from the text.
pub(crate) fn changed_source_is_named_and_not_used(_: &Interpreter) {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script.py");
    for with_columns in [false, true] {
        let is_such = |python: &Interpreter| python.supported && (python.minor() >= 11) == with_columns;
        let python = pythons::list().into_iter().find(is_such);
        let python = python.unwrap_or_else(|| panic!("no Python with columns: {with_columns}"));
        fs::write(&script, SCRIPT).unwrap();
        let basis = if with_columns { None } else { Some(IdBasis::Line) };
        assert_eq!(work(&python, &script, || {}), (false, vec![basis]), "{}", python.name);
        let change = || {
            fs::write(&script, SCRIPT.replace("Before", "Afterwards")).unwrap();
            // However coarse the clock is that tells when a process began.
            let later = SystemTime::now() + Duration::from_secs(1);
            fs::File::options().append(true).open(&script).unwrap().set_modified(later).unwrap();
        };
        let basis = if with_columns { IdBasis::Position } else { IdBasis::Code };
        assert_eq!(work(&python, &script, change), (true, vec![Some(basis)]), "{}", python.name);
    }
}

/// Attaches to the script once it works and `change` is done. Whether it was named as changed, and what the ids of
/// the places where it calls its method rest on.
fn work(python: &Interpreter, script: &Path, change: impl FnOnce()) -> (bool, Vec<Option<IdBasis>>) {
    let output = script.with_extension("json");
    let target = target_at(python, script);
    change();
    let mut molt = molt();
    molt.args(["trace", "--mode", "sample", "-F", "499", "--duration", "400ms", "-o"]).arg(&output);
    let ended = run(molt.args(["--pid", &target.pid().to_string()])).succeeded();
    let said = format!("molt: {} was changed after the program started", script.display());
    let is_call =
        |site: &&CallSite| site.targets.iter().any(|target| target.symbol == "__main__.Before.work");
    let sites = read(&output).call_sites;
    (ended.stderr.contains(&said), sites.iter().filter(is_call).map(|site| site.id_basis).collect())
}
