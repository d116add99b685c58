//! Names that lead to this machine or its neighbours lead nowhere, unless they are named in the settings.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Looks up names by the system, and keeps private addresses to itself.
pub(super) struct PublicAddresses {
    /// Hosts that may be private.
    pub(super) named: Arc<BTreeSet<String>>,
}

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let named = Arc::clone(&self.named);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let private_too = named.contains(&name.as_str().to_ascii_lowercase());
            let allowed: Vec<SocketAddr> = found
                .filter(|address| private_too || is_public(address.ip()))
                .collect();
            if allowed.is_empty() {
                let refusal = "the name leads to private addresses only";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, refusal).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to the open internet, by the special-purpose registries of IANA (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || a >= 240
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b));
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let head = address.segments();
    // Global unicast is 2000::/3; within it, 2001::/23 and the documentation blocks are special, 2002::/16 and
    // 64:ff9b::/96 wrap any IPv4 address.
    let global = head[0] & 0xe000 == 0x2000;
    let special = (head[0] == 0x2001 && (head[1] < 0x200 || head[1] == 0xdb8))
        || head[0] == 0x2002
        || head[0] == 0x3fff;
    global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_its_neighbours_are_not_public() {
        for private in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn the_open_internet_is() {
        for public in ["1.1.1.1", "93.184.216.34", "2606:4700::1111"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[tokio::test]
    async fn a_name_for_this_machine_leads_nowhere_unless_it_is_named() {
        let resolve = |named: &[&str]| {
            let named = named.iter().map(|&name| name.to_owned()).collect();
            PublicAddresses {
                named: Arc::new(named),
            }
            .resolve("localhost".parse().unwrap())
        };
        let refusal = resolve(&["other"]).await.err().unwrap();
        assert!(refusal.to_string().contains("private"), "{refusal}");
        assert!(resolve(&["localhost"]).await.unwrap().count() > 0);
    }
}
