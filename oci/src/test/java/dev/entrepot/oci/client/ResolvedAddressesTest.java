package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.hc.client5.http.DnsResolver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A client of a public registry that leads it to names of which the addresses are inside: the policy of addresses is
 * what its connections go by.
 */
class ResolvedAddressesTest {
    private static final byte[] BYTES = "blob".getBytes(StandardCharsets.UTF_8);
    private static final Map<String, String[]> NAMES = Map.of(
            // Public, and reached here: the first that answers is taken.
            "registry.test", new String[] {"127.0.0.1", "93.184.216.34"},
            "inside.test", new String[] {"127.0.0.1"},
            "neighbour.test", new String[] {"10.0.0.1"},
            "both.test", new String[] {"93.184.216.34", "127.0.0.1"});

    private final TestWorld world = new TestWorld();
    private final TestRegistry registry = TestRegistry.started();
    private final TestRegistry accomplice = TestRegistry.started();
    private final Digest blob = registry.pushBlob("team/app", BYTES);
    private RegistryClient client;
    private RemoteRepository repository;

    private static final DnsResolver RESOLVER = new DnsResolver() {
        @Override
        public InetAddress[] resolve(String host) throws UnknownHostException {
            String[] literals = NAMES.getOrDefault(host, new String[0]);
            InetAddress[] addresses = new InetAddress[literals.length];
            for (int i = 0; i < literals.length; i++) {
                addresses[i] = InetAddress.ofLiteral(literals[i]);
            }
            if (addresses.length == 0) {
                throw new UnknownHostException(host);
            }
            return addresses;
        }

        @Override
        public String resolveCanonicalHostname(String host) {
            return host;
        }
    };

    @BeforeEach
    void open() throws IOException {
        accomplice.pushBlob("team/app", BYTES);
        registry.pushManifest(
                "team/app",
                MediaType.OCI_INDEX.value(),
                "{\"schemaVersion\":2,\"manifests\":[]}".getBytes(StandardCharsets.UTF_8),
                "1");
        client = RegistryClient.resolvingBy(
                RESOLVER,
                TestWorld.endpoint("http://registry.test:" + registry.server().port()),
                Safeguards.NONE,
                world.environment());
        repository = client.repository(TestWorld.NAME);
    }

    @AfterEach
    void close() {
        client.close();
        registry.close();
        accomplice.close();
    }

    private String at(String name, String path) {
        return "http://" + name + ":" + accomplice.server().port() + path;
    }

    @ParameterizedTest
    @CsvSource({"inside.test,a loopback", "neighbour.test,a private", "both.test,a loopback"})
    void redirectToANameWithAnAddressInsideIsNotFollowed(String name, String what) throws IOException {
        assertThat(repository.resolve(new Tag("1"))).isPresent();
        registry.faults()
                .always(Requests.get().and(Requests.blobs()), Fault.redirect(request -> at(name, request.target())));
        assertThatThrownBy(() -> repository.openBlob(blob, ByteRange.ALL))
                .isInstanceOf(OutageException.class)
                .hasStackTraceContaining(
                        name + " is " + what + " address, to which the registry registry.test may not");
        assertThat(accomplice.calls().all()).isEmpty();
    }

    @Test
    void referrersAtANameWithAnAddressInsideAreNotAskedFor() {
        registry.faults().always(Requests.referrers(), Fault.redirect(request -> at("inside.test", request.target())));
        assertThatThrownBy(() -> repository.referrers(blob))
                .isInstanceOf(OutageException.class)
                .hasStackTraceContaining("inside.test is a loopback address");
        assertThat(accomplice.calls().all()).isEmpty();
    }

    @Test
    void uploadToANameWithAnAddressInsideIsNotMade() throws IOException {
        registry.faults()
                .always(
                        Requests.uploads().and(Requests.method("POST")),
                        Fault.header("Location", at("inside.test", "/v2/team/app/blobs/uploads/1")));
        byte[] other = "other".getBytes(StandardCharsets.UTF_8);
        Digest digest = accomplice.pushBlob("team/other", other);
        try (RegistryClient reading = world.client(accomplice.uri().toString())) {
            assertThatThrownBy(() -> repository.pushBlob(
                            Descriptor.of(MediaType.OCTET_STREAM, digest, other.length),
                            reading.repository(new RepositoryName("team/other"))))
                    .isInstanceOf(OutageException.class)
                    .hasStackTraceContaining("inside.test is a loopback address");
        }
        assertThat(accomplice.requests(Requests.uploads())).isEmpty();
    }
}
