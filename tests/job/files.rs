//! Files that words stand for: as the machine's bash finds them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use pyhpc_audit::job::{Environment, Place, Setup, Source, Surroundings, Word, read};

use crate::generate::Numbers;

/// Paths below the directory that is searched.
const THERE: [&str; 14] = [
    "a.sh",
    "B.sh",
    "b.sh",
    "a b.sh",
    ".hidden.sh",
    "star*.sh",
    "[x].sh",
    "x",
    "back\\slash",
    "etc/a.sh",
    "etc/b.csh",
    "etc/deep/a.sh",
    "usr/a.sh",
    "usr/é.sh",
];

/// Pieces of patterns.
const PIECES: [&str; 24] = [
    "a",
    "b",
    ".sh",
    "*",
    "*",
    "?",
    "/",
    "/",
    "etc",
    "[ab]",
    "[!a]",
    "[a-c]",
    "[x]",
    ".",
    "'*'",
    "\"*\"",
    "\\*",
    "\\[",
    "'?'",
    "${STAR}",
    "\"$STAR\"",
    "{a,b}",
    "deep",
    "x",
];

/// The files of the machine, below one directory.
struct Disk;

impl Surroundings for Disk {
    fn text(&mut self, _path: &str) -> Option<Vec<u8>> {
        None
    }

    fn exists(&mut self, path: &str) -> Option<bool> {
        Some(Path::new(path).symlink_metadata().is_ok())
    }

    fn names(&mut self, directory: &str) -> Option<Vec<String>> {
        let Ok(list) = fs::read_dir(directory) else { return Some(Vec::new()) };
        let mut names: Vec<String> = list.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        Some(names)
    }

    fn changes_shell(&mut self, _words: &[Word], _environment: &mut Environment, _place: &Place) -> bool {
        false
    }
}

/// The words that bash, and that we, make of each pattern. Ours are `None` where they are left open.
fn both(patterns: &[String]) -> (Vec<Vec<String>>, Vec<Option<Vec<String>>>) {
    let lines = |command: &str| patterns.iter().map(|it| format!("{command} {it}\n")).collect::<String>();
    let begin = "STAR='*' STARa=a\n";
    let script = format!("{begin}show() {{ printf '%s\\0' \"$@\"; printf '\\n\\0'; }}\n{}", lines("show"));
    let output = Command::new("bash").args(["-c", &script]).env("LC_ALL", "C").output().unwrap().stdout;
    let text = String::from_utf8(output).unwrap();
    let real = text.split_terminator("\n\0").map(|it| it.split_terminator('\0').map(str::to_owned).collect());
    let source = format!("{begin}{}", lines("show"));
    let script = read(&Source { path: "script", bytes: source.as_bytes() }, &Setup::default(), &mut Disk);
    let ours = script.commands.iter().map(|it| {
        let words = it.words.iter().skip(1);
        words.map(|it| if it.open { None } else { it.value.text() }).collect()
    });
    (real.collect(), ours.collect())
}

#[test]
fn bash_finds_the_same_files() {
    if super::bash_is_missing() {
        return;
    }
    let here = tempfile::tempdir().unwrap();
    let top = here.path().to_str().unwrap();
    for path in THERE {
        let path = here.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    symlink("gone", here.path().join("dangling.sh")).unwrap();
    symlink("etc", here.path().join("link")).unwrap();
    let mut numbers = Numbers::new(7);
    let mut pattern = || (0..=numbers.below(6)).map(|_| PIECES[numbers.below(PIECES.len())]).collect::<String>();
    let patterns: Vec<String> = (0..2_000).map(|_| format!("{top}/{}", pattern())).collect();
    let (real, ours) = both(&patterns);
    assert_eq!((real.len(), ours.len()), (patterns.len(), patterns.len()));
    let mut differing = Vec::new();
    let (mut known, mut several) = (0, 0);
    for ((pattern, real), ours) in patterns.iter().zip(&real).zip(&ours) {
        let Some(ours) = ours else { continue };
        known += 1;
        several += usize::from(1 < real.len());
        if ours != real {
            differing.push(format!("{pattern}\n  bash {real:?}\n  ours {ours:?}"));
        }
    }
    println!("{known} of {} patterns are known, {several} are several words", patterns.len());
    assert!(differing.is_empty(), "{} differ\n{}", differing.len(), differing[..differing.len().min(10)].join("\n"));
    assert!(patterns.len() / 2 < known && patterns.len() / 20 < several, "{known}, {several}");
}
