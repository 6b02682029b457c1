//! Facts for the report tests: everything known and empty, to be filled in by a case.

use pyhpc_audit::facts::*;
use pyhpc_audit::rules::{Finding, Severity, Undecided};

pub(crate) fn known<T>(value: T) -> Fact<T> {
    Fact::known(value, vec![])
}

pub(crate) fn text(value: &str) -> Fact<String> {
    known(value.to_owned())
}

pub(crate) fn file(path: &str) -> Fact<Option<String>> {
    known(Some(path.to_owned()))
}

pub(crate) fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|it| (*it).to_owned()).collect()
}

pub(crate) fn gap(path: &str, stage: &str, reason: &str, hides: &str) -> Gap {
    Gap { path: path.into(), stage: stage.into(), reason: reason.into(), hides: hides.into() }
}

pub(crate) fn at_offset(path: &str, offset: u64, text: &str) -> Evidence {
    Evidence { path: path.into(), offset: Some(offset), text: text.into(), ..Evidence::default() }
}

pub(crate) fn at_line(path: &str, line: u32, text: &str) -> Evidence {
    Evidence { path: path.into(), line: Some(line), text: text.into(), ..Evidence::default() }
}

pub(crate) fn seen(path: &str, text: &str) -> Evidence {
    Evidence { path: path.into(), text: text.into(), ..Evidence::default() }
}

pub(crate) fn finding(
    severity: Severity,
    rule: &str,
    subject: &str,
    message: &str,
    evidence: Vec<Evidence>,
    fix: &str,
) -> Finding {
    Finding {
        rule: rule.into(),
        severity,
        subject: subject.into(),
        message: message.into(),
        evidence,
        corrections: Vec::new(),
        fix: fix.into(),
        fingerprint: format!("{:0>16x}", rule.len() * 7919 + subject.len() * 104_729),
        waived: None,
        in_baseline: false,
    }
}

pub(crate) fn undecided(rule: &str, subject: &str, missing: &[&str]) -> Undecided {
    Undecided { rule: rule.into(), subject: subject.into(), missing: words(missing) }
}

pub(crate) fn package(name: &str, version: &str, site: &str, installer: &str) -> Package {
    Package {
        name: name.into(),
        distribution: name.into(),
        version: text(version),
        location: format!("{site}/{name}"),
        origin: "site".into(),
        audited: true,
        active: true,
        imported: true,
        copies: known(vec![]),
        installer: text(installer),
        managers: known(words(&[installer])),
        recorded_versions: known(words(&[version])),
        editable: known(false),
        source: text("index"),
        build: text("cp311-cp311-manylinux_2_28_x86_64"),
        build_options: known(vec![]),
        local_build: known(false),
        numpy_api: text("2"),
        numpy_major: text("2"),
    }
}

pub(crate) fn object(path: &str, package: &str) -> Object {
    Object {
        path: path.into(),
        package: package.into(),
        distribution: package.into(),
        role: "extension".into(),
        state: text("ok"),
        machine: text("x86_64"),
        python_machine: text("x86_64"),
        abi_tag: text("cpython-311-x86_64-linux-gnu"),
        abi_matches: known(true),
        has_matching_sibling: known(false),
        in_process: known(true),
        readable_by_others: known(true),
        debug_marks: known(vec![]),
        executable_stack: text("no"),
    }
}

pub(crate) fn openblas(user: &str, lib: &str, interface: &str, version: &str) -> BlasUse {
    BlasUse {
        user: user.into(),
        vendor: text("openblas"),
        version: text(version),
        interface: text(interface),
        threading: text("pthreads"),
        client_interface: text(interface),
        lib: file(lib),
        kernels: file(lib),
        extension: String::new(),
        decided_by: known(vec![]),
        missing_parts: known(vec![]),
        defects: known(vec![]),
        installed_by: text("pip"),
    }
}

pub(crate) fn mpi(user: &str, vendor: &str, version: &str, lib: &str) -> MpiUse {
    MpiUse {
        user: user.into(),
        vendor: text(vendor),
        version: text(version),
        abi: text(if vendor == "openmpi" { "openmpi" } else { "mpich" }),
        gpu: text("none"),
        soname: file("libmpi.so"),
        lib: file(lib),
        extension: String::new(),
        wanted: known(true),
        missing: known(vec![]),
        launcher_agreement: text("same"),
        mpi4py_agreement: text("same"),
        installed_by: text("spack"),
        found_by: text("rpath"),
    }
}

pub(crate) fn hdf5(user: &str, version: &str, lib: &str, mpi_vendor: &str) -> Hdf5Use {
    Hdf5Use {
        user: user.into(),
        version: text(version),
        parallel: known(mpi_vendor != "none"),
        soname: file("libhdf5.so"),
        lib: file(lib),
        extension: String::new(),
        client_parallel: known(mpi_vendor != "none"),
        headers_version: text(version),
        headers_agreement: text("same"),
        mpi_vendor: text(mpi_vendor),
        mpi_lib: known(None),
        mpi4py_agreement: text("none"),
        tools: text("none"),
        installed_by: text("pip"),
    }
}

pub(crate) fn openmp(family: &str, path: &str, package: &str) -> OpenmpRuntime {
    OpenmpRuntime { family: text(family), path: path.into(), needed_by: String::new(), package: package.into() }
}

pub(crate) fn launcher(path: &str, vendor: &str, version: &str, abi: &str) -> Launcher {
    let pmi = known(vec![]);
    Launcher { path: file(path), vendor: text(vendor), version: text(version), abi: text(abi), pmi }
}

/// A venv at `prefix` that imports `imports` and uses nothing.
pub(crate) fn facts(prefix: &str, imports: &[&str]) -> Facts {
    let site = format!("{prefix}/lib/python3.11/site-packages");
    let packages = imports.iter().map(|it| package(it, "1.0", &site, "pip")).collect();
    Facts {
        schema: SCHEMA.into(),
        target: prefix.into(),
        environment: Environment {
            python: Python {
                version: text("3.11.7"),
                implementation: text("cpython"),
                soabi: text("cpython-311-x86_64-linux-gnu"),
                kind: text("venv"),
                executable: text("/usr/bin/python3.11"),
                prefix: text(prefix),
                base_prefix: text("/usr"),
                debug: known(false),
                path: known(vec![
                    PathEntry { path: "/usr/lib/python3.11".into(), origin: "stdlib".into() },
                    PathEntry { path: site, origin: "site".into() },
                ]),
            },
            libc: Libc { family: text("glibc"), version: text("2.36"), asked: known(None) },
            user_site: UserSite {
                directory: known(None),
                enabled: known(true),
                packages: known(vec![]),
                empty: known(true),
            },
            variables: known(vec![]),
            search_directories: known(vec![]),
            launcher: Launcher { path: known(None), ..launcher("", "none", "none", "none") },
            defects: known(vec![]),
            fabric: known("unsaid".to_owned()),
            image_env: known(None),
            activation: known(vec![]),
            verified_files: known(None),
            altered_packages: known(vec![]),
        },
        packages: known(packages),
        objects: known(vec![]),
        needs: known(vec![]),
        missing_versions: known(vec![]),
        process: Process {
            imports: known(words(imports)),
            import_failures: known(vec![]),
            blas: known(vec![]),
            lapack: known(vec![]),
            mpi: known(vec![]),
            hdf5: known(vec![]),
            openmp: known(vec![]),
            libraries: known(vec![]),
            duplicates: Duplicates {
                blas: known(vec![]),
                hdf5: known(vec![]),
                mpi: known(vec![]),
                openmp: known(vec![]),
            },
            mpi_agreement: text("none"),
            shared_sonames: known(vec![]),
            overrides: known(vec![]),
            preloads: known(vec![]),
            choices: known(vec![]),
            bindings: known(vec![]),
            captures: known(vec![]),
            undefined_symbols: known(vec![]),
            order_effects: known(vec![]),
            fatal_hits: known(vec![]),
            cut_rpaths: known(vec![]),
            cpu_variants: known(vec![]),
            build_claims: known(vec![]),
            mapped: known(vec![]),
            libc_needed: known(None),
            libcxx_needed: known(None),
            fabrics: known(vec![]),
            libc_needs: known(vec![]),
            runtime_needs: known(vec![]),
        },
        job: None,
        host: None,
        evidence: vec![],
        gaps: vec![],
    }
}
