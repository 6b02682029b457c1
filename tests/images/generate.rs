//! Random layers of few names, so that they meet.

use proptest::prelude::*;

use super::support::image::{Entry, Layer};

fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(&["a", "b", "c"][..]), 1..4).prop_map(|it| it.join("/"))
}

fn target() -> impl Strategy<Value = String> {
    prop_oneof![
        path(),
        path().prop_map(|it| format!("/{it}")),
        path().prop_map(|it| format!("../{it}")),
        Just("..".to_owned())
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let mode = proptest::sample::select(&[0o755_u32, 0o700, 0o1777][..]);
    let plain = Entry::default;
    prop_oneof![
        3 => (path(), "[a-z]{0,5}").prop_map(move |(it, text)| Entry { file: Some(it), text: Some(text), mode: Some(0o640), ..plain() }),
        3 => (path(), mode).prop_map(move |(it, mode)| Entry { directory: Some(it), mode: Some(mode), ..plain() }),
        3 => (path(), target()).prop_map(move |(it, target)| Entry { link: Some(it), target: Some(target), ..plain() }),
        2 => (path(), path()).prop_map(move |(it, target)| Entry { hard_link: Some(it), target: Some(target), ..plain() }),
        1 => path().prop_map(move |it| Entry { fifo: Some(it), ..plain() }),
        2 => path().prop_map(move |it| Entry { whiteout: Some(it), ..plain() }),
        2 => path().prop_map(move |it| Entry { opaque: Some(it), ..plain() }),
    ]
}

/// Layers of such entries.
pub(crate) fn layers() -> impl Strategy<Value = Vec<Layer>> {
    let layer = proptest::collection::vec(entry(), 0..12).prop_map(|entries| Layer { entries, ..Layer::default() });
    proptest::collection::vec(layer, 1..5)
}
