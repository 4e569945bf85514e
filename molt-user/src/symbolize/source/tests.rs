use super::{MAX_SOURCE_BYTES, NoSource, Reader, SourceFile, Sources, syntax};
use crate::cpython::linetable::Position;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn file(text: &str) -> SourceFile {
    SourceFile::new(text.as_bytes().to_vec(), None).unwrap()
}

/// What decorators, classes, lambdas, comprehensions and `global` do to names (3.8 to 3.10).
#[test]
fn derives_qualified_names() {
    let file = file(
        "@one\n@two\ndef f(a=lambda: 1):\n    global g\n    def g():\n        def h(): pass\n    class C:\n\
         \x20       def m(self): return [lambda: (i for i in x) for y in (z for z in q)]\n\
         async def a(): pass\nx = sum(\n    i for i in y)\n\nl = lambda: 1, lambda: 2\n\
         def p(): return lambda: [\n    lambda: 3]; q = lambda: 4\n",
    );
    let outline = file.outline().unwrap();
    let name = |name, line| outline.qualname(name, line).unwrap_or("-");
    assert_eq!(name("f", 1), "f");
    assert_eq!(name("<lambda>", 3), "<lambda>");
    assert_eq!(name("g", 5), "g");
    assert_eq!(name("h", 6), "g.<locals>.h");
    assert_eq!(name("C", 7), "f.<locals>.C");
    assert_eq!(name("m", 8), "f.<locals>.C.m");
    assert_eq!(name("<listcomp>", 8), "f.<locals>.C.m.<locals>.<listcomp>");
    assert_eq!(name("<lambda>", 8), "f.<locals>.C.m.<locals>.<listcomp>.<lambda>");
    assert_eq!(name("<genexpr>", 8), "-", "two of them, with different names");
    assert_eq!(name("a", 9), "a");
    assert_eq!(name("<genexpr>", 10), "<genexpr>", "at the call's parenthesis");
    assert_eq!(name("<lambda>", 13), "<lambda>", "two of them, with one name");
    assert_eq!(name("<lambda>", 14), "p.<locals>.<lambda>");
    assert_eq!(name("f", 2), "-");
}

/// The call of a line is found by the callee's name, or by being the only one.
#[test]
fn finds_the_call_on_a_line() {
    let file = file("r = f(g(1)) + h.k(2)\n(a\n .b\n .c(3))\nK()\n");
    let outline = file.outline().unwrap();
    let text = |line, callee| {
        let call = outline.call(line, callee)?;
        file.expression(&call.position)
    };
    assert_eq!(text(1, "f"), Some("f(g(1))"));
    assert_eq!(text(1, "k"), Some("h.k(2)"));
    assert_eq!(text(1, "nothing"), None);
    assert_eq!(text(2, "c"), Some("a\n .b\n .c(3)"));
    assert_eq!(text(4, "c"), Some("a\n .b\n .c(3)"));
    assert_eq!(text(5, "__init__"), Some("K()"));
}

/// Columns count UTF-8 bytes; lines end in any of three ways; the mark at the start is no column.
#[test]
fn cuts_expressions_by_byte_columns() {
    let file = SourceFile::new("\u{feff}é = f(1)\rx = 2\r\ng(\n  3)".into(), None).unwrap();
    let at = |line, col, end_line, end_col| {
        let position = Position { line, end_line: Some(end_line), col: Some(col), end_col: Some(end_col) };
        file.expression(&position)
    };
    assert_eq!(at(1, 5, 1, 9), Some("f(1)"));
    assert_eq!(at(2, 4, 2, 5), Some("2"));
    assert_eq!(at(3, 0, 4, 4), Some("g(\n  3)"));
    assert_eq!(at(1, 1, 1, 3), None, "inside a character");
    assert_eq!(at(9, 0, 9, 1), None);
    assert_eq!(at(0, 0, 1, 1), None);
    assert_eq!(file.expression(&Position::of_line(1)), None);
}

/// Coding cookies (PEP 263).
#[test]
fn decodes_by_the_coding_cookie() {
    let text = |bytes: &[u8]| SourceFile::new(bytes.to_vec(), None).map(|file| file.text().to_owned());
    assert_eq!(text(b"# -*- coding: latin-1 -*-\n'\xe9'").unwrap(), "# -*- coding: latin-1 -*-\n'é'");
    assert_eq!(text(b"#!/usr/bin/python\n# vim: set fileencoding=UTF_8 :\n").unwrap().len(), 50);
    assert_eq!(text(b"# coding: cp1252\n\x80"), Err(NoSource::Encoding));
    assert_eq!(text(b"'\xe9'"), Err(NoSource::Encoding));
}

/// Text that CPython's own compiler would refuse must not cost the stack.
#[test]
fn refuses_text_that_is_too_deep() {
    for (open, close) in
        [("(", ")"), ("not ", ""), ("a.", "b"), ("-", "1"), ("lambda: ", "1"), ("a()", ""), ("x+", "y")]
    {
        let deep = format!("{}1{}\n", open.repeat(100_000), close.repeat(100_000));
        assert!(!syntax::is_shallow(&deep), "{open}");
        assert!(file(&deep).outline().is_none());
    }
    let blocks: String = (0..200).map(|depth| " ".repeat(depth) + "if x:\n").collect();
    assert!(!syntax::is_shallow(&blocks));
    assert!(syntax::is_shallow(&format!("x = [{}]\n", "f(1) + 2, ".repeat(50_000))), "long, not deep");
    for chain in ["a + ", "not ", "lambda: "] {
        assert!(file(&format!("x = {}1\n", chain.repeat(5900))).outline().is_some(), "{chain}");
    }
}

/// Links stay below the target's root; folders, missing files, archives and large files have their reasons.
#[test]
fn opens_files_below_the_root_only() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("app")).unwrap();
    fs::write(root.path().join("app/a.py"), "f()\n").unwrap();
    fs::write(root.path().join("secret"), "hidden\n").unwrap();
    fs::set_permissions(root.path().join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::File::create(root.path().join("large.py")).unwrap().set_len(MAX_SOURCE_BYTES + 1).unwrap();
    symlink("/app/a.py", root.path().join("absolute.py")).unwrap();
    symlink("../../../../etc/passwd", root.path().join("out.py")).unwrap();
    let stranger = Reader { uid: 54_321, gid: 54_321 };
    let mut sources = Sources::new(root.path(), Path::new("/app"), stranger).unwrap();
    let mut text = |name: &str| sources.get(name).map(|file| file.text().to_owned());
    assert_eq!(text("/app/a.py").unwrap(), "f()\n");
    assert_eq!(text("a.py").unwrap(), "f()\n");
    assert_eq!(text("/absolute.py").unwrap(), "f()\n");
    assert_eq!(text("/out.py"), Err(NoSource::Missing));
    assert_eq!(text("/secret"), Err(NoSource::Denied));
    assert_eq!(text("/large.py"), Err(NoSource::TooLarge));
    assert_eq!(text("/app"), Err(NoSource::NotRegular));
    assert_eq!(text("/app/a.py/inside.py"), Err(NoSource::InArchive));
    assert_eq!(text("<string>"), Err(NoSource::NotFromFile));
}
