//! Lists of hosts as schedulers write them: `cn[001-128,130],gpu1`.

use std::collections::BTreeSet;

/// Most hosts that one list stands for; more are not told apart.
const MAX_HOSTS: usize = 1 << 17;

/// Every host of a list, as far as there is room.
pub(super) fn expand(list: &str) -> BTreeSet<String> {
    let mut hosts = BTreeSet::new();
    for word in words(list) {
        let mut names = vec![String::new()];
        let mut rest = word;
        while let Some((before, tail)) = rest.split_once('[') {
            let (ranges, after) = tail.split_once(']').unwrap_or((tail, ""));
            let numbers: Vec<String> = ranges.split(',').flat_map(range).take(MAX_HOSTS).collect();
            names = names
                .iter()
                .flat_map(|name| numbers.iter().map(move |number| format!("{name}{before}{number}")))
                .take(MAX_HOSTS)
                .collect();
            rest = after;
        }
        let room = MAX_HOSTS.saturating_sub(hosts.len());
        hosts.extend(names.into_iter().take(room).map(|it| it + rest).filter(|it| !it.is_empty()));
    }
    hosts
}

/// Globs over hosts: `cn[0-9]*` for names that go on with a digit after the same letters.
pub(super) fn globs(hosts: &BTreeSet<String>) -> BTreeSet<String> {
    let glob = |host: &String| match stem(host) {
        stem if stem.len() < host.len() && !stem.is_empty() => format!("{stem}[0-9]*"),
        _ => host.clone(),
    };
    hosts.iter().map(glob).collect()
}

/// The first letters of a list: `cn`.
pub(super) fn stem(list: &str) -> &str {
    let end = list.find(|it: char| it == '[' || it == ',' || it.is_ascii_digit()).unwrap_or(list.len());
    list.get(..end).unwrap_or_default()
}

/// Splits at commas outside brackets.
fn words(list: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let separator = move |it: char| {
        match it {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        it == ',' && depth == 0
    };
    list.split(separator).map(str::trim).filter(|it| !it.is_empty()).collect()
}

/// `001-003`: 001, 002, 003.
fn range(text: &str) -> Vec<String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |it: &str| it.parse::<usize>();
    match (number(first), number(last)) {
        (Ok(low), Ok(high)) if low <= high => {
            let width = first.len();
            (low..=high).take(MAX_HOSTS).map(|it| format!("{it:0width$}")).collect()
        }
        (Ok(_) | Err(_), Ok(_) | Err(_)) => vec![text.to_owned()],
    }
}
