package dev.entrepot.oci.client;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;

/** A mirror of a registry: how it is asked, and what it is believed. Counts what came of it. Safe for all threads. */
public final class MirrorEndpoint {
    private final RegistryClient client;
    private final Optional<RepositoryName> prefix;
    private final boolean resolves;
    private final LongAdder answered = new LongAdder();
    private final LongAdder passedOn = new LongAdder();

    /**
     * A mirror.
     *
     * @param client its client, under the mirror's own name
     * @param prefix what comes before the names of repositories there
     * @param resolves whether it may say what a tag names and what refers to an image; if not, it is asked for content
     *     by digest only
     */
    public MirrorEndpoint(RegistryClient client, Optional<RepositoryName> prefix, boolean resolves) {
        this.client = client;
        this.prefix = prefix;
        this.resolves = resolves;
    }

    /**
     * Sets up a mirror with its client; connects to nothing yet. The log calls it by its upstream and its own name.
     *
     * @param upstream whose mirror it is
     * @param endpoint the mirror's own
     * @param safeguards of the mirror
     * @throws IOException if the endpoint's TLS files cannot be read
     */
    public static MirrorEndpoint open(
            RegistryHost upstream,
            RegistryEndpoint endpoint,
            Optional<RepositoryName> prefix,
            boolean resolves,
            Safeguards safeguards,
            ClientEnvironment environment)
            throws IOException {
        String called = upstream + " via " + name(endpoint, prefix);
        return new MirrorEndpoint(new RegistryClient(endpoint, called, safeguards, environment), prefix, resolves);
    }

    /** Its client. */
    public RegistryClient client() {
        return client;
    }

    /** How it is called: host and, where there is one, the prefix. */
    public String name() {
        return name(client.endpoint(), prefix);
    }

    private static String name(RegistryEndpoint endpoint, Optional<RepositoryName> prefix) {
        return endpoint.registry() + prefix.map(path -> "/" + path).orElse("");
    }

    /** Whether it may say what a tag names and what refers to an image. */
    public boolean resolves() {
        return resolves;
    }

    /** How often it had what it was asked for. */
    public long answered() {
        return answered.sum();
    }

    /** How often it had not, or did not answer, and the next place was asked. */
    public long passedOn() {
        return passedOn.sum();
    }

    void countAnswered() {
        answered.increment();
    }

    void countPassedOn() {
        passedOn.increment();
    }

    /** Whether it may be asked for a manifest by this reference. */
    boolean mayAnswer(ManifestReference reference) {
        return switch (reference) {
            case Tag tag -> resolves;
            case Digest digest -> true;
        };
    }

    /** A repository of the registry as the mirror has it; empty if the name gets too long with the prefix. */
    Optional<RemoteRepository> repository(RepositoryName name, Priority priority) {
        try {
            RepositoryName there =
                    prefix.map(path -> new RepositoryName(path + "/" + name)).orElse(name);
            return Optional.of(client.repository(there, priority));
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }
}
