package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Content that is asked to be kept in the moment in which it is evicted. */
@Timeout(30)
class KeptWhileEvictedTest {
    private final FakeUpstream upstream = new FakeUpstream("registry.test/team/app");
    private final byte[] bytes = CacheFixture.randomBytes(100_000, 1);
    private final Digest digest = Digest.sha256(bytes);

    @TempDir
    Path directory;

    @Test
    void blobThatWasSaidToBeKeptWhileItIsEvictedIsKept() throws Exception {
        try (CacheFixture cache = new CacheFixture(directory)) {
            ManifestBytes image = CacheFixture.image(upstream, bytes);
            PullThrough repository = cache.repository(upstream);
            repository.manifest(image.digest());
            assertThat(repository.keepBlob(digest)).isTrue();
            cache.awaitIdle();
            FutureTask<Boolean> keeping = new FutureTask<>(() -> repository.keepBlob(digest));
            cache.evictor.protect(new KeepingMeanwhile(keeping));

            assertThat(cache.evictor.evict(digest)).isPresent();

            assertThat(keeping.get()).isTrue();
            assertThat(cache.store.blobSize(digest)).hasValue(bytes.length);
            assertThat(cache.index.contents().isStored(digest)).isTrue();
        }
    }

    @Test
    void manifestThatIsStoredAgainWhileItIsEvictedIsThereIfItIsCounted() throws Exception {
        ManifestBytes image = CacheFixture.image(upstream, bytes);
        HookedClock clock = new HookedClock();
        try (ContentStore store = ContentStore.open(directory, clock);
                CacheIndex index = CacheIndex.open(store, clock);
                Evictor evictor =
                        new Evictor(store, index, DiskLimits.of(1L << 40, 0), DiskShares.EQUAL, Duration.ZERO)) {
            PullThroughCache cache = new PullThroughCache(
                    store,
                    index,
                    evictor,
                    clock,
                    1 << 20,
                    CacheFixture.FAST,
                    task -> Thread.ofVirtual().start(task),
                    CacheRules.always(CacheFixture.SETTINGS));
            assertThat(cache.keep(image, upstream.repository())).isTrue();
            FutureTask<OptionalLong> eviction = new FutureTask<>(() -> evictor.evict(image.digest()));
            clock.hook.set(Optional.of(eviction));

            assertThat(cache.keep(image, upstream.repository())).isTrue();

            assertThat(eviction.get()).isEmpty();
            assertThat(store.containsManifest(image.digest())).isTrue();
            assertThat(index.contents().isStored(image.digest())).isTrue();
            assertThat(evictor.evict(image.digest())).hasValue(image.sizeBytes());
        }
    }

    /**
     * Is asked between the look for the file and the note in the index; has something done elsewhere before it says.
     */
    private static final class HookedClock extends Clock {
        final AtomicReference<Optional<FutureTask<?>>> hook = new AtomicReference<>(Optional.empty());

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }

        @Override
        public Instant instant() {
            Optional<FutureTask<?>> task = hook.getAndSet(Optional.empty());
            if (task.isPresent()) {
                Thread.ofPlatform().start(task.get());
                while (!task.get().isDone()) {
                    Thread.onSpinWait();
                }
            }
            return Instant.EPOCH;
        }
    }

    /** Says that nothing is in use, and first has it kept, until that is done or waits for something. */
    private record KeepingMeanwhile(FutureTask<Boolean> keeping) implements ContentInUse {
        @Override
        public boolean isInUse(Digest digest) {
            Thread thread = Thread.ofPlatform().start(keeping);
            while (!keeping.isDone() && thread.getState() != Thread.State.TIMED_WAITING) {
                Thread.onSpinWait();
            }
            return false;
        }

        @Override
        public long mostBytes() {
            return 0;
        }

        @Override
        public Set<Digest> all() {
            return Set.of();
        }
    }
}
