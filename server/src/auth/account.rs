//! The room itself, and one request's view of it: signing in and out, changing the password.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tower_sessions::Session;
use uuid::Uuid;

use super::caller::Caller;
use super::clock::Clock;
use super::error::AuthError;
use super::kept::Kept;
use super::password::Passwords;
use super::reveal::Reveal;
use super::session::{self, SessionLayer, SignedIn};
use super::throttle::{Attempt, Throttle};
use crate::audit::{Action, Log, Resource, Told};
use crate::bus::Bus;
use crate::event::{Event, Security, SecurityKind, TraceContext};
use crate::per_minute::PerMinute;
use crate::store::{Changes, ReadError, Store, User};
use crate::values::{Email, Field, Password, TenantId};

/// Accounts and sessions. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Auth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    /// Sessions that are not as the store says.
    kept: Kept,
    bus: Bus,
    clock: Clock,
    passwords: Passwords,
    throttle: Throttle,
    reveal: Reveal,
    /// Accounts of which the audit log told lately that signing in is locked.
    locks_told: Mutex<PerMinute<Uuid>>,
}

/// Where a request came from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub address: Option<IpAddr>,
    pub request_id: Option<Uuid>,
    pub trace: Option<TraceContext>,
    /// Learns which workspace the request is about, once the caller may see it; `None` when nobody wants to know.
    pub workspace: Option<Arc<OnceLock<TenantId>>>,
}

/// One request of the console: its session, its caller and its origin.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub(super) auth: Auth,
    pub(super) session: Session,
    pub(super) caller: Caller,
    pub(super) origin: Origin,
}

impl Auth {
    #[must_use]
    pub fn new(store: Store, bus: Bus, clock: Clock) -> Self {
        let (throttle, reveal) = (Throttle::new(clock.clone()), Reveal::new(clock.clone()));
        Self(Arc::new(Inner {
            store,
            kept: Kept::default(),
            bus,
            clock,
            passwords: Passwords::default(),
            throttle,
            reveal,
            locks_told: Mutex::new(PerMinute::new(1)),
        }))
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    pub(super) fn locks_told(&self) -> MutexGuard<'_, PerMinute<Uuid>> {
        self.0.locks_told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What waits to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &Reveal {
        &self.0.reveal
    }

    /// The middleware that gives every request its session.
    #[must_use]
    pub fn session_layer(&self, https: bool) -> SessionLayer {
        session::layer(self.0.store.clone(), self.0.kept.clone(), self.0.clock.clone(), https)
    }

    #[must_use]
    pub const fn cookie_name(https: bool) -> &'static str {
        session::cookie_name(https)
    }

    /// Whose request this is. Ends a session whose account is gone, disabled or has a new password, and writes down now
    /// and then that the session is in use.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn visitor(&self, session: Session, origin: Origin) -> Result<Visitor, AuthError> {
        let caller = match session::read(&session).await? {
            None => Caller::Nobody,
            Some(signed_in) => self.recall(&session, signed_in).await?,
        };
        Ok(Visitor { auth: self.clone(), session, caller, origin })
    }

    async fn recall(&self, session: &Session, signed_in: SignedIn) -> Result<Caller, AuthError> {
        let user = match self.store().users().get(signed_in.user) {
            Ok(user) => user,
            // An account whose record is broken can't be told from another: nobody is let in as it.
            Err(ReadError::Undecodable { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let Some(user) = user.filter(|user| !user.disabled && user.session_epoch == signed_in.epoch) else {
            session.flush().await?;
            return Ok(Caller::Nobody);
        };
        let now = self.0.clock.now_ms();
        if signed_in.wants_bump(now) {
            session::write(session, &SignedIn { seen_at: now, ..signed_in }).await?;
        }
        Ok(Caller::User(Arc::new(user)))
    }

    /// Removes sessions and links that are over. Worth calling about once an hour.
    ///
    /// # Errors
    /// The store can't be read or written.
    pub async fn sweep(&self) -> Result<(), AuthError> {
        let now = self.0.clock.now_ms();
        self.settle().await?;
        self.store().sessions().remove_expired(now).await?;
        self.store().setup_tokens().remove_expired(now).await?;
        Ok(())
    }

    /// Tells the store which of its sessions have ended while it had no room.
    ///
    /// # Errors
    /// The store's.
    pub async fn settle(&self) -> Result<(), AuthError> {
        Ok(self.0.kept.settle(self.store(), self.0.clock.now_ms()).await?)
    }

    /// Tells whoever listens.
    pub fn security(&self, kind: SecurityKind, tenant: Option<TenantId>, origin: &Origin) {
        self.0.bus.emit(tenant, || {
            let (client_address, trace) = (origin.address, origin.trace.clone());
            Event::Security(Security { at: self.0.clock.now(), kind, tenant, client_address, trace, count: 1 })
        });
    }
}

impl Visitor {
    #[must_use]
    pub const fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Checks the password and starts a session with a new id. A wrong address and a wrong password answer alike, in
    /// what is said and in what it costs.
    ///
    /// # Errors
    /// [`AuthError::SignInFailed`], [`AuthError::Throttled`], or a failure of the store.
    pub async fn sign_in(&self, email: &str, password: &str) -> Result<(), AuthError> {
        let email = Email::parse(email).ok();
        let attempt = self.attempt(email.as_ref())?;
        let user = match &email {
            Some(email) => self.auth.store().users().by_email(email)?,
            None => None,
        };
        let stored = user.as_ref().and_then(|user| user.password_hash.as_deref());
        let right = self.auth.passwords().verify(password, stored).await?;
        match user.filter(|user| right && !user.disabled) {
            Some(user) => {
                attempt.succeeded();
                self.tell(Action::AuthSignedIn, &user).await?;
                self.start_session(&user).await
            }
            None => {
                self.security(SecurityKind::LoginFailed, None);
                Err(AuthError::SignInFailed)
            }
        }
    }

    /// # Errors
    /// The store can't be written.
    pub async fn sign_out(&self) -> Result<(), AuthError> {
        if let Ok(user) = self.user() {
            self.tell(Action::AuthSignedOut, user).await?;
        }
        if self.session.id().is_some() {
            self.session.flush().await?;
        }
        Ok(())
    }

    /// Sets a new password and ends every session of the account but this one.
    ///
    /// # Errors
    /// [`AuthError::SignInFailed`] where `current` is wrong, the rule that `new` breaks, or as [`Visitor::sign_in`].
    pub async fn change_password(&self, current: &str, new: &str) -> Result<(), AuthError> {
        let user = self.user()?;
        let new = Password::parse(new).map_err(AuthError::Password)?;
        let attempt = self.attempt(Some(&user.email))?;
        if !self.auth.passwords().verify(current, user.password_hash.as_deref()).await? {
            self.security(SecurityKind::LoginFailed, None);
            return Err(AuthError::SignInFailed);
        }
        attempt.succeeded();
        let changed = User {
            password_hash: Some(self.auth.passwords().hash(&new).await?),
            session_epoch: user.session_epoch.saturating_add(1),
            ..user.clone()
        };
        let account = Resource::new("account", &user.email, Some(user.id));
        let told = Told::new(&self.who(user), Log::Global, Action::AccountPasswordChanged, account).secret(Field::Password.label(), true);
        self.auth.store().commit_told(Changes::new().expect_unchanged(user).put(&changed), told).await?;
        self.start_session(&changed).await
    }

    /// Begins afresh, under a new id: whatever id the browser had before is worth nothing afterwards.
    pub(super) async fn start_session(&self, user: &User) -> Result<(), AuthError> {
        if self.session.id().is_some() {
            self.session.flush().await?;
        }
        let now = self.auth.clock().now_ms();
        let signed_in = SignedIn { user: user.id, epoch: user.session_epoch, created_at: now, seen_at: now };
        session::write(&self.session, &signed_in).await?;
        self.session.cycle_id().await?;
        Ok(())
    }

    fn attempt(&self, email: Option<&Email>) -> Result<Attempt, AuthError> {
        self.auth.0.throttle.begin(email, self.origin.address).map_err(|throttled| {
            if throttled.first {
                self.security(SecurityKind::LoginLocked, None);
                if let Some(email) = email {
                    self.tell_locked(email);
                }
            }
            AuthError::Throttled { retry_after_s: throttled.retry_after_s }
        })
    }
}
