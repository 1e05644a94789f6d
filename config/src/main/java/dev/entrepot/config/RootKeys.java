package dev.entrepot.config;

import dev.entrepot.oci.RegistryHost;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The keys at the top of the file. */
final class RootKeys {
    /** The path of the mapping of upstreams. */
    static final String UPSTREAMS_PATH = "upstreams";

    private static final String NO_UPSTREAM = "none";
    private static final ScalarType<Optional<RegistryHost>> UPSTREAM_OR_NONE = ScalarType.of(
            "upstream, or none",
            "the name of an upstream, or none",
            text -> text.equalsIgnoreCase(NO_UPSTREAM) ? Optional.empty() : Optional.of(RegistryHost.parse(text)),
            host -> host.map(RegistryHost::value).orElse(NO_UPSTREAM),
            JsonForm.text());

    private static final Key<EntrepotConfig, ServerConfig> SERVER =
            Key.section("server", ServerKeys.SECTION, EntrepotConfig::server, "How clients reach this process.");
    private static final Key<EntrepotConfig, CacheConfig> CACHE =
            Key.section("cache", CacheKeys.SECTION, EntrepotConfig::cache, "What is kept, where, and for how long.");
    private static final Key<EntrepotConfig, Optional<RegistryHost>> DEFAULT_UPSTREAM = Key.withDefault(
            "default-upstream",
            UPSTREAM_OR_NONE,
            RegistryHost.DOCKER_HUB.value(),
            EntrepotConfig::defaultUpstream,
            "The upstream for requests that name none, as those of a Docker daemon's registry-mirrors do; none refuses them.");
    private static final Key<EntrepotConfig, Boolean> BUILTIN_UPSTREAMS = Key.withDefault(
            "builtin-upstreams",
            Types.BOOL,
            "true",
            config -> config.upstreams()
                    .keySet()
                    .containsAll(BuiltinUpstreams.all().keySet()),
            "Whether the well-known public registries are upstreams without being listed. Entries of upstreams are added to them, or replace"
                    + " the one of the same name: " + String.join(", ", BuiltinUpstreams.NAMES) + ".");
    private static final Key<EntrepotConfig, Map<RegistryHost, UpstreamConfig>> UPSTREAMS = Key.map(
            UPSTREAMS_PATH,
            new MapType<>(Types.HOST, UpstreamKeys.SECTION),
            EntrepotConfig::upstreams,
            "The registries that content is fetched from, by their names in references. Requests for any other are refused.");
    private static final Key<EntrepotConfig, List<CacheRuleConfig>> RULES = Key.list(
            "rules",
            ListType.of(CacheRuleKeys.SECTION),
            EntrepotConfig::rules,
            "How what comes from any upstream is cached. Of an upstream's own rules and then these, the first that matches and has a setting decides it.");
    private static final Key<EntrepotConfig, List<AccessRuleConfig>> ACCESS = Key.list(
            "access",
            ListType.of(AccessRuleKeys.SECTION),
            EntrepotConfig::access,
            "Who may pull which repositories: the first rule that fits the client and the repository decides, and what none fits is refused. Without any rule,"
                    + " those may pull everything who can say who they are; where nobody can, everybody may.");
    private static final Key<EntrepotConfig, ReplicationConfig> REPLICATION = Key.section(
            "replication",
            ReplicationKeys.SECTION,
            EntrepotConfig::replication,
            "What is copied to other registries, and who is told.");

    private static final Key<EntrepotConfig, Optional<TracingConfig>> TRACING = Key.optional(
            "tracing",
            TracingKeys.SECTION,
            EntrepotConfig::tracing,
            "Traces of requests, from the client's to those to upstreams, for OpenTelemetry. Without it nothing is traced, and nothing of it is loaded.");

    static final Section<EntrepotConfig> SECTION = new Section<>(
            "configuration",
            List.of(SERVER, CACHE, DEFAULT_UPSTREAM, BUILTIN_UPSTREAMS, UPSTREAMS, RULES, ACCESS, REPLICATION, TRACING),
            RootKeys::config);

    private RootKeys() {}

    private static EntrepotConfig config(SectionValues values) {
        Reading reading = values.reading();
        Map<RegistryHost, UpstreamConfig> upstreams = new LinkedHashMap<>();
        if (values.get(BUILTIN_UPSTREAMS)) {
            upstreams.putAll(BuiltinUpstreams.all());
            upstreams.keySet().forEach(name -> reading.builtIn(ConfigNode.entry(UPSTREAMS_PATH, name)));
        }
        upstreams.putAll(values.get(UPSTREAMS));
        ReplicationConfig replication = values.get(REPLICATION);
        new UpstreamChecks(upstreams, reading).check();
        Optional<TracingConfig> tracing = values.get(TRACING);
        new RuleChecks(upstreams, replication.rules(), reading.dataFolders(values.get(CACHE)), reading).check();
        new PassThroughChecks(upstreams, values.get(SERVER), replication.rules(), reading).check();
        AccessChecks.refuseUsersOnly(values.get(ACCESS), values.get(SERVER), reading);
        return new EntrepotConfig(
                values.get(SERVER),
                values.get(CACHE),
                defaultUpstream(values.get(DEFAULT_UPSTREAM), upstreams, reading),
                upstreams,
                values.get(RULES),
                values.get(ACCESS),
                replication,
                tracing);
    }

    private static Optional<RegistryHost> defaultUpstream(
            Optional<RegistryHost> written, Map<RegistryHost, UpstreamConfig> upstreams, Reading reading) {
        Optional<RegistryHost> meant = written.map(reading::upstreamMeant);
        if (meant.isEmpty() || upstreams.containsKey(meant.get())) {
            return meant;
        }
        boolean byDefault = reading.origins().get(DEFAULT_UPSTREAM.name()) instanceof Origin.Default;
        if (!byDefault) {
            UpstreamChecks.refuseUnknown(written.get(), DEFAULT_UPSTREAM.name(), upstreams, reading);
        }
        return Optional.empty();
    }
}
