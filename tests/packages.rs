//! Package descriptions against the layouts in which they were seen: every extension of a `[[seen]]` block is one that an
//! import loads or that binds a library.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use pyhpc_audit::base::{TextFile, builtin_files};
use pyhpc_audit::identify::{ExtensionImports, PackageRule, Packages, matches_any};

fn packages() -> Packages {
    Packages::load(&builtin_files("packages")).unwrap()
}

fn globs(rule: &PackageRule) -> Vec<String> {
    let loads = rule.loads.iter().flat_map(|it| it.extensions.iter().chain(&it.also));
    let binds = rule.binds.iter().flat_map(|it| &it.extensions);
    let variants = rule.choice.iter().flat_map(|choice| {
        let of =
            |variant: &String| choice.extensions.iter().map(|it| it.replace("{variant}", variant)).collect::<Vec<_>>();
        choice.variants.iter().flat_map(of).collect::<Vec<_>>()
    });
    loads.chain(binds).cloned().chain(variants).collect()
}

#[test]
fn every_layout_that_was_seen_is_described() {
    let packages = packages();
    for rule in packages.iter() {
        assert!(!rule.seen.is_empty(), "{} was seen nowhere", rule.import);
        for seen in &rule.seen {
            for extension in &seen.extensions {
                let known = matches_any(&globs(rule), extension.as_bytes());
                assert!(known, "{}: {extension} of {} is neither loaded nor bound", rule.import, seen.place);
            }
        }
    }
}

#[test]
fn what_a_package_requires_and_imports_is_described() {
    let packages = packages();
    for rule in packages.iter() {
        for import in rule.requires.iter().chain(&rule.default_imports) {
            let other =
                packages.of_import(import).unwrap_or_else(|| panic!("{}: nobody describes {import}", rule.import));
            assert!(other.loads_of(import).is_some(), "{}: nothing is said of what import {import} loads", rule.import);
        }
    }
}

#[test]
fn the_default_order_is_that_of_the_interface() {
    let order: Vec<String> = packages().iter().take(4).map(|it| it.import.clone()).collect();
    assert_eq!(order, ["numpy", "scipy", "mpi4py", "h5py"]);
}

#[test]
fn the_longest_name_decides_what_an_import_loads() {
    let packages = packages();
    let scipy = packages.of_import("scipy.linalg.blas").unwrap();
    assert_eq!(scipy.loads_of("scipy.linalg.blas").unwrap().import, "scipy.linalg");
    assert_eq!(scipy.loads_of("scipy.stats").unwrap().import, "scipy");
    assert_eq!(scipy.loads_of("scipyx").map(|it| it.import.clone()), None);
}

#[test]
fn a_misspelt_key_is_named_with_its_place() {
    let text = "title = 'x'\nimport = 'x'\ndistribution = 'x'\ndefault_imports = []\nrequire = ['numpy']\n";
    let file = TextFile { path: "site/packages/x.toml".to_owned(), stem: "x".to_owned(), text: text.to_owned() };
    let error = Packages::load(&[file]).unwrap_err().to_string();
    assert!(error.starts_with("site/packages/x.toml:5:1: unknown field `require`"), "{error}");
    assert!(error.ends_with("did you mean `requires`?"), "{error}");
}

#[test]
fn what_an_extension_imports_may_depend_on_its_text_on_python_and_on_another_package() {
    let text = r#"
        [[extension]]
        extensions = ["a.*"]
        imports = ["always"]
        source = "test"

        [[extension]]
        extensions = ["a.*"]
        mentions = ["told"]
        imports = ["where_told"]
        source = "test"

        [[extension]]
        extensions = ["a.*"]
        before_python = "3.8"
        imports = ["before_3_8"]
        source = "test"

        [[extension]]
        extensions = ["a.*"]
        with_extension = "c.compiled"
        imports = ["with_c"]
        source = "test"
    "#;
    let described: ExtensionImports = toml::from_str(text).unwrap();
    let of = |python: &str, told: &str, compiled: &str| {
        described.of("a.b", python, |it| it == told, |it| it == compiled).join(" ")
    };
    assert_eq!(of("3.11", "", ""), "always");
    assert_eq!(of("3.7", "", ""), "always before_3_8");
    assert_eq!(of("3.11", "told", "c.compiled"), "always where_told with_c");
    assert_eq!(described.of("b", "3.7", |_| true, |_| true), Vec::<String>::new());
}
