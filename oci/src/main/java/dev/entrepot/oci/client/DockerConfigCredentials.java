package dev.entrepot.oci.client;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.SecretFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Credentials from a docker {@code config.json}, read at each use: {@code credHelpers}, else {@code credsStore}, else
 * {@code auths}. Keys are hosts, or hosts with the start of a repository's path, of which the longest wins; for Docker
 * Hub also {@code https://index.docker.io/v1/}. Keys may be patterns, as Kubernetes has them
 * ({@link DockerConfigKeys}). What a helper said is kept for five minutes, or until a registry refuses it; one that
 * failed is left alone for ten seconds, and the credential that it gave before counts meanwhile. It is run once for all
 * who wait for the same answer. Safe for all threads.
 */
public final class DockerConfigCredentials implements CredentialSource {
    private static final int MAX_BYTES = 4 * 1024 * 1024;
    private static final Logger LOG = LoggerFactory.getLogger(DockerConfigCredentials.class);
    private static final String HUB_SERVER = "https://index.docker.io/v1/";
    private static final List<String> HUB_HOSTS = List.of("docker.io", "index.docker.io", "registry-1.docker.io");
    private static final Duration LONGEST_HELPER_RUN = Duration.ofSeconds(10);
    private static final Duration KEPT = Duration.ofMinutes(5);
    private static final Duration PAUSE = Duration.ofSeconds(10);
    // Longer than a run, which may take its time for the answer and for its end.
    private static final Duration LONGEST_WAIT =
            LONGEST_HELPER_RUN.multipliedBy(2).plusSeconds(5);

    private final Path file;
    private final SteadyClock clock;
    private final CredentialHelper helper;
    private final Absence absence;
    private volatile Optional<JsonNode> former = Optional.empty();
    private volatile boolean warned;
    private final Object lock = new Object();
    // Under the lock.
    private final Cache<Asked, Answer> answers =
            Caffeine.newBuilder().maximumSize(1000).build();
    private final Map<Asked, CompletableFuture<Answer>> runs = new HashMap<>();

    /** What it means that there is no such file. */
    private enum Absence {
        /** It was named, and should be there. */
        IS_A_FAULT,
        /** Nobody has logged in. */
        IS_ANONYMOUS
    }

    private record Asked(String suffix, String server) {
        String program() {
            return "docker-credential-" + suffix;
        }
    }

    /**
     * What came of asking a helper.
     *
     * @param former why it is what the helper said before, if it is
     */
    private record Answer(
            Optional<Credential> credential,
            Optional<IOException> failure,
            Optional<IOException> former,
            Instant until) {
        Optional<Credential> outcome() throws IOException {
            if (failure.isPresent()) {
                throw failure.get();
            }
            return credential;
        }

        Answer over() {
            return new Answer(credential, failure, former, Instant.MIN);
        }
    }

    /**
     * Reads from a file.
     *
     * @param file the {@code config.json}, which need not exist until it is used
     * @param environment its variable {@code PATH} says where helpers are
     */
    public DockerConfigCredentials(Path file, ClientEnvironment environment) {
        this(file, environment, Absence.IS_A_FAULT);
    }

    private DockerConfigCredentials(Path file, ClientEnvironment environment, Absence absence) {
        this.file = file;
        this.clock = new SteadyClock(environment.clock(), environment.nanoTime());
        this.helper = new CredentialHelper(environment.variables(), LONGEST_HELPER_RUN);
        this.absence = absence;
    }

    /**
     * Reads from the file of the user, in the folder {@code DOCKER_CONFIG} or {@code ~/.docker}; anonymous while there
     * is none.
     */
    public static DockerConfigCredentials ofUser(ClientEnvironment environment) {
        Map<String, String> variables = environment.variables();
        Path folder = Optional.ofNullable(variables.get("DOCKER_CONFIG"))
                .map(Path::of)
                .orElseGet(() -> Path.of(variables.getOrDefault("HOME", "."), ".docker"));
        return new DockerConfigCredentials(folder.resolve("config.json"), environment, Absence.IS_ANONYMOUS);
    }

    @Override
    public Optional<Credential> credential(RegistryHost registry) throws IOException {
        return find(registry, keys(registry));
    }

    @Override
    public Optional<Credential> credential(Repository repository) throws IOException {
        List<String> keys = new ArrayList<>();
        String path = repository.toString();
        for (int slash = path.length();
                slash > repository.registry().value().length();
                slash = path.lastIndexOf('/', slash - 1)) {
            keys.add(path.substring(0, slash));
        }
        keys.addAll(keys(repository.registry()));
        return find(repository.registry(), keys);
    }

    @Override
    public void refused(RegistryHost registry) {
        synchronized (lock) {
            answers.asMap().replaceAll((asked, answer) -> answer.over());
            // What runs now may still have read what was refused; the next who asks begins anew.
            runs.clear();
        }
    }

    @Override
    public Optional<IOException> doubt() {
        synchronized (lock) {
            return answers.asMap().values().stream()
                    .flatMap(answer -> answer.former().stream())
                    .findFirst();
        }
    }

    private static List<String> keys(RegistryHost registry) {
        return registry.isDockerHub() ? HUB_HOSTS : List.of(registry.value());
    }

    private Optional<Credential> find(RegistryHost registry, List<String> keys) throws IOException {
        JsonNode config = read();
        for (Map.Entry<String, JsonNode> entry : DockerConfigKeys.matching(config.path("credHelpers"), keys)) {
            if (entry.getValue().isString()) {
                // A pattern is no server that a helper knows.
                String server = DockerConfigKeys.isPattern(entry.getKey()) ? registry.value() : entry.getKey();
                return ask(entry.getValue().stringValue(), server(registry, server));
            }
        }
        JsonNode store = config.path("credsStore");
        if (store.isString() && !store.stringValue().isEmpty()) {
            Optional<Credential> stored = ask(store.stringValue(), server(registry, registry.value()));
            if (stored.isPresent()) {
                return stored;
            }
        }
        for (Map.Entry<String, JsonNode> entry : DockerConfigKeys.matching(config.path("auths"), keys)) {
            Optional<Credential> credential = inFile(entry.getValue());
            if (credential.isPresent()) {
                return credential;
            }
        }
        return Optional.empty();
    }

    // A file that is being written, or is gone for a moment, takes nothing away.
    private JsonNode read() throws IOException {
        if (absence == Absence.IS_ANONYMOUS && !Files.isRegularFile(file)) {
            return OciJson.mapper().createObjectNode();
        }
        try {
            JsonNode now = readNow();
            former = Optional.of(now);
            warned = false;
            return now;
        } catch (IOException e) {
            Optional<JsonNode> before = former;
            if (before.isEmpty()) {
                throw e;
            }
            if (!warned) {
                warned = true;
                LOG.warn("{} cannot be read again, and what it held before stays in effect: {}", file, e.toString());
            }
            return before.get();
        }
    }

    private JsonNode readNow() throws IOException {
        String text = SecretFile.read(file, MAX_BYTES);
        try {
            JsonNode root = OciJson.mapper().readTree(text);
            if (!root.isObject()) {
                throw new IOException(file + " is no JSON object");
            }
            return root;
        } catch (JacksonException e) {
            // The cause could quote the file.
            throw new IOException(file + " is not valid JSON");
        }
    }

    private static String server(RegistryHost registry, String key) {
        return registry.isDockerHub() ? HUB_SERVER : key;
    }

    private Optional<Credential> ask(String suffix, String server) throws IOException {
        Asked asked = new Asked(suffix, server);
        CompletableFuture<Answer> run;
        synchronized (lock) {
            Answer kept = answers.getIfPresent(asked);
            if (kept != null && clock.instant().isBefore(kept.until())) {
                return kept.outcome();
            }
            CompletableFuture<Answer> running = runs.get(asked);
            run = running == null ? started(asked) : running;
        }
        return await(asked, run).outcome();
    }

    // Under the lock. On a thread of its own: who asked first may be interrupted, and the others want the answer.
    private CompletableFuture<Answer> started(Asked asked) {
        CompletableFuture<Answer> mine = new CompletableFuture<>();
        Thread thread = Thread.ofVirtual().name(asked.program()).unstarted(() -> run(asked, mine));
        // Only then: for want of memory for a thread nobody else would ever ask. It comes to its end after this, since
        // that wants the lock.
        thread.start();
        runs.put(asked, mine);
        return mine;
    }

    private void run(Asked asked, CompletableFuture<Answer> mine) {
        Answer answer = failed(new IOException(asked.program() + " was not asked, by a fault of this program"));
        try {
            Optional<Credential> credential = helper.get(asked.suffix(), asked.server());
            answer = new Answer(
                    credential,
                    Optional.empty(),
                    Optional.empty(),
                    clock.instant().plus(KEPT));
        } catch (IOException e) {
            answer = failed(e);
        } finally {
            synchronized (lock) {
                if (runs.remove(asked, mine)) {
                    answer = orFormer(asked, answer);
                    answers.put(asked, answer);
                }
            }
            mine.complete(answer);
        }
    }

    private Answer failed(IOException why) {
        return new Answer(
                Optional.empty(),
                Optional.of(why),
                Optional.empty(),
                clock.instant().plus(PAUSE));
    }

    // Under the lock. Also where it was refused meanwhile: that may be for want of rights to one repository.
    private Answer orFormer(Asked asked, Answer answer) {
        Answer former = answers.getIfPresent(asked);
        if (answer.failure().isEmpty() || former == null || former.credential().isEmpty()) {
            return answer;
        }
        if (former.former().isEmpty()) {
            LOG.warn(
                    "{}, and the credential that it gave before stays in effect until it gives another",
                    answer.failure().get().getMessage());
        }
        return new Answer(former.credential(), Optional.empty(), answer.failure(), answer.until());
    }

    private static Answer await(Asked asked, CompletableFuture<Answer> run) throws IOException {
        try {
            return run.get(LONGEST_WAIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException(asked.program() + " did not end in time", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for " + asked.program(), e);
        }
    }

    private Optional<Credential> inFile(JsonNode entry) throws IOException {
        Optional<String> identity = text(entry, "identitytoken");
        if (identity.isPresent()) {
            return Optional.of(new Credential.IdentityToken(identity.get()));
        }
        Optional<String> auth = text(entry, "auth");
        if (auth.isPresent()) {
            return Optional.of(pair(auth.get()));
        }
        Optional<String> username = text(entry, "username");
        return username.isPresent()
                ? Optional.of(new Credential.UserPassword(
                        username.get(), text(entry, "password").orElse("")))
                : Optional.empty();
    }

    private Credential pair(String base64) throws IOException {
        try {
            String pair = new String(Base64.getMimeDecoder().decode(base64), StandardCharsets.UTF_8);
            int colon = pair.indexOf(':');
            if (colon > 0) {
                // docker pads with zero bytes.
                return new Credential.UserPassword(
                        pair.substring(0, colon), pair.substring(colon + 1).replace("\0", ""));
            }
        } catch (IllegalArgumentException e) {
            throw new IOException(file + " has an auth that is not base64 of name:password");
        }
        throw new IOException(file + " has an auth that is not base64 of name:password");
    }

    private static Optional<String> text(JsonNode node, String property) {
        JsonNode value = node.path(property);
        return value.isString() && !value.stringValue().isEmpty() ? Optional.of(value.stringValue()) : Optional.empty();
    }

    @Override
    public String toString() {
        return "DockerConfigCredentials[" + file + "]";
    }
}
