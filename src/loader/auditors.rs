//! Auditors: libraries that the loader asks about every name, and that may answer with another one.
//!
//! They are told, not modelled: what an auditor does is code. Source: rtld-audit(7), ld.so(8).

use crate::base::Variables;
use crate::elf::Linkage;

/// One auditor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auditor {
    /// The library, as it is named.
    pub name: Vec<u8>,
    /// Who names it: `LD_AUDIT`, `DT_AUDIT` or `DT_DEPAUDIT` of the executable.
    pub named_by: &'static str,
}

/// The auditors of a glibc process; musl has none.
pub fn auditors(executable: &Linkage, variables: &Variables) -> Vec<Auditor> {
    let split = |list: &[u8]| -> Vec<Vec<u8>> {
        list.split(|it| *it == b':').filter(|it| !it.is_empty()).map(<[u8]>::to_vec).collect()
    };
    let by_variable = split(variables.get("LD_AUDIT").unwrap_or_default());
    let by_tag = executable.audit.iter().flat_map(|it| split(it));
    let named = by_variable.into_iter().map(|name| Auditor { name, named_by: "LD_AUDIT" });
    named.chain(by_tag.map(|name| Auditor { name, named_by: "DT_AUDIT or DT_DEPAUDIT of the executable" })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_and_tags_name_them() {
        let mut variables = Variables::default();
        variables.set(b"LD_AUDIT", b"/a.so:b.so", "test");
        let linkage = Linkage { audit: vec![b"c.so".to_vec()], ..Linkage::default() };
        let names: Vec<Vec<u8>> = auditors(&linkage, &variables).into_iter().map(|it| it.name).collect();
        assert_eq!(names, [b"/a.so".to_vec(), b"b.so".to_vec(), b"c.so".to_vec()]);
        assert!(auditors(&Linkage::default(), &Variables::default()).is_empty());
    }
}
