//! What the scripts of an image set: for `tests/live/modules`, which asks the real module commands the same.
//!
//! Every directory that is named is the root of an image. A line `= NAME VALUE` is a variable that is known, `?` followed by
//! a name one that is not, `* REASON` means that others may be set; texts are written as JSON. `-- ROOT` comes before those of
//! each.

use std::process::ExitCode;

use pyhpc_audit::survey::{JobKnowledge, Knowledge, SiteFiles, image_environment};
use pyhpc_audit::tree::{HostTree, View};

fn main() -> ExitCode {
    let site = SiteFiles::default();
    let knowledge = Knowledge::load(&site);
    let Ok(audit) = knowledge else {
        eprintln!("the rules cannot be read");
        return ExitCode::from(2);
    };
    let Ok(know) = JobKnowledge::load(&audit, &site) else {
        eprintln!("the rules cannot be read");
        return ExitCode::from(2);
    };
    for root in std::env::args().skip(1) {
        println!("-- {root}");
        let tree = match HostTree::below(std::path::Path::new(&root)) {
            Ok(tree) => tree,
            Err(error) => {
                eprintln!("{root}: {error}");
                return ExitCode::from(2);
            }
        };
        let view = View::new(Box::new(tree));
        let Some(found) = image_environment(&view, &know) else { continue };
        for (name, value, _) in found.variables {
            println!("= {name} {}", serde_json::Value::String(value));
        }
        for gap in found.gaps {
            // `NAME is not known: ...` behind the line, or `NAME is ..., which is computed`.
            let reason = gap.reason.split_once(": ").map_or(gap.reason.as_str(), |(_, it)| it);
            let name = reason.split(" is not known: ").next().filter(|it| !it.contains(' '));
            let computed = gap.reason.split(" is ").next().filter(|_| gap.reason.ends_with("which is computed"));
            match name.or(computed) {
                Some(name) => println!("? {name} {}", serde_json::Value::String(gap.reason.clone())),
                None => println!("* {}", serde_json::Value::String(gap.reason.clone())),
            }
        }
    }
    ExitCode::SUCCESS
}
