package dev.entrepot.replicator;

import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Predicate;

/**
 * A registry in memory that records each request, can fail any of them, and can lack any of the abilities that real
 * ones lack.
 */
public final class MemoryRegistry {
    /** What a registry can do. */
    public record Abilities(
            boolean referrersApi,
            boolean pretendsReferrers,
            boolean mounts,
            boolean sparse,
            boolean tagList,
            boolean checksReferences) {
        public static final Abilities ALL = new Abilities(true, false, true, true, true, true);
        public static final Abilities NO_API = new Abilities(false, false, true, true, true, true);
        public static final Abilities PRETENDS = new Abilities(false, true, true, true, true, true);
        public static final Abilities NO_MOUNT = new Abilities(true, false, false, true, true, true);
        public static final Abilities NO_SPARSE = new Abilities(true, false, true, false, true, true);
        public static final Abilities NO_TAG_LIST = new Abilities(true, false, true, true, false, true);
    }

    /** Decides about each request before it is answered; may throw. */
    public interface Gate {
        void before(int index, String request) throws IOException;
    }

    private final RegistryHost host;
    private final Abilities abilities;
    private final Map<RepositoryName, MemoryRepository> repositories = new ConcurrentSkipListMap<>();
    private final List<String> requests = new ArrayList<>();
    private volatile Gate gate = (index, request) -> {};
    /** Whether it gives validators with manifests, and writes on the conditions that they make. */
    public volatile boolean knowsConditions;

    public MemoryRegistry(String host, Abilities abilities) {
        this.host = RegistryHost.parse(host);
        this.abilities = abilities;
    }

    public MemoryRepository repository(String name) {
        return repositories.computeIfAbsent(new RepositoryName(name), key -> new MemoryRepository(this, key));
    }

    /** Drops a repository with all that is in it. */
    public void drop(String name) {
        repositories.remove(new RepositoryName(name));
    }

    Optional<MemoryRepository> existing(RepositoryName name) {
        return Optional.ofNullable(repositories.get(name));
    }

    List<RepositoryName> names() {
        return repositories.values().stream()
                .filter(repository -> !repository.manifests.isEmpty())
                .map(repository -> repository.repository().name())
                .toList();
    }

    RegistryHost host() {
        return host;
    }

    Abilities abilities() {
        return abilities;
    }

    public SourceRegistry asSource() {
        return new SourceRegistry() {
            @Override
            public String name() {
                return host.value();
            }

            @Override
            public RepositorySource repository(RepositoryName name) {
                return MemoryRegistry.this.repository(name.value());
            }

            @Override
            public List<RepositoryName> catalog() throws IOException {
                request("GET catalog");
                return names();
            }
        };
    }

    public TargetRegistry asTarget() {
        return asTarget(host.value());
    }

    /** As one of several targets at this place, which reports call otherwise. */
    public TargetRegistry asTarget(String name) {
        return new TargetRegistry() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public String place() {
                return host.value();
            }

            @Override
            public RepositoryTarget target(RepositoryName name) {
                return MemoryRegistry.this.repository(name.value());
            }

            @Override
            public RepositorySource reader(RepositoryName name) {
                return MemoryRegistry.this.repository(name.value());
            }
        };
    }

    public void gate(Gate newGate) {
        this.gate = newGate;
    }

    void request(String line) throws IOException {
        int index;
        synchronized (requests) {
            requests.add(line);
            index = requests.size();
        }
        gate.before(index, line);
    }

    public List<String> requests() {
        synchronized (requests) {
            return List.copyOf(requests);
        }
    }

    public List<String> requests(String start) {
        return requests(line -> line.startsWith(start));
    }

    public List<String> requests(Predicate<String> filter) {
        return requests().stream().filter(filter).toList();
    }

    public void forgetRequests() {
        synchronized (requests) {
            requests.clear();
        }
    }
}
