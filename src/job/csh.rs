//! csh and tcsh.

use std::sync::Arc;

use super::builtins::Argument;
use super::parser::Parsed;
use super::run::Runner;
use super::text::{Origin, Span};
use super::world::World;

/// Parses a whole text as csh.
pub(super) fn parse(origin: &Arc<Origin>) -> Parsed {
    super::parser::parse(origin, 0)
}

impl Runner<'_> {
    pub(super) fn csh_set(&mut self, _rest: &[Argument], _span: &Span, _world: &mut World) {}

    pub(super) fn csh_builtin(
        &mut self,
        _name: &str,
        _rest: &[Argument],
        _span: &Span,
        world: World,
    ) -> Result<Vec<World>, Box<World>> {
        Err(Box::new(world))
    }
}
