use super::*;
use molt_common::effect::NAME_BYTES;
use molt_mpa::model::EffectKind;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The page of the table, made of it. `MOLT_BLESS=1` writes it anew.
#[test]
fn the_page_shows_the_table() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/effects.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, _) = page.split_once("| event | effect |\n").unwrap();
    let mut made = format!("{head}| event | effect |\n|---|---|\n");
    for (event, effect) in rows() {
        let effect = serde_json::to_value(effect).unwrap();
        writeln!(made, "| `{event}` | `{}` |", effect.as_str().unwrap()).unwrap();
    }
    if std::env::var_os("MOLT_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    assert_eq!(page, made, "MOLT_BLESS=1 writes docs/effects.md anew");
}

/// A row that another one hides, or that stands twice, would be a mistake.
#[test]
fn each_row_decides_for_its_own_name() {
    let names: BTreeSet<&str> = rows().map(|(event, _)| event).collect();
    assert_eq!(names.len(), rows().count());
    for (event, effect) in rows() {
        assert_eq!(effect_of(event.trim_end_matches('*')), effect, "{event}");
    }
}

/// Whole names go before beginnings of names, and longer beginnings before shorter ones.
#[test]
fn the_longest_row_that_fits_counts() {
    assert_eq!(effect_of("os.rename"), EffectKind::FsMeta);
    assert_eq!(effect_of("os.fork"), EffectKind::Process);
    assert_eq!(effect_of("cpython.run_command"), EffectKind::Code);
    assert_eq!(effect_of("cpython._PySys_ClearAuditHooks"), EffectKind::Introspect);
    assert_eq!(effect_of("app.order.placed"), EffectKind::Other);
    assert_eq!(effect_of(""), EffectKind::Other);
}

/// So often, all of it while it was watched.
fn counted(seen: u64, sampled: u64) -> Count {
    Count { seen: EffectCount { seen, sampled }, unwatched: 0 }
}

/// What the kernel side counts under a number or a name is what the artifact calls it.
#[test]
fn events_have_names() {
    let key = |number, flags, text: &[u8]| {
        let mut name = [0; NAME_BYTES];
        name[..text.len()].copy_from_slice(text);
        EffectKey { program: 0, number, flags, reserved: 0, code: 8, name }
    };
    let openat = u32::try_from(nix::libc::SYS_openat).unwrap();
    let shown = |key: &EffectKey| {
        let event = Event::of(key);
        let shown = effect(&event, counted(1, 0));
        (shown.event, shown.effect)
    };
    assert_eq!(shown(&key(openat, WRITES, b"")), ("sys:openat".to_owned(), EffectKind::FsWrite));
    assert_eq!(shown(&key(openat, 0, b"")), ("sys:openat".to_owned(), EffectKind::FsRead));
    assert_eq!(shown(&key(AUDIT, 0, b"socket.connect")), ("socket.connect".to_owned(), EffectKind::Net));
    assert_eq!(shown(&key(AUDIT, 0, b"\xff")), ("\u{fffd}".to_owned(), EffectKind::Other));
    let full = [b'x'; NAME_BYTES];
    assert_eq!(shown(&key(AUDIT, 0, &full)).0.len(), NAME_BYTES);
}

/// A sampled count is said to be one, and the estimate is kept apart from it.
#[test]
fn estimates_stand_beside_counts() {
    let event = Event { name: "sys:getrandom".to_owned(), suffix: "" };
    let mut effects = vec![effect(&event, counted(3, 0))];
    assert_eq!((effects[0].observation, effects[0].count_est), (Observation::Exact, None));
    merge(&mut effects, [effect(&event, counted(138, 10))].into_iter());
    assert_eq!(effects.len(), 1);
    assert_eq!((effects[0].count, effects[0].count_est), (141, Some(3 + 138 + 10 * 63)));
    assert_eq!(effects[0].observation, Observation::Sampled);
    let unwatched = effect(&event, Count { unwatched: 50, ..counted(3, 0) });
    assert_eq!((unwatched.count, unwatched.count_est), (3, Some(53)));
    assert_eq!(unwatched.observation, Observation::Sampled);
}
