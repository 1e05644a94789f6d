package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Gate;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.hc.client5.http.DnsResolver;
import org.apache.hc.client5.http.SystemDefaultDnsResolver;
import org.apache.hc.core5.http.ConnectionRequestTimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Hosts with several addresses, and peers that close the connections that are kept to them. */
class ConnectionsTest {
    private static final Tag TAG = new Tag("1");

    private final TestWorld world = new TestWorld();
    private final TestRegistry registry = TestRegistry.started();

    @BeforeEach
    void fill() {
        fill(registry);
    }

    private static void fill(TestRegistry registry) {
        byte[] index = "{\"schemaVersion\":2,\"manifests\":[]}".getBytes(StandardCharsets.UTF_8);
        registry.pushManifest("team/app", MediaType.OCI_INDEX.value(), index, "1");
    }

    @AfterEach
    void stop() {
        registry.close();
    }

    // Nobody listens at the others of the loopback network.
    private static DnsResolver addresses(String... literals) {
        return new DnsResolver() {
            @Override
            public InetAddress[] resolve(String host) {
                return Arrays.stream(literals).map(ConnectionsTest::address).toArray(InetAddress[]::new);
            }

            @Override
            public String resolveCanonicalHostname(String host) {
                return host;
            }
        };
    }

    private static InetAddress address(String literal) {
        try {
            return InetAddress.getByName(literal);
        } catch (IOException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private int statusBy(DnsResolver resolver) throws IOException {
        String url = "http://registry.test:" + registry.server().port();
        RegistryEndpoint endpoint = TestWorld.endpoint(url);
        ProxyRules none = ProxyRules.direct();
        try (HttpTransport transport = HttpTransport.open(endpoint, none, resolver, world.environment());
                ApiResponse response = new WireExchange(transport, endpoint, world.environment())
                        .send(ApiRequest.of(
                                Operation.PING, "asking", "GET", URI.create(url + "/v2/"), Priority.INTERACTIVE))) {
            return response.status();
        }
    }

    @Test
    void addressThatRefusesIsFollowedByTheNext() throws IOException {
        assertThat(statusBy(addresses("127.0.0.2", "127.0.0.3", "127.0.0.1"))).isEqualTo(200);
    }

    @Test
    void hostOfWhichAllAddressesRefuseIsUnreachable() {
        OutageException outage =
                catchThrowableOfType(OutageException.class, () -> statusBy(addresses("127.0.0.2", "127.0.0.3")));
        assertThat(outage.reason()).isEqualTo(OutageException.Reason.UNREACHABLE);
        assertThat(outage).hasMessageContaining("refused the connection");
        assertThat(WireFaults.isBroken(outage)).isFalse();
    }

    /** The system refuses to connect to such an address, as it does to all where there is no network. */
    @Test
    void addressToWhichThereIsNoWayHasRefusedNothingAndBrokenNothing() throws IOException {
        OutageException outage =
                catchThrowableOfType(OutageException.class, () -> statusBy(addresses("255.255.255.255")));
        assertThat(outage.reason()).isEqualTo(OutageException.Reason.UNREACHABLE);
        assertThat(outage).hasMessageMatching("asking: registry.test:\\d+ cannot be reached \\([A-Z][a-z ]+\\)");
        assertThat(WireFaults.isBroken(outage)).isFalse();
        assertThat(statusBy(addresses("255.255.255.255", "127.0.0.1"))).isEqualTo(200);
    }

    @Test
    void nameThatDoesNotResolveIsSaidToBeOne() throws IOException {
        try (RegistryClient client = world.client("http://nowhere.invalid")) {
            OutageException outage = catchThrowableOfType(
                    OutageException.class,
                    () -> client.repository(TestWorld.NAME).resolve(TAG));
            assertThat(outage.reason()).isEqualTo(OutageException.Reason.DNS);
            assertThat(outage).hasMessageEndingWith("nowhere.invalid does not resolve");
        }
    }

    @Test
    void socketThatIsClosedWhileItConnectsSaysNothingOfTheAddress() throws Exception {
        AddressMemory memory = new AddressMemory(
                addresses("127.0.0.1", "127.0.0.2"), world.environment().nanoTime());
        try (Socket socket = memory.socket(null)) {
            socket.close();
            assertThatThrownBy(() -> socket.connect(new InetSocketAddress("127.0.0.1", 1), 1000))
                    .isExactlyInstanceOf(SocketException.class);
        }
        assertThat(memory.resolve("registry.test")).containsExactly(address("127.0.0.1"), address("127.0.0.2"));
    }

    @Test
    void addressThatDidNotAnswerIsTriedLastForAMinute() throws IOException {
        AddressMemory memory = new AddressMemory(
                addresses("127.0.0.2", "127.0.0.1"), world.environment().nanoTime());
        try (Socket socket = memory.socket(null)) {
            InetSocketAddress dead =
                    new InetSocketAddress("127.0.0.2", registry.server().port());
            assertThatThrownBy(() -> socket.connect(dead, 1000)).isInstanceOf(ConnectException.class);
        }
        assertThat(memory.resolve("registry.test")).containsExactly(address("127.0.0.1"), address("127.0.0.2"));
        world.advance(Duration.ofMinutes(1));
        assertThat(memory.resolve("registry.test")).containsExactly(address("127.0.0.2"), address("127.0.0.1"));
    }

    @Test
    void registryThatIsRestartedWithManyConnectionsKeptIsAskedWithoutAnError() throws Exception {
        try (RegistryClient client = world.client(registry.uri().toString())) {
            for (int round = 0; round < 3; round++) {
                openConnections(client, 12);
                registry.server().dropConnections();
                assertThat(client.repository(TestWorld.NAME).resolve(TAG)).isPresent();
                // One dead connection is found out; the others are not tried.
                assertThat(world.pauses.size()).isLessThanOrEqualTo(round + 1);
            }
        }
    }

    @Test
    void connectionsThatNobodyUsesGoExceptAFew() throws Exception {
        OpenConnections connections = new OpenConnections(100, 2, Duration.ofMillis(8));
        try (RegistryClient client = client(registry, connections)) {
            openConnections(client, 12);
            await(() -> registry.server().connectionsOpen() <= 2);
            assertThat(client.repository(TestWorld.NAME).resolve(TAG)).isPresent();
            assertThat(registry.server().connectionsOpen()).isEqualTo(2);
            assertThat(registry.server().connectionsAccepted()).isEqualTo(12);
            assertThat(world.pauses).isEmpty();
        }
    }

    @Test
    void idleConnectionsOfOthersGoBeforeThereAreTooManyAndNoneWithARequest() throws Exception {
        OpenConnections connections = new OpenConnections(10, 10, Duration.ofMinutes(1));
        try (TestRegistry other = TestRegistry.started();
                RegistryClient idle = client(registry, connections);
                RegistryClient busy = client(other, connections)) {
            fill(other);
            openConnections(idle, 8);
            assertThat(registry.server().connectionsOpen()).isEqualTo(8);
            openConnections(busy, other, 12);
            await(() -> registry.server().connectionsOpen() == 0);
            // More than there may be, each with a request.
            assertThat(other.server().connectionsAccepted()).isEqualTo(12);
            assertThat(idle.repository(TestWorld.NAME).resolve(TAG)).isPresent();
            await(() -> other.server().connectionsOpen() == 0);
            assertThat(world.pauses).isEmpty();
        }
    }

    @Test
    void connectionWithARequestStaysWhenIdleOnesAreClosed() throws Exception {
        try (RegistryClient client = world.client(registry.uri().toString())) {
            openConnections(client, 3);
            Gate gate = new Gate();
            registry.faults().once(Requests.manifests(), Fault.hold(gate));
            CompletableFuture<Boolean> held = asked(client);
            gate.awaitArrivals(1);
            client.closeIdle();
            await(() -> registry.server().connectionsOpen() == 1);
            gate.open();
            assertThat(held.get(20, TimeUnit.SECONDS)).isTrue();
            assertThat(client.repository(TestWorld.NAME).resolve(TAG)).isPresent();
            assertThat(registry.server().connectionsAccepted()).isEqualTo(3);
        }
    }

    @Test
    void whatGoesPastTheLimiterIsNotKeptWaitingForAConnection() throws Exception {
        RegistryEndpoint narrow = TestWorld.endpoint(registry.uri().toString()).withMaxConcurrentRequests(1);
        ProxyRules none = ProxyRules.direct();
        Gate gate = new Gate();
        registry.faults().always(Requests.manifests(), Fault.hold(gate));
        try (HttpTransport transport =
                HttpTransport.open(narrow, none, SystemDefaultDnsResolver.INSTANCE, world.environment())) {
            WireExchange wire = new WireExchange(transport, narrow, world.environment());
            ApiRequest request = ApiRequest.of(
                    Operation.MANIFEST,
                    "fetching",
                    "GET",
                    registry.uri().resolve("/v2/team/app/manifests/" + TAG),
                    Priority.BACKGROUND);
            List<CompletableFuture<Integer>> answers = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                CompletableFuture<Integer> answer = new CompletableFuture<>();
                answers.add(answer);
                Thread.ofVirtual().start(() -> {
                    try (ApiResponse response = wire.send(request)) {
                        answer.complete(response.status());
                    } catch (IOException e) {
                        answer.completeExceptionally(e);
                    }
                });
            }
            gate.awaitArrivals(30);
            gate.open();
            for (CompletableFuture<Integer> answer : answers) {
                assertThat(answer.get(20, TimeUnit.SECONDS)).isEqualTo(200);
            }
        }
    }

    @Test
    void connectionsThatAreAllInUseAreNoOutageOfTheRegistry() {
        assertThat(WireFaults.translate(
                        new ConnectionRequestTimeoutException("20 leased"), "uploading", "registry.test"))
                .isInstanceOfSatisfying(
                        OutageException.class,
                        outage -> assertThat(outage.reason()).isEqualTo(OutageException.Reason.NOT_ASKED))
                .hasMessage("uploading: all connections to registry.test are in use");
    }

    private RegistryClient client(TestRegistry there, OpenConnections connections) throws IOException {
        return new RegistryClient(
                TestWorld.endpoint(there.uri().toString()), world.environment().withConnections(connections));
    }

    private static void await(BooleanSupplier condition) {
        long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - start)
                    .isLessThan(Duration.ofSeconds(20).toNanos());
            Thread.onSpinWait();
        }
    }

    private void openConnections(RegistryClient client, int count) throws Exception {
        openConnections(client, registry, count);
    }

    private static void openConnections(RegistryClient client, TestRegistry registry, int count) throws Exception {
        Gate gate = new Gate();
        registry.faults().always(Requests.manifests(), Fault.hold(gate));
        List<CompletableFuture<Boolean>> answers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            answers.add(asked(client));
        }
        gate.awaitArrivals(count);
        registry.faults().clear();
        gate.open();
        for (CompletableFuture<Boolean> answer : answers) {
            assertThat(answer.get(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    private static CompletableFuture<Boolean> asked(RegistryClient client) {
        CompletableFuture<Boolean> answer = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                answer.complete(client.repository(TestWorld.NAME).resolve(TAG).isPresent());
            } catch (IOException e) {
                answer.completeExceptionally(e);
            }
        });
        return answer;
    }

    @Test
    void peerThatClosesAfterEachAnswerWithoutSayingSoIsNotNoticed() throws Exception {
        try (RawServer server = new RawServer(request -> {
                    request.answer(
                            200,
                            "",
                            "Content-Type: application/vnd.oci.image.index.v1+json",
                            "Docker-Content-Digest: sha256:" + "a".repeat(64),
                            "Content-Length: 7");
                    request.reset();
                });
                RegistryClient client = world.client(server.url())) {
            for (int i = 0; i < 20; i++) {
                assertThat(client.repository(TestWorld.NAME).resolve(TAG)).isPresent();
            }
        }
    }

    @Test
    void errorOfTheRuntimeInOneRequestCostsThatItsConnectionAndNoOtherOne() throws IOException {
        RegistryEndpoint endpoint = TestWorld.endpoint(registry.uri().toString());
        try (HttpTransport transport = HttpTransport.open(
                endpoint, ProxyRules.direct(), SystemDefaultDnsResolver.INSTANCE, world.environment())) {
            WireExchange wire = new WireExchange(transport, endpoint, world.environment());
            URI uploads = registry.uri().resolve("/v2/team/app/blobs/uploads/");
            RequestBody body = new RequestBody.Stream(Failing::new, 10, MediaType.OCTET_STREAM);
            ApiRequest upload = ApiRequest.of(Operation.UPLOAD, "uploading", "POST", uploads, Priority.BACKGROUND)
                    .withBody(body);

            assertThatThrownBy(() -> wire.send(upload)).isInstanceOf(LinkageError.class);

            assertThat(transport.open()).isZero();
            URI list = registry.uri().resolve("/v2/team/app/tags/list");
            try (ApiResponse answer =
                    wire.send(ApiRequest.of(Operation.TAGS, "listing", "GET", list, Priority.BACKGROUND))) {
                assertThat(answer.status()).isEqualTo(200);
            }
        }
    }

    private static final class Failing extends InputStream {
        @Override
        public int read() {
            throw new LinkageError("no");
        }
    }
}
