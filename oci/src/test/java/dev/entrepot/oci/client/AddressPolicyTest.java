package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.apache.hc.client5.http.DnsResolver;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AddressPolicyTest {
    /** A resolver that knows what it is told. */
    private static final class Names implements DnsResolver {
        private final Map<String, String> addresses = new HashMap<>();

        Names with(String name, String address) {
            addresses.put(name, address);
            return this;
        }

        @Override
        public InetAddress[] resolve(String host) throws UnknownHostException {
            String address = addresses.getOrDefault(host, host);
            try {
                return new InetAddress[] {InetAddress.ofLiteral(address)};
            } catch (IllegalArgumentException e) {
                throw new UnknownHostException(host);
            }
        }

        @Override
        public String resolveCanonicalHostname(String host) {
            return host;
        }
    }

    @ParameterizedTest
    @CsvSource({
        "93.184.216.34,PUBLIC",
        "2606:2800:220:1::1,PUBLIC",
        "10.1.2.3,PRIVATE",
        "172.15.255.255,PUBLIC",
        "172.16.0.1,PRIVATE",
        "172.31.255.255,PRIVATE",
        "172.32.0.1,PUBLIC",
        "192.168.1.1,PRIVATE",
        "192.169.0.1,PUBLIC",
        "100.63.255.255,PUBLIC",
        "100.64.0.1,PRIVATE",
        "100.127.255.255,PRIVATE",
        "100.128.0.1,PUBLIC",
        "198.17.255.255,PUBLIC",
        "198.18.0.1,PRIVATE",
        "198.19.255.255,PRIVATE",
        "198.20.0.1,PUBLIC",
        "fd12::1,PRIVATE",
        "127.0.0.1,LOOPBACK",
        "127.9.9.9,LOOPBACK",
        "0.0.0.0,LOOPBACK",
        "0.1.2.3,LOOPBACK",
        "::1,LOOPBACK",
        "::,LOOPBACK",
        "::ffff:127.0.0.1,LOOPBACK",
        "::ffff:10.0.0.1,PRIVATE",
        "64:ff9b::7f00:1,LOOPBACK",
        "64:ff9b::a9fe:a9fe,LINK_LOCAL",
        "64:ff9b::6464:64c8,LINK_LOCAL",
        "64:ff9b::a83f:8110,LINK_LOCAL",
        "64:ff9b::5db8:d822,PUBLIC",
        "2002:0a00:0001::1,PRIVATE",
        "2002:6464:64c8::1,LINK_LOCAL",
        "2002:5db8:d822::1,PUBLIC",
        "169.254.169.254,LINK_LOCAL",
        "169.254.170.2,LINK_LOCAL",
        "fe80::1,LINK_LOCAL",
        "fd00:ec2::254,LINK_LOCAL",
        "100.100.100.200,LINK_LOCAL",
        "168.63.129.16,LINK_LOCAL",
        "224.0.0.1,LINK_LOCAL",
        "240.0.0.1,LINK_LOCAL",
        "255.255.255.255,LINK_LOCAL"
    })
    void knowsHowFarAnAddressIsFromPublic(String address, AddressPolicy.Reach expected) {
        assertThat(AddressPolicy.reach(InetAddress.ofLiteral(address))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "93.184.216.34,93.184.216.35,true",
        "93.184.216.34,10.0.0.1,false",
        "93.184.216.34,127.0.0.1,false",
        "93.184.216.34,169.254.169.254,false",
        "10.0.0.1,10.0.0.2,true",
        "10.0.0.1,127.0.0.1,false",
        "10.0.0.1,169.254.169.254,false",
        "127.0.0.1,127.0.0.2,true",
        "127.0.0.1,10.0.0.1,true",
        "127.0.0.1,169.254.169.254,false",
        "169.254.1.1,169.254.169.254,false"
    })
    void letsARegistryLeadOnlyAsFarAsItIsItself(String registry, String target, boolean allowed) {
        Names names = new Names().with("registry.test", registry).with("target.test", target);
        AddressPolicy policy = new AddressPolicy("registry.test", Set.of(), names);

        if (allowed) {
            assertThatCode(() -> policy.resolve("target.test")).doesNotThrowAnyException();
            assertThatCode(() -> policy.checkLiteral(target)).doesNotThrowAnyException();
        } else {
            assertThatThrownBy(() -> policy.resolve("target.test")).isInstanceOf(ForbiddenAddressException.class);
            assertThatThrownBy(() -> policy.checkLiteral(target)).isInstanceOf(ForbiddenAddressException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.1", "127.0.0.1", "169.254.169.254"})
    void registryWhoseNameDoesNotResolveLeadsToPublicAddressesAlone(String target) {
        AddressPolicy policy = new AddressPolicy("registry.test", Set.of(), new Names());

        assertThatThrownBy(() -> policy.checkLiteral(target)).isInstanceOf(ForbiddenAddressException.class);
        assertThatCode(() -> policy.checkLiteral("93.184.216.34")).doesNotThrowAnyException();
    }

    @Test
    void letsTheHostsThatTheOperatorNamedBeAnywhere() throws UnknownHostException {
        Names names = new Names().with("registry.test", "169.254.1.1").with("PROXY.test.", "127.0.0.1");
        AddressPolicy policy = new AddressPolicy("registry.test", Set.of("proxy.test"), names);

        assertThat(policy.resolve("registry.test")).hasSize(1);
        assertThat(policy.resolve("PROXY.test.")).hasSize(1);
    }

    @Test
    void checksTheAddressThatIsConnectedToAndNotOneFromBefore() throws UnknownHostException {
        Names names = new Names().with("registry.test", "93.184.216.34").with("rebinding.test", "93.184.216.35");
        AddressPolicy policy = new AddressPolicy("registry.test", Set.of(), names);
        assertThat(policy.resolve("rebinding.test")).hasSize(1);

        names.with("rebinding.test", "127.0.0.1");

        assertThatThrownBy(() -> policy.resolve("rebinding.test")).isInstanceOf(ForbiddenAddressException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.1", "127.0.0.1"})
    void registryThatHasBeenPublicStaysSoWhateverItsNameResolvesToLater(String later) throws UnknownHostException {
        Names names = new Names().with("registry.test", "93.184.216.34").with("target.test", "10.0.0.2");
        AddressPolicy policy = new AddressPolicy("registry.test", Set.of(), names);
        policy.resolve("registry.test");

        names.with("registry.test", later);

        assertThatThrownBy(() -> policy.resolve("target.test")).isInstanceOf(ForbiddenAddressException.class);
        assertThatThrownBy(() -> policy.checkLiteral("127.0.0.1")).isInstanceOf(ForbiddenAddressException.class);
        assertThat(policy.resolve("registry.test")).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "[::ffff:169.254.169.254]"})
    void seesThroughTheSpellingsOfAnAddress(String literal) {
        AddressPolicy policy =
                new AddressPolicy("registry.test", Set.of(), new Names().with("registry.test", "93.184.216.34"));

        assertThatThrownBy(() -> policy.checkLiteral(literal)).isInstanceOf(ForbiddenAddressException.class);
    }

    @Test
    void passesNamesToTheResolver() {
        AddressPolicy policy = new AddressPolicy("registry.test", Set.of(), new Names());

        assertThatCode(() -> policy.checkLiteral("localhost.example")).doesNotThrowAnyException();
        assertThatThrownBy(() -> policy.resolve("unknown.test"))
                .isInstanceOf(UnknownHostException.class)
                .isNotInstanceOf(ForbiddenAddressException.class);
    }
}
