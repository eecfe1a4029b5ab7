//! The contract of `Suppressions`.

use domain::EmailAddress;

use crate::fixtures::Store;

on_every_store! {
    an_address_is_suppressed_until_it_is_removed,
    suppressions_are_read_page_by_page,
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

async fn an_address_is_suppressed_until_it_is_removed(store: Store) {
    let (ada, in_other_case) = (address("ada@example.com"), address("ADA@Example.com"));
    let is_suppressed =
        async |email: &EmailAddress| store.suppressions.find(email).await.unwrap().is_some();
    assert!(!is_suppressed(&ada).await);
    assert!(store.suppressions.add(&in_other_case).await.unwrap());
    assert!(!store.suppressions.add(&ada).await.unwrap(), "it is there already");
    assert!(is_suppressed(&ada).await);
    assert!(!is_suppressed(&address("ada@example.org")).await);
    assert!(store.suppressions.remove(&ada).await.unwrap());
    assert!(!store.suppressions.remove(&ada).await.unwrap());
    assert!(!is_suppressed(&in_other_case).await);
}

async fn suppressions_are_read_page_by_page(store: Store) {
    let texts = ["a@example.com", "B@example.com", "c@example.com"];
    for text in texts.iter().rev() {
        store.suppressions.add(&address(text)).await.unwrap();
    }
    let page = async |after: Option<&EmailAddress>| {
        let page = store.suppressions.page(after, 2).await.unwrap();
        page.into_iter().map(|suppression| suppression.email).collect::<Vec<_>>()
    };
    let first = page(None).await;
    assert_eq!(first, ["a@example.com", "b@example.com"].map(address));
    assert_eq!(page(Some(&first[1])).await, [address("c@example.com")]);
    assert_eq!(page(Some(&address("c@example.com"))).await, []);
}
