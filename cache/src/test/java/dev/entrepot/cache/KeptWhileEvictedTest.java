package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.FutureTask;
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
