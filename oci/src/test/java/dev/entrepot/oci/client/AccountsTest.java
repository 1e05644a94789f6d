package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What accounts are called where they are shown. */
class AccountsTest {
    private final TestWorld world = new TestWorld();
    private final TestRegistry registry = TestRegistry.started();

    @AfterEach
    void close() {
        registry.close();
    }

    private RegistryClient client(CredentialSource credentials) throws IOException {
        return new RegistryClient(
                TestWorld.endpoint(registry.uri().toString()).withCredentials(credentials),
                Safeguards.shared(QuotaReserve.DEFAULT),
                world.environment());
    }

    /** A helper may be slow, and metrics are asked for often. */
    @Test
    void stateHasNobodyAskedForCredentials() throws IOException {
        AtomicInteger asked = new AtomicInteger();
        try (RegistryClient client = client(host -> {
            asked.incrementAndGet();
            return Optional.of(new Credential.UserPassword("robot", "s3cret"));
        })) {
            assertThat(client.state().account()).isEqualTo("unknown");
            assertThat(asked).hasValue(0);

            client.repository(TestWorld.NAME).resolve(new Tag("1"));
            int before = asked.get();
            assertThat(client.state().account()).isEqualTo("robot");
            assertThat(asked).hasValue(before);
        }
    }

    @Test
    void whatIsConfiguredIsKnownBeforeItIsUsed() throws IOException {
        try (RegistryClient named = client(CredentialSource.fixed(new Credential.UserPassword("robot", "s3cret")));
                RegistryClient nobody = client(CredentialSource.NONE)) {
            assertThat(named.state().account()).isEqualTo("robot");
            assertThat(nobody.state().account()).isEqualTo("anonymous");
        }
    }

    @Test
    void identityTokensAreToldApartAndNotShown() {
        String one = QuotaBudgets.name(new Credential.IdentityToken("s3cret-one"));
        assertThat(one)
                .startsWith("identity token ")
                .isEqualTo(QuotaBudgets.name(new Credential.IdentityToken("s3cret-one")))
                .isNotEqualTo(QuotaBudgets.name(new Credential.IdentityToken("s3cret-two")))
                .doesNotContain("s3cret");
    }
}
