//! Under construction.
/// x
pub const FLAT_SCHEMA: &str = "pyhpc-facts/1";
/// x
pub struct Flat;
/// x
pub struct FlatError;
