//! Deliveries at rest: what an endpoint is told may be confidential, so it lies on disk sealed, bound to its delivery.

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::store::{Delivery, DeliveryBody, Record as _};
use crate::values::TenantId;
use crate::vault::{Binding, OpenError, SealError, Vault};

const FIELD: &str = "body";

/// # Errors
/// The system gives no random numbers.
pub fn seal(vault: &Vault, workspace: TenantId, endpoint: Uuid, id: Uuid, body: &str) -> Result<DeliveryBody, SealError> {
    let record = record(workspace, endpoint, id);
    vault.seal(&Binding { tree: Delivery::TREE, record: &record, field: FIELD }, body.as_bytes()).map(DeliveryBody::Sealed)
}

/// # Errors
/// It was sealed with another key, for another delivery, or was changed.
pub fn open(vault: &Vault, delivery: &Delivery) -> Result<Zeroizing<String>, OpenError> {
    let sealed = match &delivery.body {
        DeliveryBody::Plain(text) => return Ok(Zeroizing::new(text.clone())),
        DeliveryBody::Sealed(sealed) => sealed,
    };
    let record = record(delivery.workspace, delivery.endpoint, delivery.id);
    let bytes = vault.open_sealed(&Binding { tree: Delivery::TREE, record: &record, field: FIELD }, sealed)?;
    std::str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| OpenError::Unreadable)
}

fn record(workspace: TenantId, endpoint: Uuid, id: Uuid) -> String {
    format!("{}/{endpoint}/{id}", workspace.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::DeliveryState;
    use crate::values::EventType;

    fn delivery(id: u128, body: DeliveryBody) -> Delivery {
        Delivery {
            id: Uuid::from_u128(id),
            workspace: TenantId(Uuid::from_u128(2)),
            endpoint: Uuid::from_u128(3),
            event: EventType::RequestCompleted,
            body,
            created_at: 0,
            state: DeliveryState::Waiting { next_at: 0 },
            attempts: Vec::new(),
            earlier: 0,
            request_id: None,
            trace: None,
        }
    }

    #[test]
    fn a_body_opens_for_its_delivery_alone() {
        let vault = Vault::from_key([7; 32]);
        let body = seal(&vault, TenantId(Uuid::from_u128(2)), Uuid::from_u128(3), Uuid::from_u128(1), r#"{"canary":1}"#).unwrap();
        let stored = serde_json::to_string(&delivery(1, body.clone())).unwrap();
        assert!(!stored.contains("canary") && !format!("{body:?}").contains("canary"), "{stored}");
        let read: Delivery = serde_json::from_str(&stored).unwrap();
        assert_eq!(*open(&vault, &read).unwrap(), r#"{"canary":1}"#);
        assert!(open(&vault, &delivery(9, body)).is_err(), "moved to another delivery");
        assert!(open(&Vault::from_key([8; 32]), &read).is_err(), "another key");
    }

    #[test]
    fn one_of_an_earlier_version_is_read() {
        let mut old = serde_json::to_value(delivery(1, DeliveryBody::Plain(String::new()))).unwrap();
        old["body"] = serde_json::json!(r#"{"event":"request.completed"}"#);
        let read: Delivery = serde_json::from_value(old).unwrap();
        assert_eq!(*open(&Vault::from_key([7; 32]), &read).unwrap(), r#"{"event":"request.completed"}"#);
    }
}
