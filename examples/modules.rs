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
        let variables = found.variables();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let quoted = |text: &str| serde_json::Value::String(text.to_owned());
        let hidden: Vec<(String, &str)> = variables.all_hidden().map(|(name, reason)| (text(name), reason)).collect();
        for (name, setting) in variables.iter().map(|(name, setting)| (text(name), setting)) {
            if hidden.iter().all(|(it, _)| *it != name) {
                println!("= {name} {}", quoted(&text(&setting.value)));
            }
        }
        for (name, reason) in hidden {
            println!("? {name} {}", quoted(reason));
        }
        if let Some(reason) = variables.rest_hidden() {
            println!("* {}", quoted(reason));
        }
    }
    ExitCode::SUCCESS
}
