package dev.entrepot.proxy.replication;

import dev.entrepot.config.ReplicationRuleConfig;
import dev.entrepot.config.TargetConfig;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.client.ClientEnvironment;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.replicator.TargetRegistry;
import dev.entrepot.replicator.layout.LayoutTargets;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The clients of all targets of all rules. Rules that reach a registry in the same way share a client, and with it its
 * limits; each with other credentials has its own. Not safe for several threads until all are open.
 */
final class ReplicationTargets implements AutoCloseable {
    private final ClientEnvironment environment;
    private final Map<TargetConfig.RegistryDestination, Integer> most = new HashMap<>();
    private final Map<TargetConfig.RegistryDestination, RegistryClient> clients = new LinkedHashMap<>();
    private final LayoutTargets layouts = new LayoutTargets();
    private final Set<Path> layoutPaths = new HashSet<>();

    /**
     * Opens nothing yet.
     *
     * @param rules all that will be opened; a registry takes as many requests at one time as the most of them allow,
     *     and each run its rule's
     */
    ReplicationTargets(ClientEnvironment environment, Collection<ReplicationRuleConfig> rules) {
        this.environment = environment;
        for (ReplicationRuleConfig rule : rules) {
            for (TargetConfig target : rule.targets()) {
                if (target.destination() instanceof TargetConfig.RegistryDestination registry) {
                    most.merge(registry, target.maxConcurrentRequests(), Math::max);
                }
            }
        }
    }

    /**
     * Opens the targets of a rule, in its order; connects to nothing yet.
     *
     * @throws IOException if a certificate cannot be read
     */
    List<TargetRegistry> open(ReplicationRuleConfig rule) throws IOException {
        List<TargetRegistry> targets = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (TargetConfig target : rule.targets()) {
            targets.add(open(target, name(target, names)));
        }
        return targets;
    }

    private TargetRegistry open(TargetConfig target, String name) throws IOException {
        return switch (target.destination()) {
            case TargetConfig.RegistryDestination registry -> {
                RegistryClient client = clients.get(registry);
                if (client == null) {
                    int limit = most.getOrDefault(registry, target.maxConcurrentRequests());
                    client = new RegistryClient(Endpoints.of(registry, limit, environment), environment);
                    clients.put(registry, client);
                }
                yield new RegistryTarget(name, client);
            }
            case TargetConfig.LayoutDestination layout -> {
                layoutPaths.add(layout.path().toAbsolutePath().normalize());
                yield layouts.target(name, layout.path());
            }
        };
    }

    // The name in reports and metrics is where it is. Only where a rule has one place several times is there something
    // behind it, the same after each restart. The journal goes by the place alone.
    private static String name(TargetConfig target, Set<String> taken) {
        String place = switch (target.destination()) {
            case TargetConfig.RegistryDestination registry ->
                Endpoints.host(registry.url()).value();
            case TargetConfig.LayoutDestination layout -> layout.path().toString();
        };
        byte[] naming = (target.prefix() + " " + target.map()).getBytes(StandardCharsets.UTF_8);
        return Stream.of(
                        Stream.of(place),
                        target.prefix().stream().map(prefix -> place + "#" + prefix),
                        Stream.of(place + "#" + Digest.sha256(naming).encoded().substring(0, 8)))
                .flatMap(names -> names)
                .filter(taken::add)
                .findFirst()
                .orElseThrow();
    }

    /** The clients of all that are registries. */
    List<RegistryClient> clients() {
        return List.copyOf(clients.values());
    }

    /** All layouts of the process, those of rules and others. */
    LayoutTargets layouts() {
        return layouts;
    }

    /** Whether the layout at this absolute and normalized path is the target of a rule. */
    boolean hasLayout(Path path) {
        return layoutPaths.contains(path);
    }

    /** The client of a target at this place, if there is one. */
    Optional<RegistryClient> find(ImageName image) {
        return clients.values().stream()
                .filter(client -> image.url().isPresent()
                        ? Endpoints.same(image.url().get(), client.endpoint().baseUrl())
                        : client.endpoint().registry().equals(image.registry()))
                .findFirst();
    }

    /** The name of the registry behind a client, as for targets of rules. */
    static String name(RegistryClient client) {
        URI url = client.endpoint().baseUrl();
        RegistryHost host = Endpoints.host(url);
        return host.value();
    }

    @Override
    public void close() {
        clients.values().forEach(RegistryClient::close);
    }
}
