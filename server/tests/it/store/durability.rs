//! Reopening, locking, damage.

use server::store::{Changes, CommitError, ExportSettings, Member, OpenError, Store, User, Workspace, now};
use server::values::{DisplayName, Email, Role, Slug, TenantId};
use uuid::Uuid;

fn workspace(slug: &str) -> Workspace {
    Workspace {
        id: TenantId(Uuid::now_v7()),
        slug: Slug::parse(slug).unwrap(),
        name: DisplayName::parse(&slug.to_uppercase()).unwrap(),
        enabled: true,
        created_at: now(),
    }
}

fn user(email: &str) -> User {
    User {
        id: Uuid::now_v7(),
        email: Email::parse(email).unwrap(),
        password_hash: None,
        operator: false,
        disabled: false,
        created_at: now(),
        session_epoch: 0,
        vouched_by: None,
    }
}

fn export(workspace: Option<TenantId>) -> ExportSettings {
    ExportSettings {
        workspace,
        endpoint: None,
        service_name: None,
        headers: None,
        traces: true,
        logs: true,
        metrics: true,
        compression: None,
        timeout_s: None,
        temporality: None,
        preset: None,
        paused: None,
        generation: 1,
        saved_at: now(),
        saved_by: None,
    }
}

#[tokio::test]
async fn what_was_confirmed_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let acme = workspace("acme");
    {
        let store = Store::open(dir.path()).unwrap();
        store.commit(Changes::new().put(&acme)).await.unwrap();
    }
    let store = Store::open(dir.path()).unwrap();
    let found = store.workspaces().by_slug(&acme.slug).unwrap().unwrap();
    assert_eq!((found.id, found.name), (acme.id, acme.name));
}

/// Copies the files while the database is open, as a power failure would leave them.
#[tokio::test]
async fn what_was_confirmed_survives_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let after = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    for round in 0..20 {
        let one = workspace(&format!("w{round}"));
        let settings = export(Some(one.id));
        store.commit(Changes::new().put(&one).put(&settings)).await.unwrap();
        let copy = after.path().join(round.to_string());
        copy_folder(dir.path(), &copy);
        let crashed = Store::open(&copy).unwrap();
        assert_eq!(crashed.workspaces().all().unwrap().len(), round + 1);
        assert_eq!(crashed.exports().all().unwrap().len(), round + 1);
        assert!(crashed.workspaces().by_slug(&one.slug).unwrap().is_some());
    }
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_second_opener_is_told_why() {
    let dir = tempfile::tempdir().unwrap();
    let first = Store::open(dir.path()).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("in use by another process"));
    drop(first);
    Store::open(dir.path()).unwrap();
}

/// Whatever bytes are lost: it is noticed, and never a panic or an empty start.
#[tokio::test]
async fn a_damaged_database_is_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    {
        let store = Store::open(&whole).unwrap();
        for n in 0..50 {
            store.commit(Changes::new().put(&workspace(&format!("w{n}")))).await.unwrap();
        }
    }
    let length = std::fs::metadata(whole.join("db")).unwrap().len();
    for n in 0..24 {
        let copy = dir.path().join(n.to_string());
        copy_folder(&whole, &copy);
        let mut bytes = std::fs::read(copy.join("db")).unwrap();
        let at = usize::try_from(length * n / 24).unwrap();
        let end = bytes.len().min(at + 20_000);
        bytes[at..end].fill(0xa5);
        std::fs::write(copy.join("db"), &bytes).unwrap();
        let error = Store::open(&copy).unwrap_err();
        assert!(matches!(error, OpenError::Lost { written: 50, .. }), "{n}: {error}");
        // The way out that the message names.
        std::fs::remove_file(copy.join("commits")).unwrap();
        assert!(Store::open(&copy).unwrap().workspaces().all().unwrap().len() < 50);
    }
    let file = dir.path().join("file");
    std::fs::write(&file, b"").unwrap();
    assert!(matches!(Store::open(&file).unwrap_err(), OpenError::Io { .. }));
}

#[tokio::test]
async fn emails_and_slugs_are_unique() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.commit(Changes::new().put(&user("ana@x")).put(&workspace("acme"))).await.unwrap();
    let taken = store.commit(Changes::new().put(&user("ANA@X"))).await;
    assert_eq!(taken, Err(CommitError::Taken { tree: "users", index: "email" }));
    let taken = store.commit(Changes::new().put(&workspace("acme"))).await;
    assert_eq!(taken, Err(CommitError::Taken { tree: "workspaces", index: "slug" }));
}

#[tokio::test]
async fn two_writers_of_one_value_get_one_winner() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let attempts = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.commit(Changes::new().put(&user("ana@x"))).await })
    });
    let results: Vec<_> = futures::future::join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(store.users().all().unwrap().len(), 1);
}

#[tokio::test]
async fn members_are_found_both_ways_and_go_with_their_workspace() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let (acme, blue, ana, bob) = (workspace("acme"), workspace("blue"), user("ana@x"), user("bob@x"));
    let member = |w: &Workspace, u: &User| Member { workspace: w.id, user: u.id, role: Role::Admin, added_at: now(), disabled: false };
    let changes = Changes::new().put(&acme).put(&blue).put(&ana).put(&bob).put(&export(Some(acme.id))).put(&export(None));
    let changes = changes.put(&member(&acme, &ana)).put(&member(&blue, &ana)).put(&member(&acme, &bob));
    store.commit(changes).await.unwrap();
    assert_eq!(store.members().of_workspace(acme.id).unwrap().len(), 2);
    assert_eq!(store.members().of_user(ana.id).unwrap().len(), 2);
    assert_eq!(store.members().of_user(bob.id).unwrap().len(), 1);

    store.commit(store.workspaces().deletion(acme.id).unwrap()).await.unwrap();
    assert!(store.members().of_user(bob.id).unwrap().is_empty());
    assert_eq!(store.members().of_user(ana.id).unwrap()[0].workspace, blue.id);
    assert!(store.exports().of(acme.id).unwrap().is_none());
    assert!(store.exports().operator().unwrap().is_some());
    assert!(store.workspaces().by_slug(&acme.slug).unwrap().is_none());
    store.commit(Changes::new().put(&workspace("acme"))).await.unwrap();
}

#[tokio::test]
async fn pages_of_workspaces() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let changes = (0..25).fold(Changes::new(), |changes, n| changes.put(&workspace(&format!("team-{n:02}"))));
    store.commit(changes.put(&workspace("other"))).await.unwrap();
    let page = store.workspaces().page(" TEAM", 1, 20).unwrap();
    let slugs: Vec<_> = page.rows.iter().map(|row| row.slug.as_str().to_owned()).collect();
    assert_eq!((page.total, slugs), (25, (20..25).map(|n| format!("team-{n}")).collect()));
    assert_eq!(store.workspaces().page("", 0, 100).unwrap().total, 26);
}
