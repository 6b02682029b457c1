//! What nothing can be said about when no process can start.

use crate::facts::{Duplicates, Fact, Facts, GapId, Process};

/// Makes every fact about the process unknown.
pub(super) fn hide_process(facts: &mut Facts, gap: GapId) {
    facts.process = Process {
        imports: facts.process.imports.clone(),
        import_failures: Fact::unknown(gap),
        blas: Fact::unknown(gap),
        lapack: Fact::unknown(gap),
        mpi: Fact::unknown(gap),
        hdf5: Fact::unknown(gap),
        openmp: Fact::unknown(gap),
        fabrics: Fact::unknown(gap),
        libraries: Fact::unknown(gap),
        duplicates: Duplicates {
            blas: Fact::unknown(gap),
            hdf5: Fact::unknown(gap),
            mpi: Fact::unknown(gap),
            openmp: Fact::unknown(gap),
        },
        mpi_agreement: Fact::unknown(gap),
        shared_sonames: Fact::unknown(gap),
        overrides: Fact::unknown(gap),
        preloads: Fact::unknown(gap),
        choices: Fact::unknown(gap),
        bindings: Fact::unknown(gap),
        captures: Fact::unknown(gap),
        undefined_symbols: Fact::unknown(gap),
        order_effects: Fact::unknown(gap),
        fatal_hits: Fact::unknown(gap),
        cut_rpaths: Fact::unknown(gap),
        cpu_variants: Fact::unknown(gap),
        build_claims: Fact::unknown(gap),
        mapped: Fact::unknown(gap),
        libc_needed: Fact::unknown(gap),
        libcxx_needed: Fact::unknown(gap),
        libc_needs: Fact::unknown(gap),
        runtime_needs: Fact::unknown(gap),
    };
    facts.needs = Fact::unknown(gap);
    facts.missing_versions = Fact::unknown(gap);
    if let Fact::Known { value: objects, .. } = &mut facts.objects {
        for object in objects {
            object.in_process = Fact::unknown(gap);
        }
    }
}
