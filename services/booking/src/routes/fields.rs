//! Bodies that are read field by field, so that a wrong field is named.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use sunbeon_chassis::{ApiError, ApiResult};
use sunbeon_domain::{Code, Field};

use crate::stock::{Plan, SeatId, TicketId};

/// The fields of a body.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Refuses an unknown field by its name.
    pub(crate) fn of(body: Map<String, Value>, known: &[&str]) -> ApiResult<Self> {
        match body.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                let named = json!({ "unknownField": name });
                Err(ApiError::new(Code::InvalidBody).with_data(named))
            }
            None => Ok(Self(body)),
        }
    }

    /// Reads one field; `None` if it is absent, 400 with its code if `read` refuses it.
    fn read<T>(
        &self,
        name: &str,
        field: Field,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> ApiResult<Option<T>> {
        match self.0.get(name) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(Code::Invalid(field).into()),
            },
        }
    }

    /// 1 to 100 different seats.
    pub(crate) fn seat_ids(&self) -> ApiResult<Option<BTreeSet<SeatId>>> {
        self.read("seatIds", Field::SeatIds, |value| {
            let given = value.as_array()?;
            let ids: Option<BTreeSet<_>> = given
                .iter()
                .map(|id| id.as_str().and_then(SeatId::parse))
                .collect();
            ids.filter(|ids| (1..=100).contains(&ids.len()) && ids.len() == given.len())
        })
    }

    /// 1 to 100 different kinds of tickets, and how many of each.
    pub(crate) fn tickets(&self) -> ApiResult<Option<BTreeMap<TicketId, NonZeroU32>>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Wanted {
            ticket_id: TicketId,
            quantity: NonZeroU32,
        }
        self.read("tickets", Field::Tickets, |value| {
            let given: Vec<Wanted> = objects(value)?;
            let all = given.len();
            let wanted = given.into_iter().map(|one| (one.ticket_id, one.quantity));
            let wanted: BTreeMap<_, _> = wanted.collect();
            Some(wanted).filter(|one| (1..=100).contains(&all) && one.len() == all)
        })
    }

    /// The payment provider's token; required.
    pub(crate) fn payment_token(&self) -> ApiResult<SecretString> {
        let token = self.read("paymentToken", Field::PaymentToken, |value| {
            let text = value.as_str()?;
            let good =
                (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
            good.then(|| SecretString::from(text))
        })?;
        Ok(token.ok_or(Code::Invalid(Field::PaymentToken))?)
    }

    /// Reads the fields as a plan within its bounds.
    pub(crate) fn plan(&self) -> ApiResult<Plan> {
        let limit = self.read("perMemberLimit", Field::PerMemberLimit, |value| {
            u32::try_from(value.as_u64()?).ok()
        })?;
        let plan = Plan {
            per_member_limit: limit.ok_or(Code::Invalid(Field::PerMemberLimit))?,
            sections: self
                .read("sections", Field::Sections, objects)?
                .unwrap_or_default(),
            tickets: self
                .read("tickets", Field::Tickets, objects)?
                .unwrap_or_default(),
        };
        plan.check().map_err(Code::Invalid)?;
        Ok(plan)
    }
}

/// A list of objects. By itself serde takes an array of a struct's fields for the struct.
fn objects<T: DeserializeOwned>(value: &Value) -> Option<Vec<T>> {
    let given = value.as_array()?;
    let of_objects = given.iter().all(Value::is_object);
    of_objects.then(|| serde_json::from_value(value.clone()).ok())?
}
