//! One variable as `rules/variables` describes it.

use serde::Deserialize;

use super::Grammar;

/// A variable, or all variables that match a glob.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its name, or a glob over names.
    pub name: String,
    /// What it does, in one line.
    pub summary: String,
    /// What it is about.
    pub group: Group,
    /// Who reads it. Without any: those of the file.
    #[serde(default)]
    pub readers: Vec<Reader>,
    /// Which values it takes.
    #[serde(default)]
    pub grammar: Grammar,
    /// What holds without it.
    pub default: Option<String>,
    /// What any other value does: "counts as not set, with a warning".
    pub otherwise: Option<String>,
    /// What to write instead of such a value, where no word is near it.
    pub instead: Option<String>,
    /// Whether any other value is ignored without a word.
    #[serde(default)]
    pub silent: bool,
    /// What an empty value does, where that is not the same as not being set.
    pub empty: Option<String>,
    /// Values that look as if they changed something and do not.
    #[serde(default)]
    pub without_effect: Vec<String>,
    /// Values that some versions do not know, or know no longer.
    #[serde(default)]
    pub dead_values: Vec<DeadValue>,
    /// What took its place.
    pub replaced_by: Option<Replacement>,
    /// How this is known.
    pub evidence: Evidence,
}

/// Who reads a variable, and under which circumstances.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// A word of `rules/libraries`, `rules/launchers` or `rules/packages`; `python` and `libc` for these two.
    pub library: String,
    /// The builds that read it, by how they thread. Empty: all.
    #[serde(default)]
    pub threading: Vec<String>,
    /// The first version that reads it.
    pub since: Option<String>,
    /// The first version that does not any more.
    pub until: Option<String>,
    /// Other settings under which it is not looked at.
    #[serde(default)]
    pub dead_when: Vec<When>,
    /// When it is read: later changes do nothing.
    #[serde(default)]
    pub at: Moment,
}

/// A setting of another variable.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Its name.
    pub variable: String,
    /// Its values, in any case of letters: one part of a list is enough. Without: any value that is not empty.
    #[serde(default)]
    pub is: Vec<String>,
}

/// A value that some versions of a reader do not take.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadValue {
    /// A glob over the value, or over one part of a list, in any case of letters.
    pub value: String,
    /// Whose versions count.
    pub library: String,
    /// The first version without it.
    pub since: Option<String>,
    /// The first version with it.
    pub until: Option<String>,
    /// What happens: "is not known any more and ignored".
    pub because: String,
    /// What to write instead.
    pub instead: Option<String>,
}

/// The variable that took the place of another.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// Its name.
    pub name: String,
    /// The version of the reader that brought it.
    pub since: Option<String>,
}

/// What a variable is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// How many threads.
    Threads,
    /// On which CPUs.
    Binding,
    /// What threads do while they have nothing to do.
    Waiting,
    /// Message passing.
    Mpi,
    /// How ranks learn who they are.
    Pmi,
    /// The batch system.
    Scheduler,
    /// HDF5.
    Hdf5,
    /// The interpreter.
    Python,
    /// The dynamic loader.
    Loader,
    /// Files.
    Io,
    /// Anything else.
    Other,
}

/// When a variable is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// When the library is loaded or the program starts.
    #[default]
    Load,
    /// At the first call that needs it.
    FirstUse,
    /// Each time.
    EachUse,
}

/// How something is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// By running it.
    Measured,
    /// From its source or its manual.
    Source,
    /// From memory of either.
    Memory,
}

impl Group {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::Binding => "binding",
            Self::Waiting => "waiting",
            Self::Mpi => "mpi",
            Self::Pmi => "pmi",
            Self::Scheduler => "scheduler",
            Self::Hdf5 => "hdf5",
            Self::Python => "python",
            Self::Loader => "loader",
            Self::Io => "io",
            Self::Other => "other",
        }
    }
}

impl Evidence {
    /// What it stands for: "measured".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Source => "read in its source or manual",
            Self::Memory => "from memory of its manual",
        }
    }
}

impl Reader {
    /// The reader and what it takes: `openblas (pthreads) before 5, unless OMP_PLACES is set`.
    pub fn in_words(&self) -> String {
        let mut text = self.library.clone();
        if !self.threading.is_empty() {
            text += &format!(" ({})", self.threading.join(", "));
        }
        match (&self.since, &self.until) {
            (Some(since), Some(until)) => text += &format!(" from {since} to before {until}"),
            (Some(since), None) => text += &format!(" since {since}"),
            (None, Some(until)) => text += &format!(" before {until}"),
            (None, None) => {}
        }
        let when = |it: &When| match it.is.as_slice() {
            [] => format!("{} is set", it.variable),
            values => format!("{}={}", it.variable, values.join("|")),
        };
        if !self.dead_when.is_empty() {
            text += &format!(", unless {}", self.dead_when.iter().map(when).collect::<Vec<_>>().join(" or "));
        }
        text
    }
}

impl Variable {
    /// Whether `name` describes many variables.
    pub fn is_glob(&self) -> bool {
        self.name.contains(['*', '?', '['])
    }
}
