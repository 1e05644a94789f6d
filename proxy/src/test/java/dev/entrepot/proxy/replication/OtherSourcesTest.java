package dev.entrepot.proxy.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Priority;
import dev.entrepot.oci.client.QuotaState;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.testing.Access;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What commands read from places that are not configured: by one client for each, however many read. */
class OtherSourcesTest {
    private static final RepositoryName APP = new RepositoryName("team/app");

    private final TestRegistry registry = TestRegistry.started();
    private final OtherSources sources = ofUserAt("/nowhere");

    private static OtherSources ofUserAt(String home) {
        return new OtherSources(ClientEnvironment.system("test").withVariables(Map.of("HOME", home)), true);
    }

    @AfterEach
    void close() {
        sources.close();
        registry.close();
    }

    @Test
    void copiesFromOnePlaceShareItsQuotaAlsoOneAfterTheOther() throws IOException {
        Bundle image = registry.push("team/app", new Images(1).image(100, 10), "v1");
        registry.quota(10);
        try (OtherSources.Use first = sources.open(registry.uri());
                OtherSources.Use beside =
                        sources.open(URI.create(registry.uri().toString().replace("http:", "HTTP:")))) {
            first.client().repository(APP).fetchManifest(image.digest());
            assertThat(beside.client().state().quotas())
                    .extracting(QuotaState::remaining)
                    .allSatisfy(left -> assertThat(left).hasValue(9));
        }

        try (OtherSources.Use later = sources.open(registry.uri())) {
            assertThat(later.client().state().quotas()).hasSize(1);
        }
    }

    @Test
    void someOfTheRequestsAreKeptForClientsWhereTheProcessHasAny() throws IOException {
        try (OtherSources.Use inServer = sources.open(registry.uri());
                OtherSources command = new OtherSources(ClientEnvironment.system("test"), false);
                OtherSources.Use inCommand = command.open(registry.uri())) {
            assertThat(inServer.client().endpoint().servesClients()).isTrue();
            assertThat(inCommand.client().endpoint().servesClients()).isFalse();
        }
    }

    @Test
    void loginThatComesLaterCountsFromThenOn(@TempDir Path home) throws IOException {
        registry.push("team/app", new Images(1).image(100, 10), "v1");
        registry.open(new Access.Basic("robot", "a-secret"));
        try (OtherSources own = ofUserAt(home.toString())) {
            try (OtherSources.Use before = own.open(registry.uri())) {
                assertThatThrownBy(() -> before.client().repository(APP).resolve(new Tag("v1")))
                        .isInstanceOf(UnauthorizedException.class);
            }

            Path file = Files.createDirectory(home.resolve(".docker")).resolve("config.json");
            Files.writeString(
                    file,
                    "{\"auths\":{\"" + registry.uri().getAuthority()
                            + "\":{\"username\":\"robot\",\"password\":\"a-secret\"}}}");

            try (OtherSources.Use after = own.open(registry.uri())) {
                assertThat(after.client().repository(APP).resolve(new Tag("v1")))
                        .isPresent();
            }
        }
    }

    @Test
    void wantsToBeLeftAloneIsHeardByTheNextCopyToo() throws IOException {
        Digest blob = registry.pushBlob("team/app", new byte[] {1, 2, 3});
        registry.faults().once(Requests.blobs(), Fault.instead(Response.of(429).header("Retry-After", "600")));
        for (int i = 0; i < 2; i++) {
            try (OtherSources.Use use = sources.open(registry.uri())) {
                assertThatThrownBy(() -> use.client()
                                .repository(APP, Priority.BACKGROUND)
                                .openBlob(blob, ByteRange.ALL))
                        .isInstanceOf(OutageException.class);
            }
        }

        assertThat(registry.requests(Requests.blobs())).hasSize(1);
    }

    @Test
    void placesHaveClientsOfTheirOwnAndOnlySomeOutliveTheirUse() throws IOException {
        RegistryClient first;
        try (OtherSources.Use use = sources.open(registry.uri())) {
            first = use.client();
        }
        try (OtherSources.Use used = sources.open(URI.create("http://127.0.0.1:1"))) {
            assertThat(used.client()).isNotSameAs(first);
            for (int port = 2; port <= 17; port++) {
                sources.open(URI.create("http://127.0.0.1:" + port)).close();
            }
            try (OtherSources.Use again = sources.open(URI.create("http://127.0.0.1:1"))) {
                assertThat(again.client()).as("one that is in use").isSameAs(used.client());
            }
        }

        try (OtherSources.Use again = sources.open(registry.uri())) {
            assertThat(again.client()).as("the one that was unused for longest").isNotSameAs(first);
            assertThat(again.client().repository(APP).resolve(new Tag("v1"))).isEmpty();
        }
    }
}
