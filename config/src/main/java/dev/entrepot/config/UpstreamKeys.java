package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The keys of an entry of {@code upstreams:}. */
final class UpstreamKeys {
    private static final ScalarType<String> ALIAS = ScalarType.of(
            "path component",
            "one component of a repository name: lower-case letters, digits, . _ and -",
            UpstreamKeys::alias,
            alias -> alias,
            JsonForm.pattern("[a-z0-9]+([._-]+[a-z0-9]+)*"));

    private static final Key<UpstreamConfig, Optional<URI>> URL = Key.<UpstreamConfig, URI>optional(
                    "url",
                    UrlTypes.REGISTRY,
                    upstream -> Optional.of(upstream.url()),
                    "Where the registry's API is. Plain HTTP is spoken if, and only if, the URL says http.")
            .shownDefault("https:// and the name");
    private static final Key<UpstreamConfig, Optional<CredentialsConfig>> CREDENTIALS = Key.optional(
            "credentials",
            CredentialsKeys.SECTION,
            UpstreamConfig::credentials,
            "How to authenticate; anonymous without.");
    private static final Key<UpstreamConfig, Optional<PassThroughConfig>> PASS_THROUGH = Key.optional(
            "pass-through",
            PassThroughKeys.SECTION,
            UpstreamConfig::passThrough,
            "Has each client show its own credentials for the registry, with which it is asked then, and with no others. {} for the defaults. Not beside"
                    + " credentials, mirrors or server.authentication.");
    private static final Key<UpstreamConfig, List<MirrorConfig>> MIRRORS = Key.list(
            "mirrors",
            ListType.of(MirrorKeys.SECTION),
            UpstreamConfig::mirrors,
            "Places that are asked before url, in this order. What one has not, or fails to answer, the next is asked; only the registry itself can say that"
                    + " something is not there.");
    private static final Key<UpstreamConfig, List<RegistryHost>> HOSTS = Key.list(
            "hosts",
            ListType.of(Types.HOST),
            UpstreamConfig::hosts,
            "More host names under which clients reach this process and mean this registry.");
    private static final Key<UpstreamConfig, List<String>> ALIASES = Key.list(
            "aliases",
            ListType.of(ALIAS),
            UpstreamConfig::aliases,
            "First path components that mean this registry, besides its name: with hub, /v2/hub/library/alpine works."
                    + " None with which names of its own repositories begin: of those, requests with ?ns= would mean others.");
    private static final Key<UpstreamConfig, Optional<Path>> CA = Key.optional(
            "ca", Types.FILE, UpstreamConfig::ca, "PEM file with authorities to trust in addition to the platform's.");
    private static final Key<UpstreamConfig, Optional<ClientCertificate>> CLIENT_CERTIFICATE = Key.optional(
            "client-certificate",
            CredentialsKeys.CLIENT_CERTIFICATE,
            UpstreamConfig::clientCertificate,
            "Certificate to show to the registry.");
    private static final Key<UpstreamConfig, Optional<URI>> PROXY =
            Key.optional("proxy", UrlTypes.PROXY, UpstreamConfig::proxy, "HTTP proxy to reach the registry through.");
    private static final Key<UpstreamConfig, List<RegistryHost>> TOKEN_REALMS = Key.list(
            "token-realms",
            ListType.of(Types.HOST),
            UpstreamConfig::tokenRealms,
            "Hosts, besides the registry's own, whose token services may be sent the credentials.");
    private static final Key<UpstreamConfig, Integer> MAX_CONCURRENT_REQUESTS = Key.withDefault(
            "max-concurrent-requests",
            Types.integer(1, 10_000),
            Integer.toString(UpstreamConfig.DEFAULT_MAX_CONCURRENT_REQUESTS),
            UpstreamConfig::maxConcurrentRequests,
            "Requests at one time. Bodies of blobs are counted apart: four times as many.");
    private static final Key<UpstreamConfig, QuotaReserve> QUOTA_RESERVE = Key.withDefault(
            "quota-reserve",
            Types.QUOTA_RESERVE,
            QuotaReserve.DEFAULT.toString(),
            UpstreamConfig::quotaReserve,
            "Of a registry that counts pulls: pulls, or a share of the quota, that replication and warming leave to clients.");
    private static final Key<UpstreamConfig, Boolean> HEDGE = Key.withDefault(
            "hedge",
            Types.BOOL,
            "true",
            UpstreamConfig::hedge,
            "Whether a small request that takes longer than nearly all lately is sent a second time; at most one in twenty, and none that costs a pull.");
    private static final Key<UpstreamConfig, Optional<ProbedImage>> PROBE = Key.optional(
            "probe",
            Types.PROBED_IMAGE,
            UpstreamConfig::probe,
            "What entrepot upstreams asks this registry for as long as nothing of it is kept, to see what it can do: a repository, with a tag where that is"
                    + " not latest. Costs no pull.");
    private static final Key<UpstreamConfig, Optional<Duration>> FRESH_FOR = Key.<UpstreamConfig, Duration>optional(
                    "fresh-for", Types.DURATION, UpstreamConfig::freshFor, "As cache.fresh-for, for this registry.")
            .shownDefault("cache.fresh-for");
    private static final Key<UpstreamConfig, Optional<Duration>> STALE_FOR = Key.<UpstreamConfig, Duration>optional(
                    "stale-for", Types.DURATION, UpstreamConfig::staleFor, "As cache.stale-for, for this registry.")
            .shownDefault("cache.stale-for");

    private static final Key<UpstreamConfig, List<CacheRuleConfig>> RULES = Key.list(
            "rules",
            ListType.of(CacheRuleKeys.SECTION),
            UpstreamConfig::rules,
            "How what comes from this registry is cached; looked at before the rules at the top of the file.");

    static final Section<UpstreamConfig> SECTION = new Section<>(
            "upstream",
            List.of(
                    URL,
                    CREDENTIALS,
                    PASS_THROUGH,
                    MIRRORS,
                    HOSTS,
                    ALIASES,
                    CA,
                    CLIENT_CERTIFICATE,
                    PROXY,
                    TOKEN_REALMS,
                    MAX_CONCURRENT_REQUESTS,
                    QUOTA_RESERVE,
                    HEDGE,
                    PROBE,
                    FRESH_FOR,
                    STALE_FOR,
                    RULES),
            UpstreamKeys::upstream);

    private static final RegistryHost NAMELESS = new RegistryHost("invalid");

    private UpstreamKeys() {}

    private static UpstreamConfig upstream(SectionValues values) {
        RegistryHost name = name(values);
        URI url = values.get(URL).orElseGet(() -> BuiltinUpstreams.defaultUrl(name));
        CredentialsKeys.checkRegion(values.get(CREDENTIALS), List.of(name, RegistryHost.parse(url.getRawAuthority())));
        return new UpstreamConfig(
                name,
                url,
                values.get(CREDENTIALS),
                values.get(PASS_THROUGH),
                values.get(MIRRORS),
                values.get(HOSTS),
                values.get(ALIASES),
                values.get(CA),
                values.get(CLIENT_CERTIFICATE),
                values.get(PROXY),
                values.get(TOKEN_REALMS),
                values.get(MAX_CONCURRENT_REQUESTS),
                values.get(QUOTA_RESERVE),
                values.get(HEDGE),
                values.get(PROBE),
                values.get(FRESH_FOR),
                values.get(STALE_FOR),
                values.get(RULES));
    }

    // The mapping that holds the section reports a name that is none; the section is then dropped.
    private static RegistryHost name(SectionValues values) {
        try {
            RegistryHost name = RegistryHost.parse(values.entryName());
            values.reading().upstreamWritten(name);
            return name;
        } catch (IllegalArgumentException e) {
            return NAMELESS;
        }
    }

    private static String alias(String text) {
        if (!text.matches("[a-z0-9]+([._-]+[a-z0-9]+)*") || text.length() > 128) {
            throw new InvalidValueException("", "one component of a repository name, without a slash");
        }
        return text;
    }
}
