//! Classes of exceptions: which handler catches what.

use std::rc::Rc;

use crate::python::Expression;

/// Names of the exceptions that a handler catches; all without any.
pub(super) fn caught_names(it: Option<&Expression>, names: &mut Vec<Rc<str>>) {
    match it {
        None => names.push(Rc::from("BaseException")),
        Some(Expression::Name(name) | Expression::Attribute(_, name)) => names.push(Rc::clone(name)),
        Some(Expression::Sequence(several)) => several.iter().for_each(|it| caught_names(Some(it), names)),
        Some(_) => {}
    }
}

/// Whether an exception class is another one or derived from it.
///
/// Source: The Python Standard Library, Exception hierarchy.
pub(super) fn is_a(class: &str, other: &str) -> bool {
    const ABOVE: [(&str, &str); 12] = [
        ("ModuleNotFoundError", "ImportError"),
        ("KeyError", "LookupError"),
        ("IndexError", "LookupError"),
        ("FileNotFoundError", "OSError"),
        ("PermissionError", "OSError"),
        ("NotImplementedError", "RuntimeError"),
        ("RecursionError", "RuntimeError"),
        ("UnicodeDecodeError", "ValueError"),
        ("IOError", "OSError"),
        ("EnvironmentError", "OSError"),
        ("SystemExit", "BaseException"),
        ("KeyboardInterrupt", "BaseException"),
    ];
    let mut at = class;
    loop {
        if at == other {
            return true;
        }
        at = match ABOVE.iter().find(|(below, _)| *below == at) {
            Some((_, above)) => above,
            None if at == "BaseException" => return false,
            None if at == "Exception" => "BaseException",
            None => "Exception",
        };
    }
}
