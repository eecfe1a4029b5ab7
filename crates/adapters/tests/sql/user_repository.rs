//! The contract of `UserRepository`.

mod changes;
mod claims;
mod maintenance;

use crate::fixtures::{Store, events_of};
use domain::User;
use domain::ports::ClaimError;

async fn claim(store: &Store, user: &mut User) -> Result<(), ClaimError> {
    let events = events_of(user);
    store.users.claim(user, &events).await
}

fn assert_same(stored: &User, user: &User) {
    assert_eq!(stored.id(), user.id());
    assert_eq!(stored.email().as_str(), user.email().as_str());
    assert_eq!(stored.password_hash(), user.password_hash());
    assert_eq!(stored.issue(), user.issue());
}

async fn find(store: &Store, user: &User) -> User {
    store.users.find(user.id()).await.unwrap().expect("the user is stored")
}
