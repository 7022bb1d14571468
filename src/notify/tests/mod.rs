//! Delivery as a receiver sees it: a real engine over the store in memory, a real receiver on the
//! loopback, crashes where they hurt.

mod crashes;
mod manual;
mod receiver;
mod store;
mod telling;
mod world;
