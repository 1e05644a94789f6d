package dev.entrepot.proxy.access;

import static org.assertj.core.api.Assertions.assertThat;

import javax.security.auth.x500.X500Principal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who the holder of a certificate is. */
class ClientGateTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "CN=alice                               | alice",
                "CN=alice,CN=Users,DC=corp,DC=example   | alice",
                "CN=alice,OU=dev,O=example,C=DE         | alice",
                "EMAILADDRESS=a@b.test,CN=bob,CN=Users  | bob",
                "UID=7,CN=carol,CN=Users,CN=Everybody   | carol"
            })
    void theMostSpecificCommonNameIsTheUser(String subject, String user) {
        assertThat(ClientGate.commonName(new X500Principal(subject))).contains(user);
    }

    @Test
    void withoutACommonNameThereIsNoUser() {
        assertThat(ClientGate.commonName(new X500Principal("OU=dev,O=example"))).isEmpty();
        assertThat(ClientGate.commonName(new X500Principal("CN=,OU=dev"))).isEmpty();
        assertThat(ClientGate.commonName(() -> "no such name")).isEmpty();
    }
}
