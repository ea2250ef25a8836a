//! The two stores: DynamoDB, the truth ([`dynamodb`]), and Redis, the fast copy ([`redis`]), whose scripts stand in
//! `shared/stores/lua`. AWS types stop in the one, Redis types in the other.

pub mod dynamodb;
pub mod redis;
pub mod waiting;
