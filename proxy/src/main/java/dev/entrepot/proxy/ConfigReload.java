package dev.entrepot.proxy;

import dev.entrepot.config.CacheConfig;
import dev.entrepot.config.ConfigException;
import dev.entrepot.config.EntrepotConfig;
import dev.entrepot.config.LoadedConfig;
import dev.entrepot.config.ServerConfig;
import dev.entrepot.config.UpstreamConfig;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.proxy.rules.LiveRules;
import dev.entrepot.proxy.rules.RuleSet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the configuration again while a server runs, and puts its rules into effect: when it is asked to, and when the
 * content of the file has changed and then stayed the same for one look, so that a file that is being written is not
 * read. Looking at the content, every two seconds, works for files of every kind, mounted and linked ones too. A file
 * that is wrong changes nothing. Safe for all threads.
 */
final class ConfigReload implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ConfigReload.class);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(2);
    // What fails may fail for a reason that passes: a file that another mends, a name that does not resolve.
    private static final int LOOKS_BETWEEN_RETRIES = 15;
    private static final int MOST_BYTES = 16 * 1024 * 1024;

    private final EntrepotConfig started;
    // What was taken last; of whoever has the lock.
    private EntrepotConfig applies;
    private ServerConfig appliesToServer;
    private final ConfigFile file;
    private final boolean wasThere;
    private final LiveRules rules;
    private final Applied applied;
    private final boolean hadText;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicLong succeeded = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private volatile Optional<String> problem = Optional.empty();
    private Optional<Digest> inEffect;
    private Optional<Digest> seen;
    private int looksSinceProblem;

    /** What else of a configuration takes effect while a server runs. */
    @FunctionalInterface
    interface Applied {
        /**
         * Takes it up.
         *
         * @param read what the file says
         * @param server the part about the server, as options override it
         */
        void take(EntrepotConfig read, ServerConfig server);
    }

    /**
     * Keeps rules up to date.
     *
     * @param started the configuration that the server was started with
     * @param parsed where it came from, and what of it was read then
     * @param applied called with the new configuration after its rules about caching have come into effect; where it
     *     fails, once more with the former one after those have
     */
    ConfigReload(EntrepotConfig started, ParsedFile parsed, LiveRules rules, Applied applied) {
        this.started = started;
        this.applies = started;
        this.appliesToServer = started.server();
        this.file = parsed.file();
        this.rules = rules;
        this.applied = applied;
        // Not what lies there now: it may have been changed since it was read, while the store was opened.
        this.inEffect = parsed.content();
        this.seen = inEffect;
        this.wasThere = inEffect.isPresent();
        this.hadText = parsed.hasValues() || wasThere && !isBlank();
    }

    // As what is left of a file that could not be written.
    private boolean isBlank() {
        try {
            return Files.readString(file.path()).isBlank();
        } catch (IOException e) {
            return false; // reading it in earnest says what is wrong
        }
    }

    /** Looks at the file from time to time until this is closed. */
    void watch() {
        Thread.ofVirtual().name("configuration").start(() -> {
            try {
                while (!closed.await(BETWEEN_LOOKS.toMillis(), TimeUnit.MILLISECONDS)) {
                    look();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** Looks at the file once, and reads it if it has changed and was the same at the look before. */
    synchronized void look() {
        Optional<Digest> now = content();
        boolean settled = now.equals(seen);
        seen = now;
        if (settled && !now.equals(inEffect)) {
            reload("the file has changed");
        } else if (settled && problem.isPresent() && ++looksSinceProblem % LOOKS_BETWEEN_RETRIES == 0) {
            reload("it could not be read before", true);
        }
    }

    private Optional<Digest> content() {
        Path path = file.path();
        try (var in = Files.newInputStream(path)) {
            return Optional.of(Digest.sha256(in.readNBytes(MOST_BYTES)));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /**
     * Reads the file now. Says in the log what came of it.
     *
     * @param cause why, for the log
     * @return whether its rules are in effect
     */
    boolean reload(String cause) {
        return reload(cause, false);
    }

    // What fails in the same way again is not said again.
    private synchronized boolean reload(String cause, boolean again) {
        inEffect = content();
        seen = inEffect;
        try {
            if (wasThere && inEffect.isEmpty()) {
                throw new IOException(file.path() + " is not there or cannot be read");
            }
            if (hadText && isBlank()) {
                throw new IOException(file.path() + " is empty, and was not when this server was started");
            }
            LoadedConfig loaded = file.load();
            ServerConfig server = file.server(loaded.config());
            inEffect = loaded.content();
            apply(loaded, server);
            succeeded.incrementAndGet();
            problem = Optional.empty();
            LOG.info(
                    "rules read again, because {}: {} for all upstreams, {} for one",
                    cause,
                    loaded.config().rules().size(),
                    loaded.config().upstreams().values().stream()
                            .mapToInt(upstream -> upstream.rules().size())
                            .sum());
            warnOfTheRest(loaded.config(), server);
            return true;
        } catch (ConfigException | IOException | RuntimeException | Error e) {
            // An Error, too, as for want of memory: else the file would never be looked at again.
            failed.incrementAndGet();
            Optional<String> before = problem;
            problem = Optional.of("the configuration is wrong and its former rules stay in effect: " + e.getMessage());
            if (!again || !problem.equals(before)) {
                LOG.error(
                        "rules not read again, because {}: the former ones stay in effect: {}", cause, e.getMessage());
            }
            return false;
        }
    }

    // All of it or nothing of it: where the rest fails, rules about caching go back to what they were, and so does what
    // has been made of them.
    private void apply(LoadedConfig loaded, ServerConfig server) {
        RuleSet former = rules.current();
        try {
            rules.replace(RuleSet.of(loaded));
            applied.take(loaded.config(), server);
        } catch (RuntimeException | Error e) {
            goBack(former, e);
            throw e;
        }
        applies = loaded.config();
        appliesToServer = server;
    }

    private void goBack(RuleSet former, Throwable why) {
        try {
            rules.replace(former);
            applied.take(applies, appliesToServer);
        } catch (RuntimeException | Error e) {
            why.addSuppressed(e);
        }
    }

    private void warnOfTheRest(EntrepotConfig now, ServerConfig server) {
        List<String> changed = new ArrayList<>();
        if (!started.server().equals(server)) {
            changed.add("server");
        }
        if (!withoutTimes(started.cache()).equals(withoutTimes(now.cache()))) {
            changed.add("cache");
        }
        if (!started.defaultUpstream().equals(now.defaultUpstream())) {
            changed.add("default-upstream");
        }
        if (!withoutRules(started.upstreams()).equals(withoutRules(now.upstreams()))) {
            changed.add("upstreams");
        }
        if (!started.replication().equals(now.replication())) {
            changed.add("replication");
        }
        if (!started.tracing().equals(now.tracing())) {
            changed.add("tracing");
        }
        if (!changed.isEmpty()) {
            LOG.warn(
                    "changed in the configuration, and in effect after a restart only: {}", String.join(", ", changed));
        }
    }

    // The data folder is left out: an option of the command may have set it.
    private static CacheConfig withoutTimes(CacheConfig cache) {
        return new CacheConfig(
                Path.of(""),
                cache.capacity(),
                cache.minFree(),
                cache.highWatermark(),
                cache.lowWatermark(),
                Duration.ZERO,
                Duration.ZERO,
                Duration.ZERO,
                cache.scrubEvery(),
                cache.scrubRate(),
                cache.memory(),
                List.of());
    }

    private static Map<RegistryHost, UpstreamConfig> withoutRules(Map<RegistryHost, UpstreamConfig> upstreams) {
        Map<RegistryHost, UpstreamConfig> without = new LinkedHashMap<>();
        upstreams.forEach((name, upstream) -> without.put(name, upstream.withoutRules()));
        return without;
    }

    /** What is wrong with the file, if it could not be read when it last was to be. */
    Optional<String> problem() {
        return problem;
    }

    /** How often the file was read and its rules put into effect. */
    long succeeded() {
        return succeeded.get();
    }

    /** How often the file could not be read. */
    long failed() {
        return failed.get();
    }

    @Override
    public void close() {
        closed.countDown();
    }
}
