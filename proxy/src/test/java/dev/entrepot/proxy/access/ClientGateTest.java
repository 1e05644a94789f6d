package dev.entrepot.proxy.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.AccessRuleConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.Repository;
import dev.entrepot.proxy.http.AccessRefusedException;
import dev.entrepot.proxy.http.Approach;
import dev.entrepot.proxy.http.ClientAddress;
import dev.entrepot.proxy.http.Gate;
import dev.entrepot.proxy.http.Visitor;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import javax.security.auth.x500.X500Principal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who clients are by what they show, and what those hear who are not known. */
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

    private static ClientGate gate(boolean certificates, Optional<OwnTokens> own) {
        JsonWebTokens tokens =
                new JsonWebTokens(own, List.of(), new byte[32], InstantSource.system(), System::nanoTime);
        ClientGate.Parts parts = new ClientGate.Parts(
                Optional.empty(), tokens, own, certificates, true, "entrepot", Optional.empty(), "of-commands");
        return new ClientGate(parts, Map.of("developers", List.of("alice")), List.of());
    }

    private static Approach approach(Optional<String> authorization, Optional<String> certificate) {
        return new Approach(
                authorization,
                certificate.map(X500Principal::new),
                ClientAddress.of(new InetSocketAddress("192.0.2.7", 5000)),
                "https://mirror.test\",evil=\"\\x");
    }

    @Test
    void holderOfACertificateIsKnownWithItsGroupsAlsoWhereItShowsNoUserAndNoPassword() throws Exception {
        ClientGate gate = gate(true, Optional.empty());
        for (Optional<String> shown : List.of(Optional.<String>empty(), Optional.of("Basic Og=="))) {
            Visitor visitor = gate.identify(approach(shown, Optional.of("CN=alice")));
            assertThat(visitor).isEqualTo(Visitor.named("alice", Set.of("developers")));
        }
        assertThat(gate.identified()).isEqualTo(2);
        assertThat(gate.failed()).isZero();
    }

    @Test
    void certificateSaysNothingWhereNoneIsAskedFor() throws Exception {
        ClientGate gate = gate(false, Optional.empty());
        assertThat(gate.identify(approach(Optional.empty(), Optional.of("CN=alice"))))
                .isEqualTo(Visitor.ANYBODY);
        assertThat(gate.identified()).isZero();
    }

    @Test
    void whoShowsSomethingWrongIsRefusedAndCountedWhateverItsCertificateSays() {
        ClientGate gate = gate(true, Optional.empty());
        for (String shown : List.of("Basic YWxpY2U6d3Jvbmc=", "Bearer of-nobody", "Digest x")) {
            assertThatThrownBy(() -> gate.identify(approach(Optional.of(shown), Optional.of("CN=alice"))))
                    .isInstanceOfSatisfying(AccessRefusedException.class, refusal -> {
                        assertThat(refusal.kind()).isEqualTo(AccessRefusedException.Kind.UNKNOWN);
                        assertThat(refusal.challenge()).contains("Basic realm=\"entrepot\"");
                    });
        }
        assertThat(gate.failed()).isEqualTo(3);
        assertThat(gate.identified()).isZero();
    }

    @Test
    void tokenIsForWhatOfTheWishesTheRulesAllow() throws Exception {
        OwnTokens own = new OwnTokens(
                "entrepot", Duration.ofMinutes(5), TokenKeys.made(), InstantSource.system(), new SecureRandom());
        ClientGate gate = gate(false, Optional.of(own));
        gate.replace(List.of(new AccessRuleConfig(
                List.of(NamePattern.parse("alice")),
                List.of(),
                false,
                List.of(NamePattern.parse("registry.test/open/*")),
                Optional.empty())));
        Repository open = Repository.parse("registry.test/open/app");
        Repository closed = Repository.parse("registry.test/closed/app");
        Gate.GivenToken token = gate.give(Visitor.named("alice", Set.of()), Set.of(open, closed), false);
        Visitor shown = gate.identify(approach(Optional.of("Bearer " + token.text()), Optional.empty()));
        assertThat(shown.user()).isEqualTo("alice");
        assertThat(shown.groups()).containsExactly("developers");
        assertThat(shown.scope()).contains(new Visitor.Scope(Set.of(open), false));
    }

    @Test
    void whereOnlyCertificatesSayWhoSomebodyIsWhoHasNoneIsAStrangerAndNoTokensAreGiven() {
        JsonWebTokens tokens =
                new JsonWebTokens(Optional.empty(), List.of(), new byte[32], InstantSource.system(), System::nanoTime);
        ClientGate gate = new ClientGate(
                new ClientGate.Parts(
                        Optional.empty(), tokens, Optional.empty(), true, false, "entrepot", Optional.empty(), "local"),
                Map.of(),
                List.of());
        assertThat(gate.isOpen()).isFalse();
        assertThat(gate.givesTokens()).isFalse();
        assertThat(gate.isStranger(Visitor.ANYBODY)).isTrue();
        assertThat(gate.isStranger(Visitor.named("alice", Set.of()))).isFalse();
    }

    @Test
    void whatTheClientCallsTheServerComesBackWithinItsQuotes() {
        OwnTokens own = new OwnTokens(
                "entrepot", Duration.ofMinutes(5), TokenKeys.made(), InstantSource.system(), new SecureRandom());
        ClientGate gate = gate(false, Optional.of(own));
        assertThatThrownBy(() -> gate.requirePing(Visitor.ANYBODY, approach(Optional.empty(), Optional.empty())))
                .isInstanceOfSatisfying(
                        AccessRefusedException.class,
                        refusal -> assertThat(refusal.challenge())
                                .contains("Bearer realm=\"https://mirror.test,evil=x/token\",service=\"entrepot\""));
    }
}
