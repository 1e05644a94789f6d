package dev.entrepot.oci.client.cloud;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.Credential;
import dev.entrepot.oci.client.CredentialSource;
import dev.entrepot.oci.client.RegistryEndpoint;
import dev.entrepot.oci.testing.MiniHttpServer;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

/** A machine in some cloud: a clock that stands still, and variables. */
final class CloudWorld extends Clock {
    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-11-20T10:00:00Z"));
    private final Map<String, String> variables = new HashMap<>(Map.of("HOME", "/nowhere"));

    CloudWorld with(String variable, String value) {
        variables.put(variable, value);
        return this;
    }

    ClientEnvironment environment() {
        return ClientEnvironment.system("test")
                .withClock(this)
                .withSleeper(pause -> {})
                .withVariables(variables);
    }

    static RegistryEndpoint endpoint(String name) {
        return RegistryEndpoint.of(RegistryHost.parse(name), URI.create("https://" + name));
    }

    static RegistryEndpoint endpoint(String name, MiniHttpServer server) {
        return RegistryEndpoint.of(RegistryHost.parse(name), server.uri());
    }

    static Credential get(CredentialSource source) throws IOException {
        return source.credential(RegistryHost.parse("any.test")).orElseThrow();
    }

    void advance(Duration duration) {
        now.updateAndGet(instant -> instant.plus(duration));
    }

    @Override
    public Instant instant() {
        return now.get();
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
        throw new UnsupportedOperationException("one zone is enough");
    }
}
