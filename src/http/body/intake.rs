//! Bounds on all request bodies together: how many are still arriving, and how much memory they hold.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::accounts::{Accounts, Pending, network};
use crate::telemetry::LogLimiter;

/// Age from which a body that is still arriving may be dropped for the sake of memory. Younger ones are spared, so that
/// under a load of large bodies some are always read to their end.
const EVICTABLE_AGE: Duration = Duration::from_secs(1);

/// Bounds of [`BodyIntake`].
#[derive(Debug, Clone, Copy)]
pub(super) struct IntakeLimits {
    /// Most bodies that may be arriving at once.
    pub(super) pending: usize,
    /// Most bytes that all bodies may hold, from the first byte until the request is answered.
    pub(super) bytes: usize,
    /// Share of both that one peer address may take.
    pub(super) peer_share: f64,
    /// The longest body, which fits the bounds of bytes in any case.
    pub(super) body_bytes: usize,
}

/// Account of the bodies of all requests.
///
/// A body that would exceed a bound takes the place of the oldest one that is still arriving, of the same peer where it is
/// the peer's bound: those that arrive at once are never refused because of those that do not arrive.
#[derive(Debug)]
pub(super) struct BodyIntake {
    max_pending: usize,
    max_peer_pending: usize,
    max_bytes: usize,
    max_peer_bytes: usize,
    accounts: Mutex<Accounts>,
    log: LogLimiter<&'static str>,
}

/// The bodies hold as many bytes as they may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRoom;

/// Entry of a body that is still arriving; it ends when dropped.
#[derive(Debug)]
pub(super) struct PendingBody {
    intake: Arc<BodyIntake>,
    id: u64,
    peer: IpAddr,
    evicted: Arc<Notify>,
}

/// Bytes held by a body that has arrived, until dropped.
#[derive(Debug)]
pub(super) struct HeldBytes {
    intake: Arc<BodyIntake>,
    peer: IpAddr,
    bytes: usize,
}

impl BodyIntake {
    /// An account without entries.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a saturating cast of a share of a bound is what is meant"
    )]
    pub(super) fn new(limits: IntakeLimits) -> Arc<Self> {
        let share = |bound: usize| ((bound as f64 * limits.peer_share) as usize).max(1);
        Arc::new(Self {
            max_peer_pending: share(limits.pending),
            max_bytes: limits.bytes.max(limits.body_bytes),
            max_peer_bytes: share(limits.bytes).max(limits.body_bytes),
            max_pending: limits.pending,
            accounts: Mutex::default(),
            log: LogLimiter::new(),
        })
    }

    /// Enters a body of `peer`. The oldest one that is still arriving gives up its entry if there are too many.
    pub(super) fn enter(self: &Arc<Self>, peer: IpAddr) -> PendingBody {
        let peer = network(peer);
        let evicted = Arc::new(Notify::new());
        let mut accounts = self.accounts();
        let of_peer = accounts.peers.get(&peer);
        if of_peer.is_some_and(|of_peer| of_peer.pending.len() >= self.max_peer_pending) {
            let oldest = of_peer.and_then(|of_peer| of_peer.pending.first().copied());
            accounts.evict(oldest);
        }
        if accounts.pending.len() >= self.max_pending {
            let oldest = accounts.pending.keys().next().copied();
            accounts.evict(oldest);
        }
        let id = accounts.next_id;
        accounts.next_id += 1;
        accounts.peers.entry(peer).or_default().pending.insert(id);
        accounts.pending.insert(
            id,
            Pending {
                peer,
                since: Instant::now(),
                bytes: 0,
                evicted: Arc::clone(&evicted),
            },
        );
        PendingBody {
            intake: Arc::clone(self),
            id,
            peer,
            evicted,
        }
    }

    /// Returns how many bodies are arriving, and how many bytes all bodies hold.
    pub(super) fn usage(&self) -> (usize, usize) {
        let accounts = self.accounts();
        (accounts.pending.len(), accounts.bytes)
    }

    /// Logs that a body was refused, at most once a minute for each reason.
    pub(super) fn log_refusal(&self, reason: &'static str, error: &dyn std::error::Error) {
        if let Some(suppressed) = self.log.admit(reason) {
            tracing::warn!(reason, %error, suppressed, "request body refused");
        }
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Evicts bodies that are old enough until `more` bytes fit both bounds, or returns that they do not.
    fn make_room(&self, accounts: &mut Accounts, id: u64, more: usize) -> Result<(), NoRoom> {
        let peer = accounts.pending.get(&id).ok_or(NoRoom)?.peer;
        let is_evictable = |accounts: &Accounts, other: &u64| {
            *other != id
                && accounts
                    .pending
                    .get(other)
                    .is_some_and(|body| body.bytes > 0 && body.since.elapsed() >= EVICTABLE_AGE)
        };
        while accounts.peer_bytes(&peer) + more > self.max_peer_bytes {
            let of_peer = accounts.peers.get(&peer).map(|of_peer| &of_peer.pending);
            let oldest = of_peer
                .into_iter()
                .flatten()
                .find(|other| is_evictable(accounts, other));
            let oldest = *oldest.ok_or(NoRoom)?;
            accounts.evict(Some(oldest));
        }
        while accounts.bytes + more > self.max_bytes {
            let oldest = accounts
                .pending
                .keys()
                .find(|other| is_evictable(accounts, other));
            let oldest = *oldest.ok_or(NoRoom)?;
            accounts.evict(Some(oldest));
        }
        Ok(())
    }
}

impl PendingBody {
    /// Accounts for a body that holds `bytes` by now. An evicted one is refused.
    pub(super) fn hold(&self, bytes: usize) -> Result<(), NoRoom> {
        let mut accounts = self.intake.accounts();
        let held = accounts.pending.get(&self.id).ok_or(NoRoom)?.bytes;
        let more = bytes.saturating_sub(held);
        if more == 0 {
            return Ok(());
        }
        self.intake.make_room(&mut accounts, self.id, more)?;
        accounts.bytes += more;
        accounts.peers.entry(self.peer).or_default().bytes += more;
        if let Some(body) = accounts.pending.get_mut(&self.id) {
            body.bytes += more;
        }
        Ok(())
    }

    /// Waits until another body has taken the place of this one.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// Ends the entry of a body that has arrived. Its bytes stay accounted for.
    pub(super) fn complete(self) -> Result<HeldBytes, NoRoom> {
        let body = self.intake.accounts().remove(self.id).ok_or(NoRoom)?;
        Ok(HeldBytes {
            intake: Arc::clone(&self.intake),
            peer: self.peer,
            bytes: body.bytes,
        })
    }
}

impl Drop for PendingBody {
    fn drop(&mut self) {
        let mut accounts = self.intake.accounts();
        if let Some(body) = accounts.remove(self.id) {
            accounts.release(&self.peer, body.bytes);
        }
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.intake.accounts().release(&self.peer, self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn intake(max_pending: usize, max_bytes: usize, max_peer_share: f64) -> Arc<BodyIntake> {
        BodyIntake::new(IntakeLimits {
            pending: max_pending,
            bytes: max_bytes,
            peer_share: max_peer_share,
            body_bytes: 1,
        })
    }

    fn peer(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn is_evicted(body: &PendingBody) -> bool {
        body.evicted().now_or_never().is_some()
    }

    /// Makes a body as old as one that may be evicted.
    fn grow_old(body: &PendingBody) {
        let mut accounts = body.intake.accounts();
        accounts.pending.get_mut(&body.id).unwrap().since -= EVICTABLE_AGE;
    }

    #[test]
    fn the_oldest_body_gives_way_when_there_are_too_many() {
        let intake = intake(2, 100, 1.0);
        let bodies: Vec<_> = (1..=3).map(|last| intake.enter(peer(last))).collect();
        let evicted: Vec<_> = bodies.iter().map(is_evicted).collect();
        assert_eq!(evicted, [true, false, false]);
        assert_eq!(bodies[0].hold(1), Err(NoRoom));
        drop(bodies);
        assert_eq!(intake.usage(), (0, 0));
        assert!(intake.accounts().peers.is_empty());
    }

    #[test]
    fn a_peer_that_has_its_share_gives_way_to_itself() {
        let intake = intake(4, 100, 0.5);
        let other = intake.enter(peer(9));
        let bodies: Vec<_> = (0..3).map(|_| intake.enter(peer(1))).collect();
        let evicted: Vec<_> = bodies.iter().map(is_evicted).collect();
        assert_eq!(evicted, [true, false, false]);
        assert!(!is_evicted(&other));
    }

    #[test]
    fn bytes_past_the_bound_are_refused_while_no_body_is_old() {
        let intake = intake(4, 100, 1.0);
        let (first, second) = (intake.enter(peer(1)), intake.enter(peer(2)));
        assert_eq!(first.hold(60), Ok(()));
        assert_eq!(second.hold(50), Err(NoRoom));
        assert_eq!(second.hold(40), Ok(()));
        assert_eq!(intake.usage(), (2, 100));
        drop(first);
        assert_eq!(second.hold(100), Ok(()));
    }

    #[test]
    fn an_old_body_gives_up_its_bytes() {
        let intake = intake(4, 100, 1.0);
        let (first, second) = (intake.enter(peer(1)), intake.enter(peer(2)));
        first.hold(60).unwrap();
        grow_old(&first);
        assert_eq!(second.hold(50), Ok(()));
        assert!(is_evicted(&first));
        assert_eq!(intake.usage(), (1, 50));
    }

    #[test]
    fn a_peer_holds_no_more_than_its_share_of_the_bytes() {
        let intake = intake(4, 100, 0.5);
        let body = intake.enter(peer(1));
        assert_eq!(body.hold(51), Err(NoRoom));
        assert_eq!(body.hold(50), Ok(()));
        let second = intake.enter(peer(1));
        assert_eq!(second.hold(1), Err(NoRoom));
        assert_eq!(intake.enter(peer(2)).hold(50), Ok(()));
    }

    #[test]
    fn the_longest_body_fits_whatever_the_bounds_are() {
        let intake = BodyIntake::new(IntakeLimits {
            pending: 1,
            bytes: 10,
            peer_share: 0.1,
            body_bytes: 100,
        });
        assert_eq!(intake.enter(peer(1)).hold(100), Ok(()));
    }

    #[test]
    fn a_body_that_has_arrived_holds_its_bytes_and_cannot_be_evicted() {
        let intake = intake(1, 100, 1.0);
        let body = intake.enter(peer(1));
        body.hold(100).unwrap();
        grow_old(&body);
        let held = body.complete().unwrap();
        assert_eq!(intake.usage(), (0, 100));
        let next = intake.enter(peer(2));
        assert_eq!(next.hold(1), Err(NoRoom));
        drop(held);
        assert_eq!(next.hold(1), Ok(()));
    }

    #[test]
    fn the_addresses_of_a_network_are_one_peer() {
        let address = |text: &str| network(text.parse().unwrap());
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:10.0.0.1"), peer(1));
        assert_ne!(peer(1), network(peer(2)));
    }
}
