package dev.entrepot.oci.client;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hc.client5.http.DnsResolver;

/**
 * Decides which addresses a registry can send this process to, by redirects, token realms and upload locations. The
 * hosts that the operator named (the registry's, the proxy's, trusted realms) may be anywhere. Any other host must be
 * public, except that a registry in a private network may lead to private addresses, and one on this machine also to
 * this machine. A registry whose name has once had a public address stays public: who answers for that name could else
 * have it point inside for a moment.
 *
 * <p>The policy is the resolver of the connections themselves, so that a name cannot resolve to one address when it is
 * checked and to another when it is used. Behind an HTTP proxy names are resolved by the proxy; there, only literal
 * addresses and the names of metadata services are checked here.
 */
final class AddressPolicy implements DnsResolver {
    // Addresses of cloud metadata services that are not link-local: EC2 over IPv6, Alibaba, Azure.
    private static final Set<String> METADATA = Set.of("fd00:ec2:0:0:0:0:0:254", "100.100.100.200", "168.63.129.16");
    private static final Set<String> METADATA_NAMES =
            Set.of("metadata.google.internal", "metadata.goog", "instance-data.ec2.internal");

    /** How far from public an address is. */
    enum Reach {
        PUBLIC,
        PRIVATE,
        LOOPBACK,
        LINK_LOCAL
    }

    private final String endpoint;
    private final Set<String> named;
    private final DnsResolver system;
    /** The nearest to public that the registry has ever been. */
    private final AtomicReference<Reach> nearest = new AtomicReference<>(Reach.LINK_LOCAL);

    /**
     * A policy for one registry.
     *
     * @param endpoint its host
     * @param named other hosts that the operator named
     * @param system what really resolves
     */
    AddressPolicy(String endpoint, Set<String> named, DnsResolver system) {
        this.endpoint = endpoint;
        this.named = Set.copyOf(named);
        this.system = system;
    }

    @Override
    public InetAddress[] resolve(String host) throws UnknownHostException {
        InetAddress[] addresses = system.resolve(host);
        String bare = Origin.bareHost(host);
        if (bare.equals(endpoint)) {
            remember(addresses);
        }
        if (!isNamed(bare)) {
            for (InetAddress address : addresses) {
                check(bare, address);
            }
        }
        return addresses;
    }

    @Override
    public String resolveCanonicalHostname(String host) throws UnknownHostException {
        return system.resolveCanonicalHostname(host);
    }

    /**
     * Checks a host that is an address itself, or the name of a metadata service; passes all other names, which are
     * checked when they are resolved.
     *
     * @throws ForbiddenAddressException if it may not be connected to
     */
    void checkLiteral(String host) throws ForbiddenAddressException {
        String bare = Origin.bareHost(host);
        if (isNamed(bare)) {
            return;
        }
        if (METADATA_NAMES.contains(bare)) {
            throw new ForbiddenAddressException(
                    bare + " is a metadata service, to which the registry " + endpoint + " may not lead");
        }
        Optional<InetAddress> literal = literal(bare);
        if (literal.isPresent()) {
            check(bare, literal.get());
        }
    }

    private boolean isNamed(String bare) {
        return bare.equals(endpoint) || named.contains(bare);
    }

    private void check(String host, InetAddress address) throws ForbiddenAddressException {
        Reach reach = reach(address);
        if (reach != Reach.PUBLIC && !allowed(reach)) {
            throw new ForbiddenAddressException(
                    host + " is a " + name(reach) + " address, to which the registry " + endpoint + " may not lead");
        }
    }

    private boolean allowed(Reach reach) {
        Reach own = endpointReach();
        return switch (reach) {
            case PUBLIC -> true;
            case PRIVATE -> own == Reach.PRIVATE || own == Reach.LOOPBACK;
            case LOOPBACK -> own == Reach.LOOPBACK;
            case LINK_LOCAL -> false;
        };
    }

    private Reach endpointReach() {
        try {
            return remember(system.resolve(endpoint));
        } catch (UnknownHostException e) {
            return Reach.PUBLIC;
        }
    }

    private Reach remember(InetAddress[] addresses) {
        Reach least = Reach.LINK_LOCAL;
        for (InetAddress address : addresses) {
            least = nearer(least, reach(address));
        }
        return nearest.accumulateAndGet(least, AddressPolicy::nearer);
    }

    private static Reach nearer(Reach one, Reach other) {
        return other.compareTo(one) < 0 ? other : one;
    }

    private static String name(Reach reach) {
        return switch (reach) {
            case PUBLIC -> "public";
            case PRIVATE -> "private";
            case LOOPBACK -> "loopback";
            case LINK_LOCAL -> "link-local or metadata";
        };
    }

    /** How far from public an address is; addresses that embed another (NAT64, 6to4) count as that. */
    static Reach reach(InetAddress address) {
        byte[] b = address.getAddress();
        if (METADATA.contains(withoutZone(address)) || address.isLinkLocalAddress() || address.isMulticastAddress()) {
            return Reach.LINK_LOCAL;
        }
        if (address.isLoopbackAddress() || address.isAnyLocalAddress()) {
            return Reach.LOOPBACK;
        }
        if (b.length == 4) {
            return reachOf4(b);
        }
        if (startsWith(b, 0x00, 0x64, 0xff, 0x9b)) {
            return reach(embedded(b, 12));
        }
        if (startsWith(b, 0x20, 0x02)) {
            return reach(embedded(b, 2));
        }
        boolean uniqueLocal = (b[0] & 0xfe) == 0xfc;
        return uniqueLocal || address.isSiteLocalAddress() ? Reach.PRIVATE : Reach.PUBLIC;
    }

    private static Reach reachOf4(byte[] b) {
        int first = b[0] & 0xff;
        int second = b[1] & 0xff;
        boolean isPrivate = first == 10
                || first == 172 && second >= 16 && second < 32
                || first == 192 && second == 168
                || first == 100 && second >= 64 && second < 128
                || first == 198 && (second == 18 || second == 19);
        if (first == 0) {
            return Reach.LOOPBACK;
        }
        return isPrivate ? Reach.PRIVATE : first >= 240 ? Reach.LINK_LOCAL : Reach.PUBLIC;
    }

    private static String withoutZone(InetAddress address) {
        String text = address.getHostAddress();
        int zone = text.indexOf('%');
        return zone < 0 ? text : text.substring(0, zone);
    }

    private static boolean startsWith(byte[] bytes, int... prefix) {
        for (int i = 0; i < prefix.length; i++) {
            if ((bytes[i] & 0xff) != prefix[i]) {
                return false;
            }
        }
        return true;
    }

    private static InetAddress embedded(byte[] bytes, int offset) {
        try {
            return InetAddress.getByAddress(
                    new byte[] {bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]});
        } catch (UnknownHostException e) {
            throw new IllegalStateException("four bytes are an address", e);
        }
    }

    /** The address that a text is, in any of the spellings that resolvers take for one. */
    static Optional<InetAddress> literal(String host) {
        try {
            return Optional.of(InetAddress.ofLiteral(host));
        } catch (IllegalArgumentException e) {
            try {
                return Optional.of(Inet4Address.ofPosixLiteral(host));
            } catch (IllegalArgumentException notPosixEither) {
                return Optional.empty();
            }
        }
    }
}
