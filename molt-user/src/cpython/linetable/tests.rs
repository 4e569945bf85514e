use super::{LineTable, Position};

fn table(minor: u8, bytes: &[u8]) -> LineTable {
    LineTable { bytes: bytes.into(), first_line: 10, minor }
}

/// `co_lnotab`: address and line deltas; the last pair whose address is not past the instruction counts.
#[test]
fn lnotab_adds_up_deltas() {
    let table = table(9, &[0, 1, 4, 2, 2, 0xff]);
    let lines: Vec<i32> = [-1, 0, 3, 4, 6, 100].map(|lasti| table.position(lasti).unwrap().line).into();
    assert_eq!(lines, [10, 11, 11, 13, 12, 12]);
}

/// PEP 626: delta -128 is a range without a line, which leaves the line as it was.
#[test]
fn pep_626_knows_ranges_without_a_line() {
    let table = table(10, &[4, 1, 2, 0x80, 2, 1]);
    let lines = [0, 2, 4, 6, 8].map(|lasti| table.position(lasti).map(|position| position.line));
    assert_eq!(lines, [Some(11), Some(11), None, Some(12), None]);
}

/// PEP 657: short form, one-line form, long form, no columns, no location.
#[test]
fn pep_657_knows_each_form() {
    let bytes = [
        0x80 | 1 << 3,
        0x25,
        0x80 | 11 << 3 | 1,
        4,
        9,
        0x80 | 14 << 3,
        3,
        2,
        1,
        0,
        0x80 | 13 << 3,
        0x44,
        1,
        0xf8,
    ];
    let table = table(13, &bytes);
    let at = |lasti| table.position(lasti);
    let place =
        |line, end_line, col, end_col| Some(Position { line, end_line: Some(end_line), col, end_col });
    assert_eq!(at(0), place(10, 10, Some(10), Some(15)));
    assert_eq!(at(2), place(11, 11, Some(4), Some(9)));
    assert_eq!(at(5), at(2));
    assert_eq!(at(6), place(10, 12, Some(0), None));
    assert_eq!(at(8), place(44, 44, None, None));
    assert_eq!(at(10), None);
    assert_eq!(at(12), None, "past the end");
}

/// Torn memory: an endless varint, and an entry cut in the middle.
#[test]
fn cut_tables_end() {
    assert_eq!(table(12, &[0xf0; 40]).position(0), None);
    assert_eq!(table(12, &[0xe8, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f]).position(0), None);
    assert_eq!(table(12, &[]).position(0), None);
}
