//! From what the user typed to a view, a place to start and the environment of the process.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};

use super::args::{CheckArgs, ProcessArgs, TargetArgs};
use super::config::Configured;
use super::image::{self, ImageTarget};
use crate::base::{TreePath, Variables};
use crate::discover::Start;
use crate::facts::{Facts, FactsError};
use crate::loader::CpuLevel;
use crate::report::quoted;
use crate::rules::nearest;
use crate::survey::{ImageFacts, Question};
use crate::tree::{Archive, HostTree, View};

/// Largest facts file, in bytes.
const FACTS_BYTES: u64 = 256 << 20;

/// Something to audit.
#[derive(Clone)]
pub(super) enum Target {
    /// A Python to look for.
    Python(Box<Question>),
    /// The Pythons of an image.
    Image(ImageTarget, Box<Question>),
    /// Facts that were saved before.
    Saved(Box<Facts>),
}

/// The view and the targets of one run.
pub(super) struct Targets {
    /// This machine, or the root.
    pub(super) view: Arc<View>,
    /// What a process finds set there.
    pub(super) variables: Variables,
    pub(super) list: Vec<Target>,
}

/// A question with the view that answers it.
pub(super) struct Opened {
    pub(super) view: Arc<View>,
    pub(super) question: Question,
}

/// Reads the arguments.
///
/// # Errors
/// When a root, file or variable is not what the arguments say.
pub(super) fn targets(paths: &[PathBuf], args: &TargetArgs, configured: &Configured) -> Result<Targets> {
    let root = root(args, configured)?;
    let variables = variables(&args.process, root.variables, root.is_rooted)?;
    let mut list = Vec::new();
    for path in paths {
        if let (false, Some(facts)) = (root.is_rooted, saved(path)?) {
            list.push(Target::Saved(Box::new(facts)));
            continue;
        }
        let inside = |it: &Path| inside(&root.view, it, root.is_rooted);
        let mut images = image::images(&root.view, path, args.tag.as_deref(), &inside)?;
        // A root that lies there unpacked would be searched with the libraries of this machine.
        if images.is_none() && Archive::is_root(&root.view, &inside(path)?) {
            let name = path.display().to_string();
            images = Some(vec![image::of_directory(&root.view, &inside(path)?, name)?]);
        }
        if let Some(images) = images {
            let variables = self::variables(&args.process, Variables::default(), true)?;
            for it in images {
                let question = question(it.name.clone(), Start::Root, &variables, args, true)?;
                list.push(Target::Image(it, Box::new(question)));
            }
            continue;
        }
        let start = Start::Path(inside(path)?);
        let question = question(path.display().to_string(), start, &variables, args, root.is_rooted)?;
        list.push(Target::Python(Box::new(question)));
    }
    if paths.is_empty() {
        list.push(Target::Python(Box::new(default_target(&variables, args)?)));
    }
    for it in &mut list {
        if let Target::Python(question) = it {
            question.image.clone_from(&root.image);
        }
    }
    Ok(Targets { view: root.view, variables, list })
}

/// What plays the root of the file system.
struct Root {
    view: Arc<View>,
    /// Whether it is not this machine's.
    is_rooted: bool,
    /// What an image sets.
    variables: Variables,
    image: Option<ImageFacts>,
}

fn root(args: &TargetArgs, configured: &Configured) -> Result<Root> {
    let host = || Arc::new(View::new(Box::new(HostTree::host())));
    let plain =
        |view: Arc<View>, is_rooted: bool| Root { view, is_rooted, variables: Variables::default(), image: None };
    let Some(root) = &args.root else { return Ok(plain(host(), false)) };
    let view = host();
    let found = image::images(&view, root, args.tag.as_deref(), &|it| inside(&view, it, false))?;
    match found.as_deref() {
        None => {
            let tree = HostTree::below(root).with_context(|| format!("could not read the root {}", root.display()))?;
            Ok(plain(Arc::new(View::new(Box::new(tree))), true))
        }
        Some([one]) => {
            let opened = one.open(configured)?;
            let (view, variables, image) = (opened.view, opened.variables, Some(opened.facts));
            Ok(Root { view, is_rooted: true, variables, image })
        }
        Some(several) => {
            let names: Vec<&str> = several.iter().map(|it| it.name.as_str()).collect();
            bail!("{} holds several images: choose one of {}", root.display(), names.join(", "))
        }
    }
}

impl Targets {
    /// Asks every target these questions too. Saved facts answer what they were asked when they were saved.
    pub(super) fn with(mut self, checks: &CheckArgs) -> Self {
        for target in &mut self.list {
            if let Target::Python(question) | Target::Image(_, question) = target {
                question.libc.clone_from(&checks.libc);
                question.verify_files = checks.verify_files;
            }
        }
        self
    }
}

impl Target {
    /// Whether it is an image.
    pub(super) fn is_image(&self) -> bool {
        matches!(self, Self::Image(..))
    }

    /// Whether it is one of several images that were not asked for by name.
    pub(super) fn is_one_of_several(&self) -> bool {
        matches!(self, Self::Image(it, _) if it.is_one_of_several)
    }

    /// The question, and the view that answers it. An image is read now; `None` for saved facts.
    ///
    /// # Errors
    /// When an image is damaged.
    pub(super) fn open(&self, view: &Arc<View>, configured: &Configured) -> Result<Option<Opened>> {
        match self {
            Self::Saved(_) => Ok(None),
            Self::Python(question) => Ok(Some(Opened { view: Arc::clone(view), question: (**question).clone() })),
            Self::Image(target, question) => {
                let opened = target.open(configured)?;
                let mut question = (**question).clone();
                let asked = std::mem::replace(&mut question.variables, opened.variables);
                question.variables.extend(asked);
                question.image = Some(opened.facts);
                Ok(Some(Opened { view: opened.view, question }))
            }
        }
    }
}

/// The arguments that ask about the same process again, as a shell reads them. `image` is what paths lie in, where that is
/// not said by --root.
pub(super) fn repeated(args: &TargetArgs, image: Option<&str>, target: Option<&Path>) -> String {
    let process = &args.process;
    let mut words: Vec<String> = Vec::new();
    let mut option = |name: &str, value: &str| words.extend([name.to_owned(), quoted(value)]);
    match (&args.root, image) {
        (Some(root), _) => option("--root", &root.display().to_string()),
        (None, Some(image)) => option("--root", image),
        (None, None) => {}
    }
    // An image that is named here bears its tag.
    if let Some(tag) = args.tag.as_ref().filter(|_| args.root.is_some() || image.is_none()) {
        option("--tag", tag);
    }
    process.env_file.iter().for_each(|it| option("--env-file", &it.display().to_string()));
    process.env.iter().for_each(|it| option("--env", it));
    if !process.import.is_empty() {
        option("--import", &process.import.join(","));
    }
    if let Some(level) = &process.cpu {
        option("--cpu", level);
    }
    if process.clean_env {
        words.push("--clean-env".to_owned());
    }
    words.extend(target.map(|it| quoted(&it.display().to_string())));
    words.join(" ")
}

fn default_target(variables: &Variables, args: &TargetArgs) -> Result<Question> {
    if let Some(root) = &args.root {
        return question(root.display().to_string(), Start::Root, variables, args, true);
    }
    let active =
        ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().find_map(|it| std::env::var_os(it).filter(|it| !it.is_empty()));
    match active {
        Some(prefix) => {
            let name = Path::new(&prefix).display().to_string();
            question(name, Start::Path(TreePath::new(prefix.as_bytes())), variables, args, false)
        }
        None => question("the active environment".to_owned(), Start::Active, variables, args, false),
    }
}

fn question(
    target: String,
    start: Start,
    variables: &Variables,
    args: &TargetArgs,
    is_rooted: bool,
) -> Result<Question> {
    let process = &args.process;
    let launcher = match &process.launcher {
        Some(path) if is_rooted => Some(TreePath::new(path.as_os_str().as_bytes())),
        Some(path) => Some(TreePath::new(absolute(path)?)),
        None => None,
    };
    let cpu = match &process.cpu {
        Some(level) => CpuLevel::parse(level).with_context(|| format!("unknown CPU level {level}"))?,
        None if is_rooted => CpuLevel::Baseline,
        None => host_cpu(),
    };
    let imports = process.import.iter().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect();
    Ok(Question {
        target,
        start,
        imports,
        first: Vec::new(),
        variables: variables.clone(),
        cpu,
        launcher,
        image: None,
        libc: None,
        verify_files: false,
    })
}

/// Facts files begin with a brace; no interpreter and no prefix does.
pub(super) fn saved(path: &Path) -> Result<Option<Facts>> {
    let Ok(metadata) = fs::metadata(path) else { return Ok(None) };
    if !metadata.is_file() {
        return Ok(None);
    }
    let open = || fs::File::open(path).with_context(|| format!("could not read {}", path.display()));
    let mut first = [0; 1];
    let count = open()?.read(&mut first).with_context(|| format!("could not read {}", path.display()))?;
    if count == 0 || first != *b"{" {
        return Ok(None);
    }
    if metadata.len() > FACTS_BYTES {
        bail!("{} is larger than {} MiB: no facts file", path.display(), FACTS_BYTES >> 20);
    }
    let mut text = String::new();
    open()?.read_to_string(&mut text).with_context(|| format!("could not read {}", path.display()))?;
    let facts = Facts::from_json(&text).map_err(|error| anyhow!("{error}{}", suggestion(&error)));
    facts.map(Some).with_context(|| format!("{} is no facts file", path.display()))
}

/// The nearest of the names that would be right.
fn suggestion(error: &FactsError) -> String {
    let FactsError::Field { name, known, .. } = error else { return String::new() };
    match nearest(name, known.iter().map(String::as_str)) {
        Some(name) => format!(": did you mean \"{name}\"?"),
        None => format!(": it has {}", known.join(", ")),
    }
}

/// A path as the view knows it. Links stay: `venv/bin/python` means the venv, not what it links to.
pub(super) fn inside(view: &View, path: &Path, rooted: bool) -> Result<TreePath> {
    let raw = if rooted { path.as_os_str().as_bytes().to_vec() } else { absolute(path)? };
    if !raw.split(|b| *b == b'/').any(|it| it == b"..") {
        return Ok(TreePath::new(&raw));
    }
    let trimmed: &[u8] = raw.strip_suffix(b"/").unwrap_or(&raw);
    let cut = trimmed.iter().rposition(|b| *b == b'/').unwrap_or(0);
    let (above, name) = trimmed.split_at(cut.min(trimmed.len()));
    let name = name.strip_prefix(b"/").unwrap_or(name);
    if name == b".." || name == b"." {
        return view.resolve(&raw).with_context(|| format!("could not read {}", path.display()));
    }
    let directory = view.resolve(above).with_context(|| format!("could not read {}", path.display()))?;
    Ok(directory.join(name))
}

fn absolute(path: &Path) -> Result<Vec<u8>> {
    let here = std::env::current_dir().context("could not read the working directory")?;
    Ok(here.join(path).into_os_string().into_vec())
}

fn variables(args: &ProcessArgs, mut variables: Variables, rooted: bool) -> Result<Variables> {
    if !args.clean_env && !rooted {
        for (name, value) in std::env::vars_os() {
            variables.set(name.into_vec(), value.into_vec(), "caller");
        }
    }
    for file in &args.env_file {
        let bytes = fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
        let separator = if bytes.contains(&0) { 0 } else { b'\n' };
        for (at, line) in bytes.split(|b| *b == separator).enumerate() {
            if line.is_empty() || (separator == b'\n' && line.starts_with(b"#")) {
                continue;
            }
            let origin = format!("{}:{}", file.display(), at + 1);
            set(&mut variables, line, &origin).with_context(|| origin.clone())?;
        }
    }
    for assignment in &args.env {
        set(&mut variables, assignment.as_bytes(), "--env").with_context(|| format!("--env {assignment}"))?;
    }
    Ok(variables)
}

fn set(variables: &mut Variables, assignment: &[u8], origin: &str) -> Result<()> {
    let at = assignment.iter().position(|b| *b == b'=').filter(|at| *at > 0);
    let Some((name, value)) = at.and_then(|at| assignment.split_at_checked(at)) else {
        let text: OsString = OsString::from_vec(assignment.to_vec());
        bail!("\"{}\" is no assignment: expected K=V", text.to_string_lossy());
    };
    variables.set(name, value.get(1..).unwrap_or_default(), origin);
    Ok(())
}

/// The hwcaps level of this machine; glibc's own list of features per level (sysdeps/x86/get-isa-level.h).
#[cfg(target_arch = "x86_64")]
fn host_cpu() -> CpuLevel {
    use std::arch::is_x86_feature_detected as has;
    let v2 = has!("cmpxchg16b") && has!("popcnt") && has!("sse3") && has!("ssse3") && has!("sse4.1") && has!("sse4.2");
    let v3 = v2 && has!("avx") && has!("avx2") && has!("bmi1") && has!("bmi2") && has!("f16c") && has!("fma");
    let v3 = v3 && has!("lzcnt") && has!("movbe");
    let v4 = v3 && has!("avx512f") && has!("avx512bw") && has!("avx512cd") && has!("avx512dq") && has!("avx512vl");
    match (v2, v3, v4) {
        (_, _, true) => CpuLevel::X86V4,
        (_, true, false) => CpuLevel::X86V3,
        (true, false, false) => CpuLevel::X86V2,
        (false, false, false) => CpuLevel::Baseline,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn host_cpu() -> CpuLevel {
    CpuLevel::Baseline
}
