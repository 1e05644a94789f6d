package dev.entrepot.config;

import dev.entrepot.config.TargetConfig.Destination;
import dev.entrepot.config.TargetConfig.LayoutDestination;
import dev.entrepot.config.TargetConfig.RegistryDestination;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The keys of an entry of {@code targets:} of a rule. */
final class TargetKeys {
    private static final Key<TargetConfig, Optional<URI>> URL = Key.optional(
            "url",
            UrlTypes.REGISTRY,
            target -> registry(target, r -> Optional.of(r.url())),
            "Where the API of the target registry is. Plain HTTP is spoken if, and only if, the URL says http.");
    private static final Key<TargetConfig, Optional<Path>> LAYOUT = Key.optional(
            "layout",
            Types.PATH,
            target -> target.destination() instanceof LayoutDestination l ? Optional.of(l.path()) : Optional.empty(),
            "In place of url: an OCI image layout, as a folder, or as a tar file if the name ends in .tar; not in the folder of the cache, and not around it.");
    private static final Key<TargetConfig, Optional<RepositoryName>> PREFIX = Key.optional(
            "prefix", Types.REPOSITORY, TargetConfig::prefix, "Path components to put before every repository name.");
    private static final Key<TargetConfig, Map<RepositoryName, RepositoryName>> MAP = Key.map(
            "map",
            new MapType<>(Types.REPOSITORY, Types.REPOSITORY),
            TargetConfig::map,
            "Repositories, or their leading path components, that get another name before the prefix is put.");
    private static final Key<TargetConfig, Optional<CredentialsConfig>> CREDENTIALS = Key.optional(
            "credentials",
            CredentialsKeys.SECTION,
            target -> registry(target, RegistryDestination::credentials),
            "How to authenticate; anonymous without.");
    private static final Key<TargetConfig, Optional<Path>> CA = Key.optional(
            "ca",
            Types.FILE,
            target -> registry(target, RegistryDestination::ca),
            "PEM file with authorities to trust in addition to the platform's.");
    private static final Key<TargetConfig, Optional<ClientCertificate>> CLIENT_CERTIFICATE = Key.optional(
            "client-certificate",
            CredentialsKeys.CLIENT_CERTIFICATE,
            target -> registry(target, RegistryDestination::clientCertificate),
            "Certificate to show to the target.");
    private static final Key<TargetConfig, Optional<URI>> PROXY = Key.optional(
            "proxy",
            UrlTypes.PROXY,
            target -> registry(target, RegistryDestination::proxy),
            "HTTP proxy to reach the target through.");
    private static final Key<TargetConfig, Integer> MAX_CONCURRENT_REQUESTS = Key.withDefault(
            "max-concurrent-requests",
            Types.integer(1, 10_000),
            Integer.toString(TargetConfig.DEFAULT_MAX_CONCURRENT_REQUESTS),
            TargetConfig::maxConcurrentRequests,
            "Requests at one time, and as many uploads; of blobs of 8 MiB or more, and of a rule with a bandwidth, a quarter of that, or eight where that is more. What the target asks for by 429 goes before it.");

    static final Section<TargetConfig> SECTION = new Section<>(
            "target",
            List.of(URL, LAYOUT, PREFIX, MAP, CREDENTIALS, CA, CLIENT_CERTIFICATE, PROXY, MAX_CONCURRENT_REQUESTS),
            values -> new TargetConfig(
                    destination(values), values.get(PREFIX), values.get(MAP), values.get(MAX_CONCURRENT_REQUESTS)));

    private TargetKeys() {}

    private static <T> Optional<T> registry(TargetConfig target, Function<RegistryDestination, Optional<T>> get) {
        return target.destination() instanceof RegistryDestination registry ? get.apply(registry) : Optional.empty();
    }

    private static Destination destination(SectionValues values) {
        Optional<URI> url = values.get(URL);
        Optional<Path> layout = values.get(LAYOUT);
        if (url.isPresent() == layout.isPresent()) {
            throw new InvalidValueException("", "either url or layout");
        }
        if (url.isPresent()) {
            CredentialsKeys.checkRegion(
                    values.get(CREDENTIALS),
                    List.of(RegistryHost.parse(url.get().getRawAuthority())));
            return new RegistryDestination(
                    url.get(),
                    values.get(CREDENTIALS),
                    values.get(CA),
                    values.get(CLIENT_CERTIFICATE),
                    values.get(PROXY));
        }
        for (Key<TargetConfig, ? extends Optional<?>> key : List.of(CREDENTIALS, CA, CLIENT_CERTIFICATE, PROXY)) {
            if (values.get(key).isPresent()) {
                throw new InvalidValueException(key.name(), "no " + key.name() + " for a layout");
            }
        }
        return new LayoutDestination(layout.orElseThrow());
    }
}
