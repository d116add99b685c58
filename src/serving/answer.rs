use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::context::RankContext;
use crate::ranking::Slate;
use crate::ranking::stages::insertion::Slot;
use weir_feed::{Degraded, Metadata, NewItem, RankRequest};

/// Answer to a ranking request; refers to the items of the feed by their index.
#[derive(Debug)]
pub struct RankAnswer {
    slots: Vec<Slot>,
    /// Items that the feed did not have.
    pub(crate) new_items: Vec<NewItem>,
    /// How the answer came about.
    pub(crate) metadata: Metadata,
    pub(crate) outcome: RankOutcome,
    /// Why each item has its position, in the order of the answer, if that was asked for.
    pub(crate) explanation: Option<Vec<ItemExplanation>>,
}

/// How far an answer is what the policy asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RankOutcome {
    /// Nothing was missing.
    Complete,
    /// Ranked without a part that is named.
    Degraded,
    /// Not ranked.
    IncomingOrder,
}

/// Why an item has its position.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ItemExplanation {
    /// Top entity that the item names.
    entity: Option<String>,
    /// Score by each scorer of the policy, or each of its outputs if it has several; null where there is none.
    scores: BTreeMap<String, Option<f64>>,
    /// Value that it was ordered by, the higher the earlier; null if that is no finite number.
    value: Option<f64>,
    /// Keys of `order` by their expressions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    keys: BTreeMap<String, Value>,
    /// Named columns that the policy uses.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    columns: BTreeMap<String, Value>,
}

impl RankAnswer {
    /// Assembles the answer of the pipeline, which did without what is in `degraded`.
    pub(super) fn new(
        slate: &Slate<'_>,
        (slots, new_items): (Vec<Slot>, Vec<NewItem>),
        degraded: Vec<Degraded>,
        context: &RankContext,
    ) -> Self {
        let outcome = if degraded.is_empty() {
            RankOutcome::Complete
        } else {
            RankOutcome::Degraded
        };
        let intervened = !new_items.is_empty() || slate.has_intervened(&context.policy.policy);
        Self {
            slots,
            new_items,
            metadata: metadata(intervened, degraded, context),
            outcome,
            explanation: context.explain.then(|| explain(slate, context)),
        }
    }

    /// Assembles the answer that leaves a feed as it is, since no ranker answered.
    pub(super) fn incoming_order(
        feed: &RankRequest,
        code: &'static str,
        context: &RankContext,
    ) -> Self {
        let missing = Degraded {
            part: "ranker".into(),
            missed: feed.items.len(),
            why: code.into(),
        };
        Self {
            slots: (0..feed.items.len()).map(Slot::Item).collect(),
            new_items: Vec::new(),
            metadata: metadata(false, vec![missing], context),
            outcome: RankOutcome::IncomingOrder,
            explanation: None,
        }
    }

    /// Returns the answer as its reader may see it: where metadata is minimal, without what tells the arms of an experiment apart.
    pub(super) fn for_client(mut self, context: &RankContext) -> Self {
        if context.minimal_metadata {
            self.metadata = self.metadata.minimal();
        }
        self
    }

    /// Returns the ids in the order of the answer.
    pub(crate) fn ids<'a>(&'a self, feed: &'a RankRequest) -> impl Iterator<Item = &'a str> {
        self.slots.iter().map(|slot| match *slot {
            Slot::Item(item) => feed.items[item].id.as_str(),
            Slot::Inserted(post) => self.new_items[post].id.as_str(),
        })
    }
}

impl RankOutcome {
    /// Returns the name by which answers are counted.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Degraded => "degraded",
            Self::IncomingOrder => "incoming_order",
        }
    }
}

fn metadata(intervened: bool, degraded: Vec<Degraded>, context: &RankContext) -> Metadata {
    Metadata {
        intervention_on: intervened,
        policy: Some(context.policy.policy.name.clone().into()),
        arm: context.assignment.arm().map(|arm| arm.to_owned().into()),
        degraded,
    }
}

fn explain(slate: &Slate<'_>, context: &RankContext) -> Vec<ItemExplanation> {
    let terms = &context.policy.policy.terms;
    let entities = slate.entities.as_ref();
    let expressions = context.policy.policy.expressions.as_ref();
    let expressions = expressions.zip(slate.expressions.as_ref());
    let explain = |&item: &usize| ItemExplanation {
        entity: entities.and_then(|it| it.name(item)).map(str::to_owned),
        scores: (terms.iter().enumerate())
            .map(|(index, term)| (term.name.clone(), slate.score(index, item)))
            .collect(),
        value: slate.values[item].value(),
        keys: expressions.map_or_else(BTreeMap::new, |(them, values)| {
            them.explain_keys(values, item)
        }),
        columns: expressions.map_or_else(BTreeMap::new, |(them, values)| {
            them.explain_columns(values, item)
        }),
    };
    slate.order.iter().map(explain).collect()
}
