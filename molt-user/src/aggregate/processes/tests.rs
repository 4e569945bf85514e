use super::*;

/// A pid that the kernel gives out again is another process.
#[test]
fn a_reused_pid_is_a_new_process() {
    let mut tree = Processes::default();
    let at = Millis::from_micros;
    tree.begin(10, at(0));
    tree.fork(10, 11, at(1));
    tree.end(11, at(2), Some(0), None);
    tree.fork(10, 11, at(3));
    tree.exec(11, at(4));
    tree.python(11, "3.13.1", false);
    assert_eq!(tree.list().len(), 3);
    let roles: Vec<_> = tree.list().iter().map(|process| (process.role, process.parent)).collect();
    assert_eq!(
        roles,
        [(ProcessRole::Main, None), (ProcessRole::Fork, Some(0)), (ProcessRole::Exec, Some(0))]
    );
    let execs = tree.events.iter().filter_map(|event| match &event.what {
        EventKind::Exec { python_version, .. } => Some((event.process, python_version.as_deref())),
        _ => None,
    });
    assert_eq!(execs.collect::<Vec<_>>(), [(Some(2), Some("3.13.1"))]);
}

/// A shell that starts Python stays as its parent; the other programs that it starts are counted and forgotten, with
/// what happened in them.
#[test]
fn programs_that_are_no_python_are_counted() {
    let at = Millis::from_micros;
    let mut tree = Processes::default();
    tree.begin(10, at(0));
    for child in [11, 12] {
        tree.fork(10, child, at(1));
        tree.exec(child, at(2));
    }
    tree.fork(12, 13, at(3));
    tree.exec(13, at(4));
    tree.python(13, "3.13.1", false);
    tree.thread(13, 14, at(5));
    let [other, python] = [11, 13].map(|pid| tree.serial(pid).unwrap());
    tree.end(11, at(6), Some(0), None);
    assert_eq!(tree.prune(true), [Some(0), None, Some(1), Some(2)]);
    assert_eq!((tree.place_of(other), tree.place_of(python)), (None, Some(2)));
    let shown: Vec<_> = tree.list().iter().map(|process| (process.role, process.parent)).collect();
    let exec = ProcessRole::Exec;
    assert_eq!(shown, [(ProcessRole::Main, None), (exec, Some(0)), (exec, Some(1))]);
    assert_eq!(tree.others, 1);
    assert!(tree.events.iter().all(|event| event.process.is_some_and(|place| place < 3)));
    let thread = tree.events.iter().find(|event| matches!(event.what, EventKind::ThreadStart { .. }));
    assert_eq!(thread.and_then(|event| event.process), Some(2));
    tree.sampled(13);
    assert_eq!(tree.list().last().map(|process| process.samples), Some(1));
}

/// A list that is full has room again for Python where programs have ended that are none, and says how many found
/// none where not.
#[test]
fn the_list_is_bounded() {
    let mut tree = Processes::default();
    tree.begin(1, Millis::default());
    for child in 2..20_000 {
        tree.fork(1, child, Millis::default());
        tree.exec(child, Millis::default());
        tree.end(child, Millis::default(), Some(0), None);
    }
    assert_eq!((tree.unlisted, tree.list().len() <= MAX_LISTED), (0, true));
    for child in 20_000..30_000 {
        tree.fork(1, child, Millis::default());
        tree.python(child, "3.13.1", false);
    }
    assert_eq!(tree.list().len(), MAX_LISTED);
    assert_eq!(tree.unlisted, 10_000 - MAX_LISTED as u64 + 1);
    assert_eq!(tree.others, 19_998);
}

/// What still runs goes on in a list of its own, at the place that it has there.
#[test]
fn the_living_go_on_in_another_list() {
    let mut tree = Processes::default();
    tree.begin(10, Millis::default());
    tree.fork(10, 11, Millis::default());
    tree.fork(11, 12, Millis::default());
    tree.fork(10, 13, Millis::default());
    tree.sampled(13);
    tree.end(11, Millis::default(), None, None);
    tree.begin_anew();
    tree.sampled(12);
    let shown: Vec<_> = tree.list().iter().map(|process| (process.parent, process.samples)).collect();
    assert_eq!(shown, [(None, 0), (None, 1), (Some(0), 0)]);
    assert_eq!(tree.events.len(), 3);
}

/// Threads are numbered within their process, so that the file carries no ids of the machine.
#[test]
fn threads_are_numbered_in_the_order_of_their_start() {
    let mut tree = Processes::default();
    tree.begin(10, Millis::default());
    tree.thread(10, 500, Millis::default());
    tree.thread(10, 400, Millis::default());
    tree.thread_end(10, 400, Millis::default());
    tree.thread_end(10, 999, Millis::default());
    let thread = |event: &Event| match event.what {
        EventKind::ThreadStart { thread } => Some(thread),
        EventKind::ThreadEnd { thread } => Some(100 + thread),
        _ => None,
    };
    let threads: Vec<_> = tree.events.iter().filter_map(thread).collect();
    assert_eq!(threads, [1, 2, 102]);
}
