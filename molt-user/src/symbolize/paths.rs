//! From a file name as Python has it to one that the artifact may carry: relative to its import root.

use super::modules::ImportPaths;
use molt_mpa::model::Origin;

/// A file of source code, as the artifact sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceFile {
    /// In an import root, by its path within it.
    Rooted {
        /// Relative to the root, with `/`.
        path: String,
        /// Whose root it is.
        origin: Origin,
    },
    /// No file: the name in angle brackets that CPython gives to such code.
    Synthetic(String),
    /// Outside every import root: the program's data, to be redacted.
    Outside,
}

/// Folders under which installed packages lie (`site.py`; Debian).
const SITE_FOLDERS: [&str; 2] = ["site-packages", "dist-packages"];

/// The import roots of one process.
#[derive(Clone, Debug)]
pub struct Roots {
    /// Absolute folder or archive, and whether it belongs to the standard library; the longest first.
    roots: Vec<(String, bool)>,
    cwd: String,
}

impl Roots {
    /// The roots of 3.`minor` with `paths`, for a process that started in the folder `cwd`, an absolute path.
    pub fn new(paths: &ImportPaths, minor: u8, cwd: &str) -> Roots {
        let mut stdlib: Vec<String> = paths.stdlib.iter().map(|folder| absolute(folder, cwd)).collect();
        for prefix in &paths.base_prefixes {
            for lib in ["lib", "lib64"] {
                for version in
                    [format!("python3.{minor}"), format!("python3.{minor}t"), format!("python3{minor}.zip")]
                {
                    stdlib.push(absolute(&format!("{prefix}/{lib}/{version}"), cwd));
                }
            }
        }
        let dynload: Vec<String> = stdlib.iter().map(|folder| format!("{folder}/lib-dynload")).collect();
        stdlib.extend(dynload);
        let own = paths.path.iter().map(|entry| absolute(entry, cwd));
        let own: Vec<_> = own.filter(|root| !stdlib.contains(root)).map(|root| (root, false)).collect();
        let mut roots: Vec<_> = stdlib.into_iter().map(|root| (root, true)).chain(own).collect();
        roots.sort_by(|one, other| other.0.len().cmp(&one.0.len()).then_with(|| one.cmp(other)));
        roots.dedup();
        Roots { roots, cwd: cwd.to_owned() }
    }

    /// Where `file`, a `co_filename` or `__file__`, belongs.
    pub fn place(&self, file: &str) -> SourceFile {
        if file.starts_with('<') {
            return SourceFile::Synthetic(file.to_owned());
        }
        let rooted = |path: &str, origin| SourceFile::Rooted { path: path.to_owned(), origin };
        let path = absolute(file, &self.cwd);
        if let Some(package) = after_site_folder(&path) {
            return rooted(package, Origin::Site);
        }
        let under = |root: &str| path.strip_prefix(root)?.strip_prefix('/').filter(|rest| !rest.is_empty());
        let found = self.roots.iter().find_map(|(root, stdlib)| Some((under(root)?, *stdlib)));
        found.map_or(SourceFile::Outside, |(path, stdlib)| {
            rooted(path, if stdlib { Origin::Stdlib } else { Origin::App })
        })
    }
}

/// What follows the last `site-packages/` or `dist-packages/`.
fn after_site_folder(path: &str) -> Option<&str> {
    let behind = SITE_FOLDERS.iter().filter_map(|folder| {
        let at = path.rfind(&format!("/{folder}/"))?;
        path.get(at + folder.len() + 2..)
    });
    behind.min_by_key(|rest| rest.len()).filter(|rest| !rest.is_empty())
}

/// `path` from the root of the file system, without `.`, `..` and doubled slashes. Links are not followed:
/// Python does not either.
fn absolute(path: &str, cwd: &str) -> String {
    let base = if path.starts_with('/') { "" } else { cwd };
    let mut parts = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::{ImportPaths, Roots, SourceFile};

    fn roots() -> Roots {
        let path = [
            "/home/me/app",
            "/usr/lib/python311.zip",
            "/usr/lib/python3.11",
            "/usr/lib/python3/dist-packages",
            "",
            "lib",
        ];
        let paths = ImportPaths {
            path: path.map(str::to_owned).into(),
            base_prefixes: vec!["/usr".to_owned()],
            ..ImportPaths::default()
        };
        Roots::new(&paths, 11, "/work")
    }

    /// One line per way in which a file comes to its name.
    #[test]
    fn finds_root_and_origin() {
        let place = |file| match roots().place(file) {
            SourceFile::Rooted { path, origin } => format!("{origin:?} {path}").to_lowercase(),
            SourceFile::Synthetic(name) => name,
            SourceFile::Outside => "outside".to_owned(),
        };
        assert_eq!(place("/home/me/app/pkg/mod.py"), "app pkg/mod.py");
        assert_eq!(place("/usr/lib/python3.11/json/decoder.py"), "stdlib json/decoder.py");
        assert_eq!(place("/usr/lib/python3.11/lib-dynload/_x.so"), "stdlib _x.so");
        assert_eq!(place("/usr/lib/python3/dist-packages/attr/__init__.py"), "site attr/__init__.py");
        assert_eq!(place("/venv/lib/python3.11/site-packages/attr/x.py"), "site attr/x.py");
        assert_eq!(place("/usr/lib/python311.zip/json/decoder.py"), "stdlib json/decoder.py");
        assert_eq!(place("app.py"), "app app.py");
        assert_eq!(place("./lib/../lib/x.py"), "app x.py");
        assert_eq!(place("/elsewhere/x.py"), "outside");
        assert_eq!(place("/home/me/app2/x.py"), "outside");
        assert_eq!(place("<frozen importlib._bootstrap>"), "<frozen importlib._bootstrap>");
        assert_eq!(place("<string>"), "<string>");
        assert_eq!(place(""), "outside");
    }
}
