use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;

/// Bodies that are arriving and bytes that all bodies hold, in total and by peer.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub(super) next_id: u64,
    pub(super) bytes: usize,
    /// By age, since ids count up.
    pub(super) pending: BTreeMap<u64, Pending>,
    pub(super) peers: HashMap<IpAddr, Peer>,
}

/// A body that is still arriving.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) peer: IpAddr,
    pub(super) since: Instant,
    pub(super) bytes: usize,
    pub(super) evicted: Arc<Notify>,
}

/// What one peer has of both.
#[derive(Debug, Default)]
pub(super) struct Peer {
    pub(super) pending: BTreeSet<u64>,
    pub(super) bytes: usize,
}

impl Accounts {
    pub(super) fn peer_bytes(&self, peer: &IpAddr) -> usize {
        self.peers.get(peer).map_or(0, |of_peer| of_peer.bytes)
    }

    pub(super) fn evict(&mut self, id: Option<u64>) {
        if let Some(id) = id
            && let Some(body) = self.remove(id)
        {
            self.release(&body.peer, body.bytes);
            body.evicted.notify_one();
        }
    }

    pub(super) fn remove(&mut self, id: u64) -> Option<Pending> {
        let body = self.pending.remove(&id)?;
        if let Some(of_peer) = self.peers.get_mut(&body.peer) {
            of_peer.pending.remove(&id);
        }
        Some(body)
    }

    pub(super) fn release(&mut self, peer: &IpAddr, bytes: usize) {
        self.bytes -= bytes;
        if let Some(of_peer) = self.peers.get_mut(peer) {
            of_peer.bytes -= bytes;
            if of_peer.bytes == 0 && of_peer.pending.is_empty() {
                self.peers.remove(peer);
            }
        }
    }
}

/// The address itself, or the /64 network of an IPv6 address: a host can use every address of its network.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let prefix = u128::from(v6) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}
