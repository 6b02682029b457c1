//! From the flat view back to the model: what the file lacks is unknown.

use serde_json::Value;

use super::earlier;
use super::flat::{FLAT_SCHEMA, Flat};
use super::flat_keys::strange_keys;
use super::{
    AGREEMENT_OF, BlasUse, Duplicates, Environment, Fact, Facts, FactsError, Gap, GapId, Hdf5Use, ImportFailure,
    Launcher, Libc, MpiUse, Need, Object, OpenmpRuntime, Package, Process, Python, SAYS_NOTHING, SCHEMA, UserSite,
};

impl Facts {
    /// Reads a saved facts file, full or flat. What an earlier version did not say is unknown.
    ///
    /// # Errors
    /// When it is neither.
    pub fn from_json(text: &str) -> Result<Self, FactsError> {
        let mut value: Value = serde_json::from_str(text).map_err(|error| json_error(&error))?;
        match value.get("schema").and_then(Value::as_str) {
            Some(SCHEMA) => match earlier::complete(&mut value)? {
                true => serde_json::from_value(value).map_err(|error| json_error(&error)),
                false => serde_json::from_str(text).map_err(|error| json_error(&error)),
            },
            Some(FLAT_SCHEMA) => {
                let flat: Flat = serde_json::from_str(text).map_err(|error| json_error(&error))?;
                let mut reader = Reader { flat: &flat, gaps: Vec::new() };
                for (key, known) in strange_keys(&flat)? {
                    let reason = format!("the key {key} is not known here; known are {known}");
                    let hides = format!("what {key} says");
                    reader.gaps.push(Gap { path: String::new(), stage: "facts".to_owned(), reason, hides });
                }
                reader.read()
            }
            Some(other) => Err(FactsError::Schema(other.to_owned())),
            None => Err(FactsError::Schema(String::new())),
        }
    }
}

fn json_error(error: &serde_json::Error) -> FactsError {
    FactsError::Json { line: error.line(), column: error.column(), reason: error.to_string() }
}

/// The environment of an image; the key is there where the target is one.
const IMAGE_ENV: &str = "image.env";

struct Reader<'a> {
    flat: &'a Flat,
    gaps: Vec<Gap>,
}

type Read<T> = Result<Fact<T>, FactsError>;

impl Reader<'_> {
    fn read(mut self) -> Result<Facts, FactsError> {
        let environment = self.environment()?;
        let packages = self.packages()?;
        let objects = self.broken()?;
        let needs = self.needs()?;
        let process = self.process()?;
        let missing_versions = self.absent("missing_versions");
        Ok(Facts {
            schema: SCHEMA.to_owned(),
            target: self.flat.target.clone(),
            environment,
            packages,
            objects,
            needs,
            missing_versions,
            process,
            job: None,
            host: None,
            evidence: Vec::new(),
            gaps: self.gaps,
        })
    }

    fn environment(&mut self) -> Result<Environment, FactsError> {
        let is_image = [self.flat.facts.contains_key(IMAGE_ENV), self.flat.unknown.contains_key(IMAGE_ENV)];
        let image_env =
            if is_image.contains(&true) { self.list(IMAGE_ENV)?.map(Some) } else { Fact::known(None, Vec::new()) };
        Ok(Environment {
            python: Python {
                version: self.text("python.version")?,
                implementation: self.text("python.implementation")?,
                soabi: self.text("python.soabi")?,
                kind: self.text("python.kind")?,
                executable: self.absent("python.executable"),
                prefix: self.absent("python.prefix"),
                base_prefix: self.absent("python.base_prefix"),
                debug: self.absent("python.debug"),
                path: self.absent("python.path"),
            },
            libc: Libc {
                family: self.absent("libc.family"),
                version: self.absent("libc.version"),
                asked: Fact::known(None, Vec::new()),
            },
            user_site: UserSite {
                directory: self.optional("python.user_site")?,
                enabled: self.absent("python.user_site.enabled"),
                packages: self.list("python.user_site.packages")?,
                // The flat view names a directory that counts: one with something in it.
                empty: self.optional("python.user_site")?.map(|it| it.is_none()),
            },
            variables: self.absent("variables"),
            search_directories: self.absent("search_directories"),
            launcher: Launcher {
                path: self.optional("launcher.path")?,
                vendor: self.text("launcher.vendor")?,
                version: self.text("launcher.version")?,
                abi: self.absent("launcher.abi"),
                pmi: self.absent("launcher.pmi"),
            },
            defects: self.absent("defects"),
            activation: self.absent("activation"),
            verified_files: Fact::known(None, Vec::new()),
            altered_packages: Fact::known(Vec::new(), Vec::new()),
            fabric: Fact::known("unsaid".to_owned(), Vec::new()),
            image_env,
        })
    }

    fn packages(&mut self) -> Read<Vec<Package>> {
        let mut packages = Vec::new();
        for name in self.users("pkg") {
            let version = self.text(&format!("pkg.{name}.version"))?;
            let user = self.list("python.user_site.packages")?;
            let in_user_site = user.value().is_some_and(|it| it.contains(&name));
            packages.push(Package {
                version,
                distribution: String::new(),
                location: String::new(),
                origin: if in_user_site { "user" } else { "site" }.to_owned(),
                audited: true,
                active: true,
                imported: true,
                copies: self.absent("package.copies"),
                installer: self.absent("package.installer"),
                managers: self.absent("package.managers"),
                recorded_versions: self.absent("package.recorded_versions"),
                editable: self.absent("package.editable"),
                source: self.absent("package.source"),
                build: self.absent("package.build"),
                build_options: self.absent("package.build_options"),
                local_build: self.absent("package.local_build"),
                numpy_api: self.absent("package.numpy_api"),
                numpy_major: self.absent("package.numpy_major"),
                name,
            });
        }
        Ok(Fact::partial(packages, Vec::new(), self.further("packages", "pkg.*.version")))
    }

    fn process(&mut self) -> Result<Process, FactsError> {
        Ok(Process {
            imports: self.imports()?,
            import_failures: self.failures()?,
            blas: self.blas("blas")?,
            lapack: self.blas("lapack")?,
            mpi: self.mpi()?,
            hdf5: self.hdf5()?,
            openmp: self.openmp()?,
            fabrics: self.absent("fabrics"),
            libraries: self.absent("libraries"),
            duplicates: Duplicates {
                blas: self.list("duplicates.blas")?,
                hdf5: self.list("duplicates.hdf5")?,
                mpi: self.list("duplicates.mpi")?,
                openmp: self.list("duplicates.openmp")?,
            },
            mpi_agreement: self.text("mpi.agreement")?,
            shared_sonames: self.absent("shared_sonames"),
            overrides: self.absent("overrides"),
            preloads: self.absent("preloads"),
            choices: self.absent("choices"),
            bindings: self.absent("bindings"),
            captures: self.absent("captures"),
            undefined_symbols: self.absent("undefined_symbols"),
            order_effects: self.absent("order_effects"),
            fatal_hits: self.absent("fatal_hits"),
            cut_rpaths: self.absent("cut_rpaths"),
            cpu_variants: self.absent("cpu_variants"),
            build_claims: self.absent("build_claims"),
            mapped: self.absent("mapped"),
            libc_needed: self.absent("libc_needed"),
            libcxx_needed: self.absent("libcxx_needed"),
            libc_needs: self.absent("libc_needs"),
            runtime_needs: self.absent("runtime_needs"),
        })
    }

    /// The packages of the file are what its process imported, and perhaps more.
    fn imports(&mut self) -> Read<Vec<String>> {
        let names = self.users("pkg");
        Ok(Fact::partial(names, Vec::new(), self.further("imports", "pkg.*.version")))
    }

    fn failures(&mut self) -> Read<Vec<ImportFailure>> {
        let names = self.list("import_fails")?;
        // That it fails is known; only the reason is not in the file.
        let reason = || Fact::known("the facts file does not say why".to_owned(), Vec::new());
        Ok(map(names, |name| ImportFailure {
            distribution: name.split('.').next().unwrap_or_default().to_owned(),
            name,
            object: String::new(),
            reason: reason(),
            cause: Fact::known("other".to_owned(), Vec::new()),
        }))
    }

    fn blas(&mut self, kind: &str) -> Read<Vec<BlasUse>> {
        let mut uses = Vec::new();
        for user in self.users(kind) {
            let key = |name: &str| format!("{kind}.{user}.{name}");
            uses.push(BlasUse {
                vendor: self.text(&key("vendor"))?,
                version: self.text(&key("version"))?,
                interface: self.text(&key("interface"))?,
                threading: self.text(&key("threading"))?,
                lib: self.optional(&key("lib"))?,
                kernels: self.optional(&key("kernels"))?,
                extension: String::new(),
                client_interface: self.absent(&key("client_interface")),
                decided_by: self.absent(&key("decided_by")),
                missing_parts: self.absent(&key("missing_parts")),
                defects: self.absent(&key("defects")),
                installed_by: self.absent(&key("installed_by")),
                user,
            });
        }
        Ok(Fact::partial(uses, Vec::new(), self.further(kind, &format!("{kind}.*"))))
    }

    fn mpi(&mut self) -> Read<Vec<MpiUse>> {
        let mut uses = Vec::new();
        for user in self.users("mpi") {
            let key = |name: &str| format!("mpi.{user}.{name}");
            uses.push(MpiUse {
                vendor: self.text(&key("vendor"))?,
                version: self.text(&key("version"))?,
                abi: self.text(&key("abi"))?,
                gpu: self.absent(&key("gpu")),
                soname: self.optional(&key("soname"))?,
                lib: self.optional(&key("lib"))?,
                extension: String::new(),
                wanted: self.absent(&key("wanted")),
                missing: self.absent(&key("missing")),
                launcher_agreement: self.absent(&key("launcher_agreement")),
                mpi4py_agreement: self.agreement(&user)?,
                installed_by: self.absent(&key("installed_by")),
                found_by: self.absent(&key("found_by")),
                user,
            });
        }
        Ok(Fact::partial(uses, Vec::new(), self.further("mpi", "mpi.*")))
    }

    fn hdf5(&mut self) -> Read<Vec<Hdf5Use>> {
        let mut uses = Vec::new();
        for user in self.users("hdf5") {
            let key = |name: &str| format!("hdf5.{user}.{name}");
            let client_parallel =
                if user == AGREEMENT_OF[1] { self.boolean("h5py.mpi")? } else { self.absent("client_parallel") };
            uses.push(Hdf5Use {
                version: self.text(&key("version"))?,
                parallel: self.boolean(&key("parallel"))?,
                soname: self.optional(&key("soname"))?,
                lib: self.optional(&key("lib"))?,
                extension: String::new(),
                client_parallel,
                headers_version: self.absent(&key("headers_version")),
                headers_agreement: self.absent(&key("headers_agreement")),
                mpi_vendor: self.text(&format!("mpi.{user}.vendor"))?,
                mpi_lib: self.optional(&format!("mpi.{user}.lib"))?,
                mpi4py_agreement: self.agreement(&user)?,
                tools: self.absent(&key("tools")),
                installed_by: self.absent(&key("installed_by")),
                user,
            });
        }
        Ok(Fact::partial(uses, Vec::new(), self.further("hdf5", "hdf5.*")))
    }

    /// `mpi.agreement` compares mpi4py with h5py and nobody else.
    fn agreement(&mut self, user: &str) -> Read<String> {
        let whole = self.text("mpi.agreement")?;
        Ok(match (user, whole) {
            (second, Fact::Known { value, because, incomplete }) if second == AGREEMENT_OF[1] => {
                let pair = if value.ends_with("-only") { "none".to_owned() } else { value };
                Fact::Known { value: pair, because, incomplete }
            }
            (second, unknown @ Fact::Unknown { .. }) if second == AGREEMENT_OF[1] => unknown,
            (other, _) => self.absent(&format!("mpi.{other}.mpi4py_agreement")),
        })
    }

    fn openmp(&mut self) -> Read<Vec<OpenmpRuntime>> {
        let runtimes = self.list("openmp.runtimes")?;
        Ok(map(runtimes, |entry| {
            let (family, path) = entry.split_once(':').unwrap_or((entry.as_str(), ""));
            OpenmpRuntime {
                family: Fact::known(family.to_owned(), Vec::new()),
                path: path.to_owned(),
                needed_by: String::new(),
                package: String::new(),
            }
        }))
    }

    fn needs(&mut self) -> Read<Vec<Need>> {
        let masked = self.list("not_found_masked")?;
        let hidden = self.absent("needs.details");
        let unknown_list = self.absent("needs.located");
        let entries = self.list("not_found")?;
        Ok(map(entries, |entry| {
            let (object, soname) = entry.rsplit_once(": ").unwrap_or((entry.as_str(), ""));
            let masked = match &masked {
                Fact::Known { value, .. } => Fact::known(value.contains(&entry), Vec::new()),
                Fact::Unknown { unknown } => Fact::unknown(*unknown),
            };
            Need {
                object: object.to_owned(),
                package: String::new(),
                distribution: String::new(),
                needed_by: object.to_owned(),
                soname: soname.to_owned(),
                state: Fact::known("missing".to_owned(), Vec::new()),
                masked,
                in_process: hidden.clone(),
                fails_import: hidden.clone(),
                first: true,
                also: Vec::new(),
                machine_dependent: hidden.clone(),
                variant: hidden.clone(),
                searched: Vec::new(),
                located: unknown_list.clone(),
            }
        }))
    }

    fn broken(&mut self) -> Read<Vec<Object>> {
        let hidden: Fact<String> = self.absent("objects.details");
        let hidden_bool: Fact<bool> = self.absent("objects.details");
        let hidden_list: Fact<Vec<String>> = self.absent("objects.details");
        let entries = self.list("broken")?;
        Ok(map(entries, |entry| {
            let (path, state) = entry.rsplit_once(": ").unwrap_or((entry.as_str(), "malformed"));
            Object {
                path: path.to_owned(),
                package: String::new(),
                distribution: String::new(),
                role: "extension".to_owned(),
                state: Fact::known(state.to_owned(), Vec::new()),
                machine: hidden.clone(),
                python_machine: hidden.clone(),
                abi_tag: hidden.clone(),
                abi_matches: hidden_bool.clone(),
                has_matching_sibling: hidden_bool.clone(),
                in_process: hidden_bool.clone(),
                readable_by_others: hidden_bool.clone(),
                debug_marks: hidden_list.clone(),
                executable_stack: hidden.clone(),
            }
        }))
    }

    /// The NAMEs of keys `area.NAME.*`, in order.
    fn users(&self, area: &str) -> Vec<String> {
        let prefix = format!("{area}.");
        let keys = self.flat.facts.keys().chain(self.flat.unknown.keys());
        let middle = |key: &String| {
            let (name, _) = key.strip_prefix(&prefix)?.split_once('.')?;
            (name != "*").then(|| name.to_owned())
        };
        let mut users: Vec<String> = keys.filter_map(middle).collect();
        users.sort();
        users.dedup();
        users
    }

    fn text(&mut self, key: &str) -> Read<String> {
        self.known(key, |value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Null => Some("none".to_owned()),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        })
        .map_err(|()| FactsError::Type { key: key.to_owned(), expected: "text or null" })
    }

    fn optional(&mut self, key: &str) -> Read<Option<String>> {
        self.known(key, |value| match value {
            Value::String(text) => Some(Some(text.clone())),
            Value::Null => Some(None),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        })
        .map_err(|()| FactsError::Type { key: key.to_owned(), expected: "text or null" })
    }

    fn boolean(&mut self, key: &str) -> Read<bool> {
        self.known(key, |value| if value.is_null() { Some(false) } else { value.as_bool() })
            .map_err(|()| FactsError::Type { key: key.to_owned(), expected: "true, false or null" })
    }

    fn list(&mut self, key: &str) -> Read<Vec<String>> {
        self.known(key, |value| strings(key, value).ok())
            .map_err(|()| FactsError::Type { key: key.to_owned(), expected: "a list of texts" })
    }

    fn known<T>(&mut self, key: &str, read: impl Fn(&Value) -> Option<T>) -> Result<Fact<T>, ()> {
        match self.flat.facts.get(key) {
            Some(value) => read(value).map(|it| Fact::known(it, Vec::new())).ok_or(()),
            None => Ok(self.absent(key)),
        }
    }

    fn absent<T>(&mut self, key: &str) -> Fact<T> {
        Fact::unknown(self.gap(key))
    }

    fn gap(&mut self, key: &str) -> GapId {
        self.further(key, key)
    }

    /// What hides further members of a list: the file may say it of all their keys.
    fn further(&mut self, hides: &str, keys: &str) -> GapId {
        let said = self.flat.unknown.get(keys).cloned();
        let reason = said.unwrap_or_else(|| format!("{SAYS_NOTHING}{hides}"));
        let gap = Gap { path: String::new(), stage: "facts".to_owned(), reason, hides: hides.to_owned() };
        let at = self.gaps.iter().position(|it| *it == gap).unwrap_or_else(|| {
            self.gaps.push(gap);
            self.gaps.len() - 1
        });
        GapId(u32::try_from(at).unwrap_or(u32::MAX))
    }
}

fn strings(key: &str, value: &Value) -> Result<Vec<String>, FactsError> {
    let wrong = || FactsError::Type { key: key.to_owned(), expected: "a list of texts" };
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => return Err(wrong()),
    };
    list.iter().map(|it| it.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

fn map<T>(list: Fact<Vec<String>>, make: impl Fn(String) -> T) -> Fact<Vec<T>> {
    match list {
        Fact::Known { value, because, incomplete } => {
            Fact::Known { value: value.into_iter().map(make).collect(), because, incomplete }
        }
        Fact::Unknown { unknown } => Fact::Unknown { unknown },
    }
}
