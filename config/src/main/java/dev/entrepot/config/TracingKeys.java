package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The keys of {@code tracing:}. */
final class TracingKeys {
    private static final String TELL_PATH = "tell-upstreams";
    // What the client that delivers spans sets by itself; one that sets the first five besides could send nothing.
    private static final Set<FieldName> OF_CLIENT = Stream.of(
                    "Connection",
                    "Content-Length",
                    "Expect",
                    "Host",
                    "Upgrade",
                    "Transfer-Encoding",
                    "Content-Type",
                    "Content-Encoding",
                    "Accept-Encoding")
            .map(FieldName::new)
            .collect(Collectors.toUnmodifiableSet());
    private static final ScalarType<FieldName> HEADER =
            ScalarType.of("header", FieldName.ALLOWED, TracingKeys::header, FieldName::toString, JsonForm.text());
    private static final Key<TracingConfig, URI> ENDPOINT = Key.required(
            "endpoint",
            UrlTypes.WEBHOOK,
            TracingConfig::endpoint,
            "Where spans are posted, by OTLP over HTTP (protobuf): the whole URL, with a path that is mostly /v1/traces.");
    private static final Key<TracingConfig, Map<FieldName, Secret>> HEADERS = Key.map(
            "headers",
            new MapType<>(HEADER, Types.SECRET),
            TracingConfig::headers,
            "Header fields of these requests, for example with a token.");
    private static final Key<TracingConfig, Optional<Path>> CA = Key.optional(
            "ca",
            Types.FILE,
            TracingConfig::ca,
            "PEM file with the authorities to trust in place of the platform's; of an https endpoint only.");
    private static final Key<TracingConfig, Integer> ONE_IN = Key.withDefault(
            "one-in",
            Types.integer(1, 1_000_000),
            "1",
            TracingConfig::oneIn,
            "Of how many traces that begin here one is kept. What a client has begun is kept if, and only if, the client keeps it.");
    private static final Key<TracingConfig, List<RegistryHost>> TELL = Key.list(
            TELL_PATH,
            ListType.of(new UpstreamName()),
            TracingConfig::tell,
            "Upstreams that are sent the header traceparent. None without this key: what belongs together at a client is nobody else's business.");
    static final Section<TracingConfig> SECTION = new Section<>(
            "tracing",
            List.of(ENDPOINT, HEADERS, CA, ONE_IN, TELL),
            values -> new TracingConfig(
                    values.get(ENDPOINT), values.get(HEADERS), values.get(CA), values.get(ONE_IN), values.get(TELL)));

    private TracingKeys() {}

    private static FieldName header(String text) {
        FieldName name = new FieldName(text);
        if (OF_CLIENT.contains(name)) {
            throw new InvalidValueException(
                    "", "another field: this one is set by the client that delivers spans; leave it out");
        }
        return name;
    }
}
