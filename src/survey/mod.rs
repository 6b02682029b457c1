//! Runs the producers over one target and joins their results into facts.
//!
//! Invariant: the same bytes and the same environment give the same facts, in the same order.

mod alternatives;
mod binding;
mod bindings;
mod blas;
mod build_records;
mod builder;
mod catalogue;
mod chooser;
mod copies;
mod environment;
mod fabric;
mod fabric_of_site;
mod foresight;
mod hazards;
mod hdf5;
mod host;
mod imports;
mod job;
mod knowledge;
mod launcher;
mod ledger;
mod libraries;
mod load_map;
mod macos;
mod macos_facts;
mod mapped;
mod module_map;
mod mpi;
mod objects;
mod openmp;
mod order;
mod packages;
mod relations;
mod remedies;
mod runtimes;
mod seen;
mod session;
mod settings;
mod site;
mod tools;
mod tracing;
mod trial;
mod undefined;
mod undescribed;
mod unknown;
mod verification;
mod why;
mod why_module;
mod world;

use crate::base::{Gap, TreePath, Variables};
use crate::discover::{self, DiscoverError, Installation, Start};
use crate::facts::{Choice, Environment, Fact, Facts, Package, Process as ProcessFacts, SCHEMA};
use crate::loader::CpuLevel;
use crate::tree::View;

use builder::Builder;
use ledger::Ledger;
use session::Session;
use world::World;

pub use alternatives::Alternative;
pub use fabric_of_site::{Fabric, Unsure, join_fabric};
pub use foresight::AuditForesight;
pub use host::{Host, HostError};
pub use job::{
    ImageEnvironment, Interpreter, JobKnowledge, JobQuestion, JobReading, StartedImage, entrypoint_variables,
    home_in_image, image_environment, read_job,
};
pub use knowledge::{Knowledge, SiteFiles};
pub use load_map::{Alone, AloneMap, Event, FailedImport, Landmarks, LoadMap, Mapped, Unmet, alone_map, load_map};
pub use module_map::{ModuleMap, ModuleStep, module_map};
pub use remedies::Remedy;
pub use seen::{NoSample, Recognised, Sampled, seen};
pub use why::{Found, Hunt, Way, Why, why};

/// What is asked about a target.
#[derive(Debug, Clone)]
pub struct Question {
    /// The target as the user wrote it.
    pub target: String,
    /// Where to look.
    pub start: Start,
    /// Imports in order; empty asks for the default process.
    pub imports: Vec<String>,
    /// Packages that the default process imports before the others, in this order.
    pub first: Vec<String>,
    /// The environment of the process.
    pub variables: Variables,
    /// The CPU of the process.
    pub cpu: CpuLevel,
    /// The launcher to compare with; else the first on PATH.
    pub launcher: Option<TreePath>,
    /// What is known of the image that the view shows; `None` where it shows none.
    pub image: Option<ImageFacts>,
    /// Another glibc that the process might meet: `2.28`.
    pub libc: Option<String>,
    /// Whether shared objects are compared with the digests in the records of who installed them.
    pub verify_files: bool,
}

/// An image of a container, beside its files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// Its own environment.
    pub env: ImageEnvironment,
    /// What its entrypoint sets otherwise.
    pub entrypoint: ImageEnvironment,
    /// What of its files could not be read.
    pub gaps: Vec<Gap>,
}

/// The facts of every Python at the target.
///
/// # Errors
/// When there is nothing to look at.
pub fn survey(view: &View, know: &Knowledge, question: &Question) -> Result<Vec<Facts>, DiscoverError> {
    survey_beside(view, know, question, None)
}

/// The facts of every Python at the target, held against the host that starts it.
///
/// # Errors
/// When there is nothing to look at.
pub fn survey_beside(
    view: &View,
    know: &Knowledge,
    question: &Question,
    host: Option<&Host>,
) -> Result<Vec<Facts>, DiscoverError> {
    let image = question.image.as_ref();
    let of_image = image.iter().flat_map(|it| [&it.gaps, &it.env.gaps, &it.entrypoint.gaps]);
    let mut gaps: Vec<Gap> = of_image.flatten().cloned().collect();
    let installations = discover::find(view, &question.start, &question.variables, &mut gaps)?;
    let several = installations.len() > 1;
    let one = |it: &Installation| {
        let target = if several { format!("{}: {}", question.target, it.prefix) } else { question.target.clone() };
        World::with(view, know, it, question, gaps.clone(), |world| {
            let mut facts = facts_of(world, target);
            if let Some(host) = host {
                host.join_world(&mut facts, world);
            }
            facts
        })
    };
    Ok(installations.iter().map(one).collect())
}

fn facts_of(world: &World<'_>, target: String) -> Facts {
    let mut ledger = Ledger::with(&world.gaps);
    let mut session = world.session();
    let imports = world.imports();
    for import in &imports {
        session.import_as_asked(import);
    }
    session.weigh_alternatives();
    let without = world.without_library_path(&imports);
    let alone = world.alone();
    let mut owners = discover::Owners::new(world.view, world.installation);
    let mut builder = Builder { session: &session, ledger: &mut ledger, owners: &mut owners };

    let packages = builder.package_facts(&imports);
    let packages = builder.unless_hidden(packages, world.hidden_packages.as_ref());
    let objects = builder.object_facts(world.interpreter());
    let objects = builder.unless_hidden(objects, world.hidden_objects.as_ref());
    let needs = builder.needs(&alone);
    let needs = builder.unless_hidden(needs, world.hidden_objects.as_ref());
    let missing_versions = builder.missing_versions();
    let launcher = launcher::launcher(
        world.catalogue,
        world.question.launcher.as_ref(),
        &world.question.variables,
        world.system.as_ref().ok(),
        builder.ledger,
    );
    let process = process_facts(&mut builder, world, &imports, &packages, &launcher, &alone, without.as_ref());
    let (verified_files, altered_packages) = builder.verified(world);
    let mut environment = environment_facts(&mut builder, world, launcher);
    (environment.verified_files, environment.altered_packages) = (verified_files, altered_packages);
    let mut facts = Facts {
        schema: SCHEMA.to_owned(),
        target,
        environment,
        packages,
        objects,
        needs,
        missing_versions,
        process,
        job: None,
        host: None,
        evidence: Vec::new(),
        gaps: Vec::new(),
    };
    for gap in session.gaps.iter().chain(&world.catalogue.take_gaps()).chain(&world.closed()) {
        ledger.gap(gap);
    }
    if let Some(gap) = &world.hidden_libraries {
        unknown::hide_process(&mut facts, ledger.gap(gap));
    }
    if let Err(gap) = &world.system {
        let mut builder = Builder { session: &session, ledger: &mut ledger, owners: &mut owners };
        unknown::hide_process(&mut facts, builder.ledger.gap(gap));
        macos_facts::fill(&mut builder, world, &mut facts);
    }
    (facts.evidence, facts.gaps) = ledger.finish();
    facts
}

fn process_facts(
    builder: &mut Builder<'_, '_>,
    world: &World<'_>,
    imports: &[String],
    packages: &Fact<Vec<Package>>,
    launcher: &crate::facts::Launcher,
    alone: &[(TreePath, crate::loader::Process<'_>)],
    without: Option<&crate::loader::Process<'_>>,
) -> ProcessFacts {
    let mut mpi = builder.mpi_uses();
    let mut hdf5 = builder.hdf5_uses();
    let mpi_agreement = builder.relate(&mut mpi, &mut hdf5, launcher);
    let answers = bindings::answers(builder.session);
    let shared_sonames = builder.shared_sonames(alone);
    let (blas, lapack) = (builder.blas_uses("blas"), builder.blas_uses("lapack"));
    let build_claims = builder.build_claims(&[&blas, &lapack], &mpi, &hdf5);
    let demands = builder.demands(world.question.libc.as_deref());
    let order_effects = builder.order_effects(world, imports, &answers, alone, &shared_sonames);
    ProcessFacts {
        imports: Fact::known(imports.to_vec(), Vec::new()),
        import_failures: imports::failures(builder, imports, packages),
        blas,
        lapack,
        openmp: builder.openmp_runtimes(),
        fabrics: builder.fabric_uses(&mpi),
        libraries: builder.loaded_libraries(),
        duplicates: builder.duplicates(),
        mpi_agreement,
        shared_sonames,
        overrides: builder.overrides(without),
        preloads: builder.preloads(world.system.as_ref().ok().and_then(|it| it.preload_file.as_ref())),
        choices: choices(builder),
        captures: builder.captures(&answers),
        bindings: builder.bindings(&answers),
        order_effects,
        undefined_symbols: builder.undefined_symbols(alone),
        fatal_hits: builder.fatal_hits(alone),
        cut_rpaths: builder.cut_rpaths(),
        cpu_variants: builder.cpu_variants(world, imports),
        build_claims,
        mapped: demands.mapped,
        libc_needed: demands.libc,
        libcxx_needed: demands.libcxx,
        libc_needs: demands.needs,
        runtime_needs: demands.runtimes,
        mpi,
        hdf5,
    }
}

fn environment_facts(
    builder: &mut Builder<'_, '_>,
    world: &World<'_>,
    launcher: crate::facts::Launcher,
) -> Environment {
    let site = builder.session.site;
    let in_user_site = site.packages.iter().filter(|it| it.origin == discover::Origin::User);
    let audited = in_user_site.filter(|it| world.know.packages.of_import(&it.name).is_some());
    let user_packages = audited.map(|it| it.name.clone()).collect();
    let variables = &world.question.variables;
    Environment {
        python: environment::python(world.installation, builder.ledger),
        libc: environment::libc(world.system.as_ref(), world.question.libc.as_deref(), builder.ledger),
        user_site: environment::user_site(world.installation, user_packages, builder.ledger),
        variables: environment::variables(variables, &world.know.variables, builder.ledger),
        search_directories: environment::search_directories(
            world.view,
            variables,
            Some(&builder.session.process),
            builder.ledger,
        ),
        launcher,
        defects: environment::defects(world.installation, builder.ledger),
        fabric: Fact::known("unsaid".to_owned(), Vec::new()),
        image_env: match &world.question.image {
            Some(image) => image.env.fact(builder.ledger).map(Some),
            None => Fact::known(None, Vec::new()),
        },
        activation: environment::activation(world, builder.ledger),
        verified_files: Fact::known(None, Vec::new()),
        altered_packages: Fact::known(Vec::new(), Vec::new()),
    }
}

fn choices(builder: &mut Builder<'_, '_>) -> Fact<Vec<Choice>> {
    let mut list = Vec::new();
    for chosen in builder.session.choices.clone() {
        let id = builder
            .ledger
            .note(&TreePath::root(), format!("{} picks by itself: {}", chosen.package, chosen.decided_by));
        list.push(Choice {
            package: chosen.package,
            capability: chosen.capability,
            candidates: chosen.candidates,
            picked: Fact::known(chosen.picked, vec![id]),
            file: Fact::known(chosen.file.map(|it| it.text()), vec![id]),
            shadows: Fact::known(chosen.shadows.as_ref().map(|(path, _)| path.text()), vec![id]),
            shadows_via: Fact::known(chosen.shadows.map_or("none", |(_, via)| via.word()).to_owned(), vec![id]),
            decided_by: Fact::known(chosen.decided_by, vec![id]),
        });
    }
    Fact::known(list, Vec::new())
}

/// Performs the imports of a question in one process that keeps every candidate that was passed over.
fn performed<'a>(world: &'a World<'a>) -> Session<'a> {
    let mut session = world.session_with_probes();
    for import in world.imports() {
        session.import_as_asked(&import);
    }
    session
}
