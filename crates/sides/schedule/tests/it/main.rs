//! Expressions and zones beside another implementation.

mod croner;
