//! Operators.

use super::*;
use crate::settings::Error;
use crate::store::{Changes, SetupToken, User, now};
use crate::values::{Field, Rule};

/// An operator who can sign in, as witness.
async fn root(house: &House, email: &str) -> (Uuid, Operator) {
    let id = Uuid::now_v7();
    let email = Email::parse(email).unwrap();
    let user = User { operator: true, ..account(id, &email, Some("root's password")) };
    house.settings.store().commit(Changes::new().put(&user)).await.unwrap();
    (id, Operator::for_test(Actor::User { id, email }))
}

fn account(id: Uuid, email: &Email, password: Option<&str>) -> User {
    User {
        id,
        email: email.clone(),
        password_hash: password.map(str::to_owned),
        operator: false,
        disabled: false,
        created_at: 0,
        session_epoch: 3,
        vouched_by: None,
    }
}

impl House {
    fn user(&self, id: Uuid) -> User {
        self.settings.store().users().get(id).unwrap().unwrap()
    }

    async fn link_to(&self, user: Uuid) {
        let token = SetupToken { hash: hex::encode(user), user: Some(user), epoch: 0, expires_at: now() + 1_000_000 };
        self.settings.store().commit(Changes::new().put(&token)).await.unwrap();
    }

    fn links(&self) -> usize {
        self.settings.store().setup_tokens().all().unwrap().len()
    }
}

#[tokio::test]
async fn operators_are_added_listed_disabled_and_removed() {
    let house = house();
    let settings = &house.settings;
    let (_, root) = root(&house, "root@x").await;
    let wrong = settings.add_operator(&root, "nobody").await.unwrap_err();
    assert_eq!(wrong, Error::Invalid { field: Field::Email, rule: Rule::Email });
    assert_eq!(settings.add_operator(&root, "ROOT@x").await.unwrap_err(), Error::Taken(Field::Email));
    let ana = settings.add_operator(&root, "Ana@X").await.unwrap();
    assert_eq!((ana.email.as_str(), ana.invite, ana.epoch), ("ana@x", true, 0));
    assert!(settings.may_invite_operator(&root, ana.user).unwrap());
    let renewed = settings.renew_operator_invitation(&root, ana.user).unwrap();
    assert_eq!((renewed.user, renewed.epoch, ana.renewed.is_none()), (ana.user, 0, true));
    assert!(renewed.renewed.is_some(), "a new link is told of; the first one came with the account");
    let rows = settings.operators(&root).unwrap();
    let seen: Vec<_> = rows.iter().map(|row| (row.email.as_str(), row.active, row.enabled, row.is_self)).collect();
    assert_eq!(seen, [("ana@x", false, true, false), ("root@x", true, true, true)]);

    house.link_to(ana.user).await;
    settings.enable_operator(&root, ana.user, false).await.unwrap();
    assert_eq!((house.user(ana.user).disabled, house.user(ana.user).session_epoch, house.links()), (true, 1, 0));
    assert_eq!(settings.renew_operator_invitation(&root, ana.user).unwrap_err(), Error::Stale);
    assert!(!settings.may_invite_operator(&root, ana.user).unwrap());
    settings.enable_operator(&root, ana.user, true).await.unwrap();
    assert_eq!(settings.renew_operator_invitation(&root, ana.user).unwrap().epoch, 1);

    house.link_to(ana.user).await;
    settings.remove_operator(&root, ana.user).await.unwrap();
    assert!(settings.store().users().get(ana.user).unwrap().is_none(), "an account that was never taken up goes too");
    assert_eq!((settings.operators(&root).unwrap().len(), house.links()), (1, 0));
    assert_eq!(settings.remove_operator(&root, ana.user).await.unwrap_err(), Error::NotFound);
    assert_eq!(settings.enable_operator(&root, ana.user, false).await.unwrap_err(), Error::NotFound);
}

#[tokio::test]
async fn nobody_locks_themselves_out_and_one_who_can_sign_in_stays() {
    let house = house();
    let settings = &house.settings;
    let (ana, as_ana) = root(&house, "ana@x").await;
    let (bob, as_bob) = root(&house, "bob@x").await;
    assert_eq!(settings.enable_operator(&as_ana, ana, false).await.unwrap_err(), Error::LastAdmin);
    assert_eq!(settings.remove_operator(&as_ana, ana).await.unwrap_err(), Error::LastAdmin);
    settings.enable_operator(&as_ana, ana, true).await.unwrap();

    // Both act at the same moment, each with the right to: the second is refused.
    settings.enable_operator(&as_ana, bob, false).await.unwrap();
    assert_eq!(settings.enable_operator(&as_bob, ana, false).await.unwrap_err(), Error::LastAdmin);
    assert_eq!(settings.remove_operator(&as_bob, ana).await.unwrap_err(), Error::LastAdmin);
    // Somebody without a password is nobody who can sign in.
    settings.add_operator(&as_ana, "new@x").await.unwrap();
    assert_eq!(settings.remove_operator(&as_bob, ana).await.unwrap_err(), Error::LastAdmin);
    settings.remove_operator(&as_ana, bob).await.unwrap();
    let bob = house.user(bob);
    assert_eq!((bob.operator, bob.disabled, bob.password_hash.is_some()), (false, true, true), "disabled it stays");
}

/// Else whoever made an account for somebody, and set its password, would be an operator.
#[tokio::test]
async fn what_others_may_know_of_an_account_is_worth_nothing_once_it_is_an_operators() {
    let house = house();
    let settings = &house.settings;
    let (_, root) = root(&house, "root@x").await;
    let acme = house.workspace("acme").await.id;
    let own = WorkspaceMember::for_test(someone(), acme, Role::Admin).admin().unwrap();

    let made = settings.add_member(&own, "mallory@x", "viewer").await.unwrap().user;
    let taken = User { password_hash: Some("acme's admin knows it".to_owned()), ..house.user(made) };
    settings.store().commit(Changes::new().put(&taken)).await.unwrap();
    let added = settings.add_operator(&root, "mallory@x").await.unwrap();
    let after = house.user(made);
    assert_eq!((added.user, added.invite, added.epoch), (made, true, after.session_epoch));
    assert_eq!((after.operator, after.password_hash.as_deref(), after.vouched_by), (true, None, None));
    assert!(after.session_epoch > taken.session_epoch, "sessions of before are over");
    assert!(!settings.may_invite(&own, made).unwrap() && settings.renew_invitation(&own, made).is_err());

    // A link that acme's admin still holds is gone too.
    let waiting = settings.add_member(&own, "eve@x", "viewer").await.unwrap().user;
    house.link_to(waiting).await;
    let added = settings.add_operator(&root, "eve@x").await.unwrap();
    assert_eq!((added.invite, added.epoch, house.links()), (true, 1, 0));

    // One that operators have vouched for keeps its password, and begins its sessions anew.
    let trusted = account(Uuid::now_v7(), &Email::parse("carol@x").unwrap(), Some("hers alone"));
    let disabled = User { disabled: true, ..account(Uuid::now_v7(), &Email::parse("dan@x").unwrap(), Some("old")) };
    settings.store().commit(Changes::new().put(&trusted).put(&disabled)).await.unwrap();
    let added = settings.add_operator(&root, "carol@x").await.unwrap();
    let after = house.user(trusted.id);
    assert_eq!((added.invite, after.password_hash, after.session_epoch), (false, trusted.password_hash, 4));
    assert!(settings.add_operator(&root, "dan@x").await.unwrap().invite, "what was disabled begins again");
    assert!(!house.user(disabled.id).disabled);

    // Without the rights it is a plain account again, with its memberships.
    settings.remove_operator(&root, made).await.unwrap();
    assert!(!house.user(made).operator && settings.members(&member(acme)).unwrap().iter().any(|row| row.user == made));
    assert!(!settings.may_invite(&own, made).unwrap(), "and is the operators' to vouch for");
}
