use std::error::Error as _;
use std::fs;

use super::*;
use crate::tests::full::full;

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

// The file is whole, alone in its folder, and replaces the old one.
#[test]
fn writes_a_file_and_replaces_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.json");
    check_destination(&path).unwrap();
    assert!(names_in(folder.path()).is_empty(), "the check left something behind");
    fs::write(&path, "old").unwrap();
    let bytes = write_file(&full(), &path, None).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), bytes);
    assert!(fs::read_to_string(&path).unwrap().ends_with("}\n"));
    assert_eq!(names_in(folder.path()), ["out.json"]);
}

// Two writes of one artifact give the same bytes.
#[test]
fn the_text_is_deterministic() {
    let text = || {
        let mut text = Vec::new();
        write_to(&full(), &mut text).unwrap();
        text
    };
    assert_eq!(text(), text());
}

// A full disk: half the text is written when the error comes.
#[test]
fn an_error_while_writing_keeps_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.json");
    fs::write(&path, "old").unwrap();
    let error = replace(&path, folder.path(), None, |file| {
        file.write_all(b"half")?;
        Err(io::ErrorKind::StorageFull.into())
    })
    .unwrap_err();
    assert_eq!(error.to_string(), format!("failed to write {}", path.display()));
    assert_eq!(error.source().unwrap().to_string(), io::Error::from(io::ErrorKind::StorageFull).to_string());
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(names_in(folder.path()), ["out.json"]);
}

// Found out before the target starts, each with the path in the message.
#[test]
fn the_check_refuses_what_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::write(here.join("file"), "").unwrap();
    assert!(matches!(check_destination(here), Err(WriteError::Folder { .. })));
    assert!(matches!(check_destination(Path::new("")), Err(WriteError::Folder { .. })));
    assert!(matches!(check_destination(&here.join("new/")), Err(WriteError::Folder { .. })));
    for path in [here.join("missing/out.json"), here.join("file/out.json")] {
        let error = check_destination(&path).unwrap_err();
        assert!(matches!(error, WriteError::Io { .. }));
        assert!(error.to_string().contains(here.to_str().unwrap()), "{error}");
    }
    check_destination(Path::new("name-without-a-folder.json")).unwrap();
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, symlink};

    use super::*;

    // As root in a folder of someone else's, a link may point anywhere.
    #[test]
    fn a_link_to_a_file_is_refused_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (link, end) = (folder.path().join("link"), folder.path().join("end"));
        symlink(&end, &link).unwrap();
        assert!(matches!(check_destination(&link), Err(WriteError::Link { .. })), "dangling");
        fs::write(&end, "old").unwrap();
        assert!(matches!(write_file(&full(), &link, None), Err(WriteError::Link { .. })));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&end).unwrap(), "old");
    }

    // Renaming over a pipe or a device would remove it from the machine.
    #[test]
    fn a_pipe_is_written_into_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        check_destination(&pipe).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        let bytes = write_file(&full(), &pipe, None).unwrap();
        assert_eq!(reader.join().unwrap().len() as u64, bytes);
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    }

    // The error comes when the text is already in a buffer: it must not be lost on the way out.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_device_is_an_error() {
        let full_device = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        assert_eq!(write_to(&full(), full_device).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    // Giving a file away needs root; giving it to oneself does not.
    #[test]
    fn the_file_belongs_to_the_owner_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.json");
        let me = fs::metadata(folder.path()).unwrap();
        let owner =
            if me.uid() == 0 { Owner { uid: 1, gid: 2 } } else { Owner { uid: me.uid(), gid: me.gid() } };
        write_file(&full(), &path, Some(owner)).unwrap();
        let file = fs::metadata(&path).unwrap();
        assert_eq!((file.uid(), file.gid()), (owner.uid, owner.gid));
        assert_eq!(file.mode() & 0o077, 0o066 & !umask_of(folder.path()), "readable as the umask says");
    }

    fn umask_of(folder: &Path) -> u32 {
        let probe = folder.join("probe");
        File::create(&probe).unwrap();
        !fs::metadata(probe).unwrap().mode() & 0o777
    }
}
