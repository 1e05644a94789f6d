package dev.entrepot.oci.client;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.entrepot.oci.Repository;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * Remembers for ten minutes what each repository has shown that it can or cannot do, so that what is in vain is not
 * asked again and again. It is learned from requests that were made anyway, and from probes. Safe for all threads.
 */
final class CapabilityMemory {
    private static final Duration LIFE = Duration.ofMinutes(10);
    private static final int MOST = 10_000;

    private final Cache<Subject, Boolean> known;
    private final Cache<Subject, Set<Object>> doubted;
    private final Cache<Repository, MountsAsked> mountsAsked;
    private final Map<Capability, Last> last = new ConcurrentHashMap<>();
    private final Clock clock;

    private record Subject(Repository repository, Capability capability) {}

    private record Last(boolean there, Instant at) {}

    /**
     * An empty memory.
     *
     * @param clock for the times that are shown
     * @param nanoTime by which what is remembered gets old
     */
    CapabilityMemory(Clock clock, LongSupplier nanoTime) {
        this.clock = clock;
        this.known = forLife(nanoTime);
        this.doubted = forLife(nanoTime);
        this.mountsAsked = forLife(nanoTime);
    }

    private static <K, V> Cache<K, V> forLife(LongSupplier nanoTime) {
        return Caffeine.newBuilder()
                .maximumSize(MOST)
                .expireAfterWrite(LIFE)
                .ticker(nanoTime::getAsLong)
                .executor(Runnable::run)
                .build();
    }

    /** A repository has shown whether it can do something. */
    void saw(Repository repository, Capability capability, boolean there) {
        Subject subject = new Subject(repository, capability);
        known.put(subject, there);
        doubted.invalidate(subject);
        last.put(capability, new Last(there, clock.instant()));
    }

    /**
     * A repository has answered a question as if it could not do something. That is known once it has answered so about
     * so many different things, and never while it is known that it can: it may have been an answer of somebody else.
     */
    void sawNone(Repository repository, Capability capability, Object about, int enough) {
        Subject subject = new Subject(repository, capability);
        Set<Object> answered = doubted.get(subject, key -> ConcurrentHashMap.newKeySet());
        answered.add(about);
        if (answered.size() < enough) {
            return;
        }
        // Who shows that it can while this is noted is believed.
        if (known.asMap().putIfAbsent(subject, false) == null) {
            last.put(capability, new Last(false, clock.instant()));
        }
        doubted.invalidate(subject);
    }

    /** Whether a repository has answered as if it could not do something, and not often enough for that to be known. */
    boolean isDoubted(Repository repository, Capability capability) {
        return doubted.getIfPresent(new Subject(repository, capability)) != null;
    }

    /** A repository was asked whether it mounts. What it does is a capability from then on, if the answer says so. */
    void asked(Repository repository, MountsAsked asked) {
        mountsAsked.put(repository, asked);
        asked.answer().mounts().ifPresent(there -> saw(repository, Capability.MOUNTS, there));
    }

    /** The repository that was asked last whether it mounts, if that is not too long ago. */
    Optional<MountsAsked> mountsAsked() {
        mountsAsked.cleanUp();
        return mountsAsked.asMap().values().stream().max(Comparator.comparing(MountsAsked::at));
    }

    /** Whether it is known that a repository can do something. */
    boolean isKnownThere(Repository repository, Capability capability) {
        return Boolean.TRUE.equals(known.getIfPresent(new Subject(repository, capability)));
    }

    /** Whether it is known that a repository cannot do something. */
    boolean isKnownAbsent(Repository repository, Capability capability) {
        return Boolean.FALSE.equals(known.getIfPresent(new Subject(repository, capability)));
    }

    /** What has been seen; capabilities that were never tried are missing. */
    Map<Capability, CapabilityState> states() {
        Map<Capability, int[]> counts = new EnumMap<>(Capability.class);
        known.cleanUp();
        known.asMap()
                .forEach((subject, there) ->
                        counts.computeIfAbsent(subject.capability(), c -> new int[2])[there ? 0 : 1]++);
        Map<Capability, CapabilityState> states = new EnumMap<>(Capability.class);
        last.forEach((capability, seen) -> {
            int[] count = Optional.ofNullable(counts.get(capability)).orElseGet(() -> new int[2]);
            states.put(capability, new CapabilityState(seen.there(), seen.at(), count[0], count[1]));
        });
        return states;
    }
}
