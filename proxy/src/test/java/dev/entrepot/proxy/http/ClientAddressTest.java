package dev.entrepot.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Who counts as one client. */
class ClientAddressTest {
    private static ClientAddress of(String address) throws UnknownHostException {
        return ClientAddress.of(new InetSocketAddress(InetAddress.getByName(address), 1));
    }

    @Test
    void clientsOfDifferentFamiliesAreDifferentAlsoWhereTheirBitsAreTheSame() throws UnknownHostException {
        List<ClientAddress> all = List.of(ClientAddress.of(null), of("::1"), of("0.0.0.0"), of("0:0:7f00:1::"));
        assertThat(Stream.concat(all.stream(), Stream.of(of("127.0.0.1")))).doesNotHaveDuplicates();
    }

    @Test
    void addressesOfOneNetworkOf64BitsAreOneClient() throws UnknownHostException {
        assertThat(of("2001:db8::1")).isEqualTo(of("2001:db8::ffff:2"));
        assertThat(of("2001:db8::1")).isNotEqualTo(of("2001:db8:0:1::1"));
        assertThat(of("192.0.2.1")).isNotEqualTo(of("192.0.2.2"));
    }
}
