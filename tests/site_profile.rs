//! `site-profile`: the profile that files of a machine make, beside the text that a person reviewed; `UPDATE=1` rewrites it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use pyhpc_audit::base::{TextFile, builtin_files};
use pyhpc_audit::site::{Inventories, Selection, Site};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/site/machine")
}

fn text_file(path: &str, text: String) -> TextFile {
    let stem = path.split('.').next().unwrap_or_default().to_owned();
    TextFile { path: path.to_owned(), stem, text }
}

fn inventories() -> Inventories {
    Inventories::load(&builtin_files("inventories")).unwrap()
}

fn file(name: &str) -> TextFile {
    match name {
        "epyc.xml" => text_file(name, topology()),
        _ => text_file(name, fs::read_to_string(folder().join(name)).unwrap()),
    }
}

/// Two packages of 64 cores in four NUMA domains each, two threads per core, as `lstopo --of xml` of hwloc 2 writes them.
fn topology() -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n<topology version=\"2.0\">\n \
         <object type=\"Machine\" os_index=\"0\">\n  <info name=\"HostName\" value=\"cn001\"/>\n",
    );
    for package in 0..2 {
        writeln!(text, "  <object type=\"Package\" os_index=\"{package}\">").unwrap();
        text.push_str("   <info name=\"CPUModel\" value=\"AMD EPYC 7742 64-Core Processor\"/>\n");
        for domain in 0..4 {
            let index = package * 4 + domain;
            writeln!(text, "   <object type=\"Group\">\n    <object type=\"NUMANode\" os_index=\"{index}\" local_memory=\"33616494592\"/>").unwrap();
            for core in 0..16 {
                let cpu = index * 16 + core;
                writeln!(text, "    <object type=\"Core\" os_index=\"{cpu}\">").unwrap();
                writeln!(
                    text,
                    "     <object type=\"PU\" os_index=\"{cpu}\"/><object type=\"PU\" os_index=\"{}\"/>",
                    cpu + 128
                )
                .unwrap();
                text.push_str("    </object>\n");
            }
            text.push_str("   </object>\n");
        }
        text.push_str("  </object>\n");
    }
    for card in 0..4 {
        writeln!(text, "  <object type=\"OSDev\" name=\"cuda{card}\" subtype=\"CUDA\" osdev_type=\"5\"/>").unwrap();
    }
    text.push_str(" </object>\n</topology>\n");
    text
}

#[track_caller]
fn check(case: &str, names: &[&str]) -> Site {
    let files: Vec<TextFile> = names.iter().map(|it| file(it)).collect();
    let text = inventories().profile(&files).unwrap_or_else(|error| panic!("{error}"));
    let expected = folder().join(format!("{case}.site.toml"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&expected, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&expected).unwrap_or_default(), "{case}: UPDATE=1 rewrites it");
    Site::parse(&text_file("site.toml", text)).unwrap_or_else(|error| panic!("{error}"))
}

fn asked(partition: &str) -> Selection {
    Selection { partition: Some(partition.to_owned()), ..Selection::default() }
}

#[test]
fn settings_of_a_cluster_give_its_kinds_of_nodes() {
    let site = check("settings", &["slurm.conf"]);
    let cores = |partition: &str| site.node(&asked(partition)).unwrap().cores.as_ref().map(|it| it.value);
    assert_eq!((cores("standard"), cores("short"), cores("gpu")), (Some(120), Some(120), Some(128)));
    assert_eq!(site.node(&Selection::default()).unwrap().name, "cn");
    assert_eq!(site.scheduler.autobind.as_ref().map(|it| it.value.as_str()), Some("cores"));
}

#[test]
fn a_topology_fills_in_what_the_scheduler_does_not_know() {
    let site = check(
        "settings-and-topology",
        &["scontrol-config.txt", "scontrol-node.txt", "scontrol-partition.txt", "lscpu.txt"],
    );
    let node = site.node(&asked("standard")).unwrap();
    assert_eq!(node.isa.as_ref().map(|it| it.value.as_str()), Some("x86-64-v3"));
    assert_eq!((node.cores.as_ref().map(|it| it.value), node.numa.as_ref().map(|it| it.value)), (Some(120), Some(8)));
    assert_eq!(site.scheduler.task_plugins.as_ref().map(|it| it.value.len()), Some(0));
    assert_eq!(site.scheduler.version.as_ref().map(|it| it.value.as_str()), Some("23.11.8"));
}

#[test]
fn a_machine_alone_is_a_node() {
    check("machine", &["epyc.xml"]);
    check("machine-arm", &["lscpu.json"]);
}

#[test]
fn a_listing_of_nodes_says_what_it_does_not_know() {
    let site = check("listing", &["pbsnodes.json"]);
    let node = site.node(&Selection::default()).unwrap();
    assert_eq!((node.cores.as_ref(), node.gpus.as_ref().map(|it| it.value)), (None, Some(6)));
}

#[test]
fn other_files_are_refused_by_name() {
    for text in ["", "hello", "{}", "<html/>", "<topology><object type=\"Core\">", "[node.x]\ncores = 1\n"] {
        let error = inventories().profile(&[text_file("x.txt", text.to_owned())]).unwrap_err();
        assert!(error.to_string().starts_with("x.txt: "), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn whatever_the_files_hold_a_profile_comes_out(
        name in "[^\n]{0,12}", value in "\\PC{0,24}", number in any::<u64>(), list in "[a-c0-9,\\[\\]-]{0,24}",
    ) {
        let text = format!(
            "ClusterName={value}\nTaskPlugin={value}\nNodeName={name} Sockets={number} CoresPerSocket={number} \
             ThreadsPerCore={value} Feature={value}\nNodeName={list} RealMemory={number} Gres=gpu:{list}\n\
             PartitionName={value} Nodes={list} Default=YES\n"
        );
        let lscpu = format!("Socket(s): {number}\nCore(s) per socket: {number}\nModel name: {value}\nFlags: {value}\nArchitecture: {name}\n");
        let files = [text_file(&format!("{value}.conf"), text), text_file(&value, lscpu)];
        let profile = inventories().profile(&files).unwrap();
        prop_assert!(Site::parse(&text_file("site.toml", profile.clone())).is_ok(), "{}", profile);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,400}") {
        for begin in ["", "<topology>", "{\"lscpu\": [", "NodeName="] {
            if let Ok(profile) = inventories().profile(&[text_file("x", format!("{begin}{text}"))]) {
                prop_assert!(Site::parse(&text_file("site.toml", profile)).is_ok());
            }
        }
    }
}
