use super::*;

// Against Python: `hashlib.sha256(b"...").hexdigest()`.
#[test]
fn hashes_are_those_that_python_prints() {
    assert_eq!(
        Sha256Hash::of(b"").to_string(),
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(
        Sha256Hash::of(b"\x97\x00d\x01S\x00").to_string(),
        "sha256:9955286879463e87c717b86bd565f41f1c3506e3a887108cd7f354e14e2afe66"
    );
}

// A hash has exactly one text.
#[test]
fn only_the_written_form_of_a_hash_is_read() {
    let hash = Sha256Hash::of(b"x");
    let text = hash.to_string();
    assert_eq!(text.parse(), Ok(hash));
    for wrong in [
        text.to_uppercase(),
        text.replace("sha256:", ""),
        text.replace("sha256:", "sha1:"),
        format!("{text}0"),
        format!("{text}00"),
        text[..text.len() - 1].to_owned(),
        text[..text.len() - 2].to_owned(),
        text.replace("sha256:2", "sha256:g"),
        text.replace("sha256:2", "sha256:é"),
        String::new(),
    ] {
        assert_eq!(wrong.parse::<Sha256Hash>(), Err(MalformedHash), "{wrong}");
    }
}

// The bytes hashed are the documented ones, for each basis.
#[test]
fn site_ids_hash_the_documented_text() {
    let of = |text: &str| Sha256Hash::of(text.as_bytes());
    let text = SiteId::Text { col: 4, expr: "größe(\n  1)" };
    assert_eq!(text.hash("pkg/app.py", 12), of("pkg/app.py:12:4:größe(\n  1)"));
    let position = SiteId::Position { col: 4, end_line: 13, end_col: 4 };
    assert_eq!(position.hash("app.py", 12), of("app.py:12:4:13:4"));
    let code_hash = Sha256Hash::of(b"code");
    let code = SiteId::Code { code_hash, offset: 26 };
    assert_eq!(code.hash("app.py", 12), of(&format!("app.py:12:{code_hash}:26")));
}

// Order and unrelated variables change nothing; names that only look alike are left out.
#[test]
fn env_fingerprint_hashes_sorted_lines_of_what_matters() {
    let expected = Sha256Hash::of(b"LANG=C\nLC_ALL=de\nPYTHONHASHSEED=0\nTZ=\n");
    let variables = [
        ("TZ", ""),
        ("HOME", "/root"),
        ("PYTHONHASHSEED", "0"),
        ("LANGUAGE", "de"),
        ("TZDIR", "x"),
        ("XLC_ALL", "x"),
        ("LANG", "C"),
        ("LC_ALL", "de"),
    ];
    assert_eq!(env_fingerprint(variables), expected);
    assert_eq!(env_fingerprint(variables.into_iter().rev()), expected);
    assert_eq!(env_fingerprint([(b"LC_X".as_slice(), b"\xff".as_slice())]), Sha256Hash::of(b"LC_X=\xff\n"));
    assert_eq!(env_fingerprint([("PATH", "/bin")]), Sha256Hash::of(b""));
}

// A file that is met twice counts once.
#[test]
fn inputs_fingerprint_hashes_sorted_names_with_digests() {
    let (a, b) = (Sha256Hash::of(b"a"), Sha256Hash::of(b"b"));
    let text = format!("app.py  {}\npkg/b.py  {}\n", a.digits(), b.digits());
    let files = [("pkg/b.py", b), ("app.py", a), ("pkg/b.py", b)];
    assert_eq!(inputs_fingerprint(files), Sha256Hash::of(text.as_bytes()));
}
