//! Workspaces and members.

use super::*;
use crate::settings::Error;
use crate::store::{Changes, SetupToken, User, now};
use crate::values::{Field, Rule};

#[tokio::test]
async fn workspaces_are_made_listed_renamed_and_deleted() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await;
    house.workspace("blue").await;
    assert_eq!(settings.create_workspace(&operator(), "acme", "Other").await.unwrap_err(), Error::Taken(Field::Slug));
    assert_eq!(
        settings.create_workspace(&operator(), "A B", "x").await.unwrap_err(),
        Error::Invalid { field: Field::Slug, rule: Rule::Slug }
    );
    settings.rename_workspace(&admin(acme.id), " Zebra ").await.unwrap();
    settings.create_route(&admin(acme.id), "r", "R", "http://up").await.unwrap();
    settings.add_member(&admin(acme.id), "a@x", "viewer").await.unwrap();
    settings.save_export(&own(acme.id), &form("http://c", "", 0)).await.unwrap();
    let rows = settings.workspaces(&operator(), "", 0, 10).unwrap();
    let found: Vec<_> = rows.rows.iter().map(|row| (row.workspace.name.as_str(), row.routes, row.members, row.exporting)).collect();
    assert_eq!((found, rows.total), (vec![("blue", 0, 0, false), ("Zebra", 1, 1, true)], 2));

    let wrong = settings.delete_workspace(&operator(), acme.id, "Zebra").await.unwrap_err();
    assert_eq!(wrong, Error::Invalid { field: Field::Confirmation, rule: Rule::ConfirmationMismatch });
    settings.delete_workspace(&operator(), acme.id, "acme").await.unwrap();
    assert_eq!(settings.workspace(&member(acme.id)).unwrap_err(), Error::NotFound);
    assert!(settings.store().routes().all().unwrap().is_empty() && settings.store().exports().all().unwrap().is_empty());
    assert_eq!(settings.rename_workspace(&admin(acme.id), "x").await.unwrap_err(), Error::NotFound);
}

#[tokio::test]
async fn members_come_and_go() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let ana = settings.add_member(&admin(acme), "Ana@X", "admin").await.unwrap();
    assert!(ana.invite);
    assert_eq!(settings.add_member(&admin(acme), "ana@x", "viewer").await.unwrap_err(), Error::Taken(Field::Email));
    let wrong = settings.add_member(&admin(acme), "bob@x", "boss").await.unwrap_err();
    assert_eq!(wrong, Error::Invalid { field: Field::Role, rule: Rule::Role });
    settings.set_member_role(&admin(acme), ana.user, "viewer").await.unwrap();
    let rows = settings.members(&member(acme)).unwrap();
    assert_eq!(
        (rows.len(), rows[0].email.as_str(), rows[0].role, rows[0].active, rows[0].is_self),
        (1, "ana@x", Role::Viewer, false, false)
    );

    let token = SetupToken { hash: "ab".to_owned(), user: Some(ana.user), epoch: 0, expires_at: now() };
    settings.store().commit(Changes::new().put(&token)).await.unwrap();
    settings.remove_member(&admin(acme), ana.user).await.unwrap();
    assert!(settings.members(&member(acme)).unwrap().is_empty());
    assert!(settings.store().users().get(ana.user).unwrap().is_none(), "an account that was never taken up goes too");
    assert!(settings.store().setup_tokens().all().unwrap().is_empty());
    assert_eq!(settings.remove_member(&admin(acme), ana.user).await.unwrap_err(), Error::NotFound);
}

#[tokio::test]
async fn nobody_removes_or_demotes_themselves() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let ana = settings.add_member(&admin(acme), "ana@x", "admin").await.unwrap().user;
    let herself = Operator::for_test(Actor::User { id: ana, email: Email::parse("ana@x").unwrap() }).admin_of(acme);
    assert_eq!(settings.remove_member(&herself, ana).await.unwrap_err(), Error::LastAdmin);
    assert_eq!(settings.set_member_role(&herself, ana, "viewer").await.unwrap_err(), Error::LastAdmin);
    settings.set_member_role(&herself, ana, "admin").await.unwrap();
}

/// Else an admin of one workspace could set the password of an account that was invited to another, and enter there.
#[tokio::test]
async fn an_account_of_another_workspace_is_not_invited_again() {
    let house = house();
    let settings = &house.settings;
    let (acme, blue) = (house.workspace("acme").await.id, house.workspace("blue").await.id);
    let own = |workspace| WorkspaceMember::for_test(someone(), workspace, Role::Admin).admin().unwrap();
    let first = settings.add_member(&own(acme), "ana@x", "admin").await.unwrap();
    assert!(first.invite && settings.may_invite(&own(acme), first.user).unwrap());
    let refused = Error::Invalid { field: Field::Email, rule: Rule::AccountElsewhere };
    assert_eq!(settings.add_member(&own(blue), "ana@x", "viewer").await.unwrap_err(), refused, "waiting for its password");
    let account = settings.store().users().get(first.user).unwrap().unwrap();
    let active = User { password_hash: Some("known to acme's admin".to_owned()), ..account.clone() };
    settings.store().commit(Changes::new().put(&active)).await.unwrap();
    assert_eq!(settings.add_member(&own(blue), "ana@x", "viewer").await.unwrap_err(), refused, "with a password that acme chose");

    // The operator may, and from then on stands for the account: what acme knows of it is worth nothing any more.
    let second = settings.add_member(&admin(blue), "ana@x", "viewer").await.unwrap();
    assert_eq!((second.user, second.invite, second.epoch), (first.user, true, first.epoch + 1));
    let account = settings.store().users().get(first.user).unwrap().unwrap();
    assert_eq!((account.password_hash, account.vouched_by), (None, None));
    assert!(!settings.may_invite(&own(acme), first.user).unwrap() && !settings.may_invite(&own(blue), first.user).unwrap());
    settings.remove_member(&own(blue), first.user).await.unwrap();
    assert!(settings.store().users().get(first.user).unwrap().is_some(), "it still belongs to the other one");
    assert!(!settings.may_invite(&own(acme), first.user).unwrap(), "nor when it is alone there");
    assert_eq!(settings.may_invite(&own(blue), first.user).unwrap_err(), Error::NotFound);
}

#[tokio::test]
async fn members_are_disabled_and_enabled_but_never_the_last_admin() {
    let house = house();
    let settings = &house.settings;
    let acme = house.workspace("acme").await.id;
    let ana = settings.add_member(&admin(acme), "ana@x", "admin").await.unwrap().user;
    let bob = settings.add_member(&admin(acme), "bob@x", "viewer").await.unwrap().user;
    let enabled = || settings.members(&member(acme)).unwrap().iter().map(|row| (row.email.to_string(), row.enabled)).collect::<Vec<_>>();
    assert_eq!(settings.enable_member(&admin(acme), ana, false).await.unwrap_err(), Error::LastAdmin, "for the operator too");
    settings.enable_member(&admin(acme), bob, false).await.unwrap();
    assert_eq!(enabled(), [("ana@x".to_owned(), true), ("bob@x".to_owned(), false)]);
    assert_eq!(settings.add_member(&admin(acme), "bob@x", "viewer").await.unwrap_err(), Error::Taken(Field::Email));

    // An admin who is disabled, here or altogether, is none who stays.
    settings.set_member_role(&admin(acme), bob, "admin").await.unwrap();
    assert_eq!(settings.enable_member(&admin(acme), ana, false).await.unwrap_err(), Error::LastAdmin);
    settings.enable_member(&admin(acme), bob, true).await.unwrap();
    let account = settings.store().users().get(bob).unwrap().unwrap();
    settings.store().commit(Changes::new().put(&User { disabled: true, ..account.clone() })).await.unwrap();
    assert_eq!(settings.enable_member(&admin(acme), ana, false).await.unwrap_err(), Error::LastAdmin);
    assert!(!settings.members(&member(acme)).unwrap()[1].account_enabled);
    settings.store().commit(Changes::new().put(&account)).await.unwrap();

    let herself = WorkspaceMember::for_test(Actor::User { id: ana, email: Email::parse("ana@x").unwrap() }, acme, Role::Admin);
    let herself = herself.admin().unwrap();
    assert_eq!(settings.enable_member(&herself, ana, false).await.unwrap_err(), Error::LastAdmin);
    settings.enable_member(&admin(acme), ana, false).await.unwrap();
    // Whoever was let in a moment ago, and is disabled since, takes no admin away either.
    assert_eq!(settings.remove_member(&herself, bob).await.unwrap_err(), Error::LastAdmin);
    assert_eq!(settings.set_member_role(&herself, bob, "viewer").await.unwrap_err(), Error::LastAdmin);
    assert_eq!(enabled(), [("ana@x".to_owned(), false), ("bob@x".to_owned(), true)]);
    settings.set_member_role(&admin(acme), ana, "viewer").await.unwrap();
    assert!(!enabled()[0].1, "a change of role is none of this");
    assert_eq!(settings.enable_member(&admin(acme), Uuid::from_u128(9), false).await.unwrap_err(), Error::NotFound);
}

#[tokio::test]
async fn a_new_link_is_for_whoever_may_vouch_and_only_without_a_password() {
    let house = house();
    let settings = &house.settings;
    let (acme, blue) = (house.workspace("acme").await.id, house.workspace("blue").await.id);
    let own = |workspace| WorkspaceMember::for_test(someone(), workspace, Role::Admin);
    let ana = settings.add_member(&own(acme).admin().unwrap(), "ana@x", "admin").await.unwrap().user;
    let offered = |witness: &WorkspaceMember| settings.members(witness).unwrap()[0].may_invite;
    assert!(offered(&own(acme)) && !offered(&member(acme)), "not to a viewer");
    let link = settings.renew_invitation(&own(acme).admin().unwrap(), ana).unwrap();
    assert_eq!((link.user, link.email.as_str(), link.invite, link.epoch), (ana, "ana@x", true, 0));
    assert_eq!(settings.renew_invitation(&own(blue).admin().unwrap(), ana).unwrap_err(), Error::NotFound);

    // The operator adds it elsewhere: now only the operator knows whose it is, and may give the link in either place.
    settings.add_member(&admin(blue), "ana@x", "viewer").await.unwrap();
    for workspace in [acme, blue] {
        let refused = settings.renew_invitation(&own(workspace).admin().unwrap(), ana).unwrap_err();
        assert_eq!(refused, Error::Invalid { field: Field::Email, rule: Rule::AccountElsewhere });
        assert!(!offered(&own(workspace)));
        assert_eq!(settings.renew_invitation(&admin(workspace), ana).unwrap().epoch, 1);
        assert!(settings.may_invite(&admin(workspace), ana).unwrap(), "and is shown what was made");
    }
    let account = settings.store().users().get(ana).unwrap().unwrap();
    settings.store().commit(Changes::new().put(&User { password_hash: Some("x".to_owned()), ..account.clone() })).await.unwrap();
    assert_eq!(settings.renew_invitation(&admin(acme), ana).unwrap_err(), Error::Stale);
    // An operator's link is not to be had through a workspace.
    settings.store().commit(Changes::new().put(&User { operator: true, ..account })).await.unwrap();
    assert!(!settings.may_invite(&admin(acme), ana).unwrap());
    assert_eq!(settings.renew_invitation(&admin(acme), ana).unwrap_err(), Error::Stale);
}
