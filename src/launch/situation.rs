//! The answers to the conditions of a launcher's defaults.

use super::condition::{Situation, Truth};
use super::effect::Target;
use super::meaning::{Amount, Meaning};
use super::placement::Site;
use super::quantity::Quantity;

impl Situation for Site<'_> {
    fn version(&self) -> Option<String> {
        self.line.version.clone()
    }

    fn version_unknown(&self) -> String {
        format!("the version of {} is not known", self.description.title)
    }

    fn ranks(&self) -> Result<u64, String> {
        let ranks = &self.counts.ranks;
        ranks.value.ok_or_else(|| ranks.reason())
    }

    fn oversubscribed(&self) -> Truth {
        let slots = self.request.amount(Amount::SlotsPerNode);
        let room = if slots.value.is_some() { &slots } else { &self.machine.cores };
        match (self.counts.ranks_per_node.value, room.value) {
            (Some(ranks), Some(room)) => Truth::of(room < ranks),
            // A launcher refuses more ranks than slots unless it is told otherwise.
            (_, _) if self.line.last(Meaning::Oversubscribe).is_none() => Truth::No,
            (_, _) => Truth::Unknown(room.reason()),
        }
    }

    fn autobind(&self) -> Result<Option<String>, String> {
        match self.known.site {
            Some(site) => Ok(site.scheduler.autobind.as_ref().map(|it| it.value.clone())),
            None => Err("[scheduler] autobind of a site profile would decide it".to_owned()),
        }
    }

    fn task_plugins(&self) -> Result<Vec<String>, String> {
        let stated = self.known.site.and_then(|it| it.scheduler.task_plugins.as_ref());
        stated.map(|it| it.value.clone()).ok_or_else(|| "[scheduler] task_plugins would decide it".to_owned())
    }

    fn given(&self, amount: Amount) -> Truth {
        let depends =
            self.settings.unread.iter().find(|it| it.amount == Some(amount)).and_then(|it| it.depends.clone());
        match (self.settings.given(amount), depends) {
            (true, _) => Truth::Yes,
            (false, Some(reason)) => Truth::Unknown(reason),
            (false, None) => Truth::No,
        }
    }

    fn fills(&self, target: Target) -> Truth {
        if let Truth::Unknown(reason) = self.given(Amount::CpusPerRank) {
            return Truth::Unknown(reason);
        }
        let each = self.settings.amount(Amount::CpusPerRank).cloned().unwrap_or_else(|| Quantity::known(1, "default"));
        let wanted = self.counts.ranks_per_node.with(&each, "ranks x CPUs", u64::checked_mul);
        let units = if target == Target::Core {
            self.owned_cores.clone()
        } else if target == Target::Socket {
            self.sockets_of_step()
        } else {
            self.owned_cpus()
        };
        match (wanted.value, units.value) {
            (Some(wanted), Some(units)) => Truth::of(wanted == units),
            (None, _) => Truth::Unknown(wanted.reason()),
            (_, None) => Truth::Unknown(units.reason()),
        }
    }
}

impl Site<'_> {
    /// Sockets, where the step has the whole node.
    fn sockets_of_step(&self) -> Quantity {
        if self.owned_cores.value.is_some() && self.owned_cores.value == self.machine.cores.value {
            return self.machine.sockets.clone();
        }
        Quantity::unknown("how many sockets the CPUs of the job belong to is not known")
    }
}
