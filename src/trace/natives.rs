//! What the interpreter itself and its core library answer: versions, platform, environment, `importlib`.
//!
//! Source: The Python Standard Library, `sys`, `os`, `platform`, `importlib`, Built-in Functions.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::LazyLock;

use super::Interpreter;
use super::execute::Scope;
use super::state::{Raised, Run};
use super::statements::elements;
use super::value::{Function, Value};

/// Names of `builtins` in any version from 3.6 on.
const BUILTINS: &str = "ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError BrokenPipeError \
    BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError \
    ConnectionResetError DeprecationWarning EOFError Ellipsis EncodingWarning EnvironmentError Exception \
    ExceptionGroup False FileExistsError FileNotFoundError FloatingPointError FutureWarning GeneratorExit IOError \
    ImportError ImportWarning IndentationError IndexError InterruptedError IsADirectoryError KeyError \
    KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError None NotADirectoryError NotImplemented \
    NotImplementedError OSError OverflowError PendingDeprecationWarning PermissionError ProcessLookupError \
    PythonFinalizationError RecursionError ReferenceError ResourceWarning RuntimeError RuntimeWarning \
    StopAsyncIteration StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError True \
    TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError \
    UnicodeWarning UserWarning ValueError Warning WindowsError ZeroDivisionError __build_class__ __debug__ \
    __import__ abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile \
    complex copyright credits delattr dict dir divmod enumerate eval exec exit filter float format frozenset \
    getattr globals hasattr hash help hex id input int isinstance issubclass iter len license list locals map max \
    memoryview min next object oct open ord pow print property quit range repr reversed round set setattr slice \
    sorted staticmethod str sum super tuple type vars zip";

/// Whoever opens a library with it shows its symbols to everybody.
const RTLD_GLOBAL: i64 = 0x100;

/// Machines whose numbers begin with the highest byte, and those with addresses of 32 bits.
const BIG_ENDIAN: [&str; 8] = ["s390x", "s390", "ppc64", "ppc", "mips", "mips64", "sparc64", "aarch64_be"];
const NARROW: [&str; 9] = ["i386", "arm", "armeb", "ppc", "s390", "mips", "mipsel", "riscv32", "x32"];

fn is_builtin(name: &str) -> bool {
    static NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| BUILTINS.split_whitespace().collect());
    NAMES.contains(name)
}

/// A name that no module binds: a built-in function, exception or constant; `None` when there is no such name.
pub(super) fn builtin(name: &str) -> Option<Value> {
    match name {
        "__debug__" => Some(Value::Bool(true)),
        _ => is_builtin(name).then(|| Value::native(name)),
    }
}

/// An attribute of `sys`, `os` and their like; `None` where the module itself is asked.
pub(super) fn attribute(it: &Interpreter<'_>, of: &str, name: &str) -> Option<Value> {
    if let Some((package, module)) = of.strip_prefix("spec:").and_then(|it| it.split_once(':')) {
        return match name {
            "parent" => Some(Value::text(package)),
            "name" => Some(Value::text(module)),
            _ => None,
        };
    }
    let path = format!("{of}.{name}");
    let number = |at: usize| it.version.get(at).map_or(Value::Unknown, |it| Value::Int(i64::from(*it)));
    Some(match path.as_str() {
        "sys.version_info" => {
            let mut parts: Vec<Value> = it.version.iter().take(3).map(|it| Value::Int(i64::from(*it))).collect();
            if parts.len() == 3 {
                parts.extend([Value::text("final"), Value::Int(0)]);
            }
            Value::sequence(parts)
        }
        "sys.hexversion" => match it.version.as_slice() {
            [major, minor, micro] => {
                Value::Int(i64::from(*major) << 24 | i64::from(*minor) << 16 | i64::from(*micro) << 8 | 0xf0)
            }
            _ => Value::Unknown,
        },
        "sys.version_info.major" => number(0),
        "sys.version_info.minor" => number(1),
        "sys.version_info.micro" => number(2),
        "sys.platform" => Value::text("linux"),
        "sys.implementation.name" => Value::text(&it.implementation),
        "sys.byteorder" => Value::text(if BIG_ENDIAN.contains(&it.machine.as_str()) { "big" } else { "little" }),
        "sys.maxsize" => Value::Int(if NARROW.contains(&it.machine.as_str()) { i32::MAX.into() } else { i64::MAX }),
        "sys.prefix" | "sys.exec_prefix" => prefix(it, 0),
        "sys.base_prefix" | "sys.base_exec_prefix" => prefix(it, 1),
        "sys.abiflags" => Value::text(if it.version.get(..2) < Some(&[3, 8]) { "m" } else { "" }),
        "sys.implementation._multiarch" => Value::text(&it.multiarch),
        "sys.getdlopenflags" | "sys.setdlopenflags" => Value::native(&path),
        // <dlfcn.h> of glibc and musl.
        "os.RTLD_LAZY" => Value::Int(1),
        "os.RTLD_NOW" => Value::Int(2),
        "os.RTLD_GLOBAL" | "ctypes.RTLD_GLOBAL" | "_ctypes.RTLD_GLOBAL" => Value::Int(RTLD_GLOBAL),
        "os.RTLD_LOCAL" | "ctypes.RTLD_LOCAL" | "_ctypes.RTLD_LOCAL" => Value::Int(0),
        "sys.dont_write_bytecode" => Value::Unknown,
        "sys.frozen" => Value::Bool(false),
        "sys.modules"
        | "sys.builtin_module_names"
        | "sys.implementation"
        | "sys.flags"
        | "os.environ"
        | "os.getenv"
        | "os.fspath"
        | "importlib.import_module"
        | "platform.system"
        | "platform.machine"
        | "platform.python_implementation"
        | "platform.python_version"
        | "platform.python_version_tuple"
        | "importlib.util.find_spec"
        | "pkgutil.find_loader"
        | "importlib.reload"
        | "importlib.metadata.version" => Value::native(&path),
        "sys.flags.optimize" => Value::Int(0),
        "os.name" => Value::text("posix"),
        "os.sep" | "os.path.sep" | "posixpath.sep" => Value::text("/"),
        "os.pathsep" => Value::text(":"),
        "os.path.dirname" | "posixpath.dirname" => Value::native("os.path.dirname"),
        "os.path.basename" | "posixpath.basename" => Value::native("os.path.basename"),
        "os.path.join" | "posixpath.join" => Value::native("os.path.join"),
        "os.path.exists" | "posixpath.exists" | "genericpath.exists" => Value::native("os.path.exists"),
        "os.path.isfile" | "posixpath.isfile" | "genericpath.isfile" => Value::native("os.path.isfile"),
        "os.path.isdir" | "posixpath.isdir" | "genericpath.isdir" => Value::native("os.path.isdir"),
        "os.path.abspath" | "posixpath.abspath" => Value::native("os.path.abspath"),
        "os.path.realpath" | "posixpath.realpath" => Value::native("os.path.abspath"),
        "typing.TYPE_CHECKING" | "typing_extensions.TYPE_CHECKING" => Value::Bool(false),
        _ => return None,
    })
}

/// What `sysconfig` says of how the interpreter was built, where an import hangs on it: SciPy in Debian names a module by it.
pub(super) fn build_variable(it: &Interpreter<'_>, function: &Function, arguments: &[Value]) -> Option<Value> {
    let asked = (function.module.as_ref(), function.name.as_ref()) == ("sysconfig", "get_config_var");
    match arguments {
        [Value::Text(name)] if asked && !it.tag.is_empty() => match name.as_ref() {
            "SOABI" => Some(Value::text(&it.tag)),
            "EXT_SUFFIX" => Some(Value::text(&format!(".{}.so", it.tag))),
            _ => None,
        },
        _ => None,
    }
}

fn prefix(it: &Interpreter<'_>, at: usize) -> Value {
    it.prefixes.get(at).map_or(Value::Unknown, |it| Value::text(&it.text()))
}

/// A call of something native.
pub(super) fn call(
    run: &mut Run<'_, '_>,
    path: &str,
    arguments: &[Value],
    keywords: &[(String, Value)],
    scope: &mut Scope,
) -> Result<Value, Raised> {
    match path {
        "importlib.import_module" => return import_module(run, arguments, keywords),
        "__import__" => return import_by_name(run, arguments, scope),
        "importlib.util.find_spec" | "pkgutil.find_loader" => return find_spec(run, arguments),
        "getattr" => return get_attribute(run, arguments),
        "hasattr" => return has_attribute(run, arguments),
        "dir" => return directory(run, arguments),
        "exec" => return run_text(run, arguments, scope),
        "globals.keys" => return Ok(names_of(run, &scope.module)),
        _ => {}
    }
    if let ("sys.setdlopenflags", [Value::Int(flags)], false) = (path, arguments, run.is_perhaps()) {
        run.state.opens_for_all = flags & RTLD_GLOBAL != 0;
        return Ok(Value::None);
    }
    let for_all = if run.state.opens_for_all { RTLD_GLOBAL } else { 0 };
    let it = &run.state.interpreter;
    Ok(match (path, arguments) {
        // CPython's default is RTLD_NOW.
        ("sys.getdlopenflags", []) => Value::Int(2 | for_all),
        ("os.environ.get" | "os.getenv", [Value::Text(name), rest @ ..]) => match it.variables.get(name) {
            Some(value) => Value::text(&String::from_utf8_lossy(value)),
            None => rest.first().cloned().unwrap_or(Value::None),
        },
        ("os.environ.setdefault", [Value::Text(name), rest]) => match it.variables.get(name) {
            Some(value) => Value::text(&String::from_utf8_lossy(value)),
            None => rest.clone(),
        },
        ("platform.system", _) => Value::text("Linux"),
        ("platform.machine", _) => Value::text(&it.machine),
        ("platform.python_implementation", _) => {
            Value::text(if it.implementation == "pypy" { "PyPy" } else { "CPython" })
        }
        ("os.path.exists" | "os.path.isfile" | "os.path.isdir", [Value::Text(file)]) if file.starts_with('/') => {
            let metadata = it.view.metadata(file.as_bytes());
            let kind = metadata.map(|it| it.kind);
            Value::Bool(match path {
                "os.path.isfile" => matches!(kind, Ok(crate::tree::Kind::File)),
                "os.path.isdir" => matches!(kind, Ok(crate::tree::Kind::Directory)),
                _ => kind.is_ok(),
            })
        }
        ("os.path.dirname", [Value::Text(file)]) => Value::text(file.rsplit_once('/').map_or("", |(it, _)| it)),
        ("os.path.basename", [Value::Text(file)]) => Value::text(file.rsplit_once('/').map_or(file, |(_, it)| it)),
        ("os.path.abspath", [Value::Text(file)]) if file.starts_with('/') => {
            Value::text(&crate::base::TreePath::new(file.as_bytes()).text())
        }
        ("os.path.join", parts) => join(parts),
        ("globals" | "vars", []) => Value::native("globals"),
        ("len", [value]) => match (value, elements(value)) {
            (Value::Text(text), _) => i64::try_from(text.chars().count()).map_or(Value::Unknown, Value::Int),
            (_, Some(several)) => i64::try_from(several.len()).map_or(Value::Unknown, Value::Int),
            (_, None) => Value::Unknown,
        },
        ("list" | "tuple" | "set" | "frozenset" | "sorted", [value]) => {
            elements(value).map_or(Value::Unknown, Value::sequence)
        }
        ("list" | "tuple" | "set", []) => Value::sequence(Vec::new()),
        ("dict", []) if keywords.is_empty() => Value::Dictionary(Rc::default()),
        ("bool", [value]) => value.truth().map_or(Value::Unknown, Value::Bool),
        ("int", [Value::Text(text)]) => match text.trim().parse() {
            Ok(number) => Value::Int(number),
            Err(_) => {
                run.soft("ValueError", format!("invalid literal for int(): {text}"))?;
                Value::Unknown
            }
        },
        ("int", [Value::Int(it)]) => Value::Int(*it),
        ("str" | "os.fspath", [Value::Text(text) | Value::Path(text)]) => Value::Text(Rc::clone(text)),
        ("str", [Value::Int(it)]) => Value::text(&it.to_string()),
        ("range", [Value::Int(end)]) if *end <= 1_000 => Value::sequence((0..*end).map(Value::Int).collect()),
        ("callable", [Value::Function(_) | Value::Class(_) | Value::Method(..)]) => Value::Bool(true),
        _ => Value::Unknown,
    })
}

fn join(parts: &[Value]) -> Value {
    let mut whole = String::new();
    for part in parts {
        let Value::Text(part) = part else { return Value::Unknown };
        if part.starts_with('/') || whole.is_empty() {
            whole = part.to_string();
        } else {
            let mark = if whole.ends_with('/') { "" } else { "/" };
            whole = format!("{whole}{mark}{part}");
        }
    }
    Value::text(&whole)
}

fn import_module(run: &mut Run<'_, '_>, arguments: &[Value], keywords: &[(String, Value)]) -> Result<Value, Raised> {
    let package = arguments.get(1).or(keywords.iter().find(|(name, _)| name == "package").map(|(_, it)| it));
    let name = arguments.first().or(keywords.iter().find(|(name, _)| name == "name").map(|(_, it)| it));
    let Some(Value::Text(name)) = name else { return undecided(run) };
    let level = name.bytes().take_while(|b| *b == b'.').count();
    if level == 0 {
        return run.import(name).map(Value::Module);
    }
    let Some(Value::Text(package)) = package else { return undecided(run) };
    let mut base = package.as_ref();
    for _ in 1..level {
        base = base.rsplit_once('.').map_or("", |(it, _)| it);
    }
    let rest = name.get(level..).unwrap_or_default();
    let absolute = if rest.is_empty() { base.to_owned() } else { format!("{base}.{rest}") };
    run.import(&absolute).map(Value::Module)
}

/// A name that a program works out and that is not known.
fn undecided(run: &mut Run<'_, '_>) -> Result<Value, Raised> {
    run.unseen("it imports a module whose name is worked out");
    Ok(Value::Unknown)
}

fn import_by_name(run: &mut Run<'_, '_>, arguments: &[Value], scope: &mut Scope) -> Result<Value, Raised> {
    let Some(Value::Text(name)) = arguments.first() else { return undecided(run) };
    let level = match arguments.get(4) {
        Some(Value::Int(level)) => usize::try_from(*level).unwrap_or(0),
        _ => 0,
    };
    let Some(absolute) = run.absolute(&Rc::clone(&scope.module), level, name) else { return undecided(run) };
    let module = run.import(&absolute)?;
    match arguments.get(3).and_then(elements) {
        Some(names) if !names.is_empty() => {
            for it in names {
                if let Value::Text(it) = it {
                    run.import_name(&module, &it)?;
                }
            }
            Ok(Value::Module(module))
        }
        _ => Ok(Value::Module(Rc::from(name.split('.').next().unwrap_or(name)))),
    }
}

/// `exec` of a text: its statements run, and their names are lost.
fn run_text(run: &mut Run<'_, '_>, arguments: &[Value], scope: &Scope) -> Result<Value, Raised> {
    let Some(Value::Text(text)) = arguments.first() else { return Ok(Value::Unknown) };
    let line = run.place.as_ref().map_or(0, |it| it.line);
    match crate::python::statements(text.as_bytes(), 0..text.len(), line) {
        Ok(body) => {
            let mut inner = scope.clone();
            inner.locals = Some(super::state::Names::default());
            run.statements(&body, &mut inner)?;
        }
        Err(at) => run.not_python(&scope.source.path, at),
    }
    Ok(Value::None)
}

/// `importlib.util.find_spec` imports the packages above, and tells whether the module is there.
fn find_spec(run: &mut Run<'_, '_>, arguments: &[Value]) -> Result<Value, Raised> {
    let Some(Value::Text(name)) = arguments.first() else { return Ok(Value::Unknown) };
    if name.starts_with('.') {
        return Ok(Value::Unknown);
    }
    if let Some((parent, last)) = name.rsplit_once('.') {
        let parent = run.import(parent)?;
        let search = run.state.modules.get(&parent).and_then(|it| it.search.clone()).unwrap_or_default();
        let found = run.state.finder.find(&search, last);
        return Ok(if found.is_some() { Value::Something } else { Value::None });
    }
    let known = run.state.modules.contains_key(name) || run.process.is_built_in(name);
    let found = known || run.state.finder.find(&run.state.interpreter.search, name).is_some();
    let mapped = run.state.interpreter.mappings.iter().any(|(it, _)| *it == **name);
    Ok(if found || mapped { Value::Something } else { Value::None })
}

fn get_attribute(run: &mut Run<'_, '_>, arguments: &[Value]) -> Result<Value, Raised> {
    let [object, Value::Text(name), rest @ ..] = arguments else { return Ok(Value::Unknown) };
    match (run.attribute(object, name)?, rest.first()) {
        (Value::Unknown, Some(_)) => Ok(Value::Unknown),
        (Value::Native(_), Some(default)) => {
            // An attribute of something native that nobody described may be missing.
            Ok(if default.truth() == Some(false) { Value::Unknown } else { default.clone() })
        }
        (value, _) => Ok(value),
    }
}

fn has_attribute(run: &mut Run<'_, '_>, arguments: &[Value]) -> Result<Value, Raised> {
    let [object, Value::Text(name)] = arguments else { return Ok(Value::Unknown) };
    Ok(match object {
        Value::Compiled(module) => run.compiled_holds(module, name),
        Value::Module(module) if run.state.modules.get(module).is_some_and(|it| it.extension.is_some()) => {
            run.compiled_holds(module, name)
        }
        Value::Module(module) => {
            if run.name_of_module(module, name).is_some() {
                return Ok(Value::Bool(true));
            }
            // Whoever asks makes the module look, which may import.
            run.caught.push(Rc::from("AttributeError"));
            let result = run.dynamic_attribute(module, name);
            run.caught.pop();
            match result {
                Ok(Some(_)) => Value::Bool(true),
                Ok(None) => {
                    let closed = run.state.modules.get(module).is_some_and(|it| !it.is_open && it.source.is_some());
                    if closed { Value::Bool(false) } else { Value::Unknown }
                }
                Err(Raised(failure)) if &*failure.class == "AttributeError" => Value::Bool(false),
                Err(raised) => return Err(raised),
            }
        }
        _ => Value::Unknown,
    })
}

impl Run<'_, '_> {
    /// Whether an extension, or something in it, has an attribute.
    fn compiled_holds(&mut self, module: &str, name: &str) -> Value {
        let extension = self.state.modules.get(module).and_then(|it| it.extension.clone());
        let held = extension.and_then(|it| self.process.mentions(&it, name));
        held.map_or(Value::Unknown, Value::Bool)
    }
}

/// `dir(module)`: what its own `__dir__` says, else its names.
fn directory(run: &mut Run<'_, '_>, arguments: &[Value]) -> Result<Value, Raised> {
    let [Value::Module(module)] = arguments else { return Ok(Value::Unknown) };
    match run.name_of_module(module, "__dir__") {
        Some(Value::Function(own)) => {
            let names = run.call_function(&own, Vec::new(), Vec::new(), true)?;
            let mut names = elements(&names).unwrap_or_default();
            names.sort_by(|a, b| a.order(b).unwrap_or(std::cmp::Ordering::Equal));
            Ok(if names.is_empty() { Value::Unknown } else { Value::sequence(names) })
        }
        _ => Ok(names_of(run, module)),
    }
}

/// The names that a module holds, sorted; unknown where it may hold others.
fn names_of(run: &Run<'_, '_>, module: &str) -> Value {
    let Some(module) = run.state.modules.get(module) else { return Value::Unknown };
    let mut names: Vec<&Rc<str>> = module.names.keys().collect();
    names.sort();
    Value::sequence(names.into_iter().map(|it| Value::Text(Rc::clone(it))).collect())
}
