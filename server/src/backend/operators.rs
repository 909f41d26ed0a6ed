//! The operators, for operators.

use app::contract::{ApiError, OperatorRow, Operators, ShownOnce};
use async_trait::async_trait;
use uuid::Uuid;

use super::Bound;
use crate::settings::OperatorEntry;

#[async_trait]
impl Operators for Bound {
    async fn operators(&self) -> Result<Vec<OperatorRow>, ApiError> {
        let operator = self.visitor.operator()?;
        Ok(self.settings().operators(&operator)?.into_iter().map(operator_row).collect())
    }

    async fn add_operator(&self, email: &str) -> Result<Uuid, ApiError> {
        let operator = self.visitor.operator()?;
        let added = self.settings().add_operator(&operator, email).await?;
        self.invite(&added).await?;
        Ok(added.user)
    }

    async fn take_operator_invitation(&self, user_id: Uuid) -> Result<Option<ShownOnce>, ApiError> {
        let operator = self.visitor.operator()?;
        if !self.settings().may_invite_operator(&operator, user_id).unwrap_or(false) {
            return Ok(None);
        }
        self.take(user_id)
    }

    async fn renew_operator_invitation(&self, user_id: Uuid) -> Result<(), ApiError> {
        let operator = self.visitor.operator()?;
        let account = self.settings().renew_operator_invitation(&operator, user_id)?;
        self.invite(&account).await
    }

    async fn enable_operator(&self, user_id: Uuid, enabled: bool) -> Result<(), ApiError> {
        let operator = self.visitor.operator()?;
        Ok(self.settings().enable_operator(&operator, user_id, enabled).await?)
    }

    async fn remove_operator(&self, user_id: Uuid) -> Result<(), ApiError> {
        let operator = self.visitor.operator()?;
        Ok(self.settings().remove_operator(&operator, user_id).await?)
    }
}

fn operator_row(entry: OperatorEntry) -> OperatorRow {
    OperatorRow {
        user_id: entry.user,
        email: entry.email.into(),
        active: entry.active,
        enabled: entry.enabled,
        created_at: entry.created_at,
        is_self: entry.is_self,
    }
}
