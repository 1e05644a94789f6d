package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that pull the same image at the same time. */
@Timeout(60)
class RunningGraphsTest {
    private final FakeUpstream upstream = new FakeUpstream("registry.test/team/app");

    /** A clock at which so many threads meet, who ask it for the first time. */
    private static final class MeetingClock extends Clock {
        private final CyclicBarrier meeting;
        private final AtomicInteger asked = new AtomicInteger();

        MeetingClock(int threads) {
            meeting = new CyclicBarrier(threads);
        }

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
            if (asked.incrementAndGet() <= meeting.getParties()) {
                try {
                    meeting.await(20, TimeUnit.SECONDS);
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }
            return Instant.EPOCH;
        }
    }

    private List<Digest> blobs(ManifestBytes image) throws Exception {
        return Manifest.parse(image).blobs().stream().map(blob -> blob.digest()).toList();
    }

    @Test
    void whoGetsTheManifestInTheSameMomentAsAnotherIsWaitedForToo() throws Exception {
        ManifestBytes image = CacheFixture.image(upstream, Samples.bytes(1, 100), Samples.bytes(2, 100));
        RunningGraphs running = new RunningGraphs(new MeetingClock(2), digest -> false);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Future<?> one = threads.submit(() -> running.served(image));
            Future<?> other = threads.submit(() -> running.served(image));
            one.get(20, TimeUnit.SECONDS);
            other.get(20, TimeUnit.SECONDS);
        }
        blobs(image).forEach(running::asked);
        assertThat(running.isInUse(image.digest())).isTrue();
        assertThat(blobs(image)).allMatch(running::isInUse);
        blobs(image).forEach(running::asked);
        assertThat(running.isInUse(image.digest())).isFalse();
    }

    @Test
    void whoAsksForABlobIsNotWaitedForLessBecauseAnotherGetsTheManifestInTheSameMoment() throws Exception {
        ManifestBytes image = CacheFixture.image(upstream, Samples.bytes(1, 100), Samples.bytes(2, 100));
        Digest blob = blobs(image).getFirst();
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            for (int round = 0; round < 100_000; round++) {
                TestClock clock = new TestClock();
                RunningGraphs running = new RunningGraphs(clock, digest -> false);
                running.served(image);
                clock.advance(Duration.ofSeconds(1));
                CyclicBarrier together = new CyclicBarrier(2);
                Future<?> one = threads.submit(() -> {
                    together.await();
                    running.served(image);
                    return null;
                });
                Future<?> other = threads.submit(() -> {
                    together.await();
                    running.asked(blob);
                    return null;
                });
                one.get();
                other.get();
                clock.advance(RunningGraphs.FIRST_PATIENCE.plusSeconds(1));
                assertThat(running.isInUse(blob)).as("round %d", round).isTrue();
            }
        }
    }

    @Test
    void layerThatEverybodyAsksForDoesNotHoldWhatNobodyPulls() throws Exception {
        byte[] shared = Samples.bytes(1, 100);
        TestClock clock = new TestClock();
        AtomicBoolean fetching = new AtomicBoolean();
        Digest base = Digest.sha256(shared);
        RunningGraphs running = new RunningGraphs(clock, digest -> fetching.get() && digest.equals(base));
        ManifestBytes looked = CacheFixture.image(upstream, shared, Samples.bytes(2, 100));
        running.served(looked);
        try (BlobContent open = running.asked(base).reading(new NoContent())) {
            for (int other = 0; other < 3; other++) {
                running.served(CacheFixture.image(upstream, shared, Samples.bytes(10 + other, 100)));
                running.asked(base).reading(new NoContent());
                clock.advance(RunningGraphs.PATIENCE.dividedBy(2));
            }
            // Who asked first may be the one who pulls it.
            assertThat(running.isInUse(looked.digest())).isTrue();
        }
        fetching.set(true);
        running.asked(base).reading(new NoContent());
        clock.advance(RunningGraphs.PATIENCE);
        running.served(CacheFixture.image(upstream, shared, Samples.bytes(20, 100)));
        assertThat(running.isInUse(looked.digest())).isFalse();
        assertThat(running.all()).doesNotContain(looked.digest()).contains(base);
    }

    @Test
    void imageOfWhichOnlyWhatOthersHaveTooIsAskedForIsNotWaitedForLong() throws Exception {
        byte[] shared = Samples.bytes(1, 100);
        TestClock clock = new TestClock();
        RunningGraphs running = new RunningGraphs(clock, digest -> false);
        ManifestBytes looked = CacheFixture.image(upstream, shared, Samples.bytes(2, 100));
        ManifestBytes pulled = CacheFixture.image(upstream, shared, Samples.bytes(3, 100));
        running.served(looked);
        running.served(pulled);
        clock.advance(RunningGraphs.FIRST_PATIENCE.dividedBy(2));
        running.asked(blobs(pulled).getLast());
        running.asked(Digest.sha256(shared)).reading(new NoContent()).close();
        // It may be the one that is pulled.
        clock.advance(RunningGraphs.FIRST_PATIENCE.minusSeconds(1));
        assertThat(running.isInUse(looked.digest())).isTrue();
        clock.advance(Duration.ofSeconds(2));
        assertThat(running.isInUse(looked.digest())).isFalse();
        assertThat(running.isInUse(blobs(looked).getLast())).isFalse();
        assertThat(running.isInUse(pulled.digest())).isTrue();
    }

    @Test
    void whoAsksAgainForTheLayerOfOneImageIsWaitedFor() throws Exception {
        TestClock clock = new TestClock();
        RunningGraphs running = new RunningGraphs(clock, digest -> false);
        ManifestBytes image = CacheFixture.image(upstream, Samples.bytes(1, 100), Samples.bytes(2, 100));
        Digest layer = blobs(image).getLast();
        running.served(image);
        for (int again = 0; again < 3; again++) {
            try (BlobContent open = running.asked(layer).reading(new NoContent())) {
                clock.advance(RunningGraphs.PATIENCE.multipliedBy(2));
                assertThat(running.isInUse(image.digest())).isTrue();
            }
            clock.advance(RunningGraphs.PATIENCE.dividedBy(2));
        }
        assertThat(running.isInUse(image.digest())).isTrue();
        clock.advance(RunningGraphs.PATIENCE);
        assertThat(running.isInUse(image.digest())).isFalse();
    }

    private static final class NoContent implements BlobContent {
        @Override
        public OptionalLong totalBytes() {
            return OptionalLong.of(0);
        }

        @Override
        public int read(long position, byte[] buffer, int offset, int length) {
            return -1;
        }

        @Override
        public Optional<Stored> stored(long position) {
            return Optional.empty();
        }

        @Override
        public void close() {}
    }

    @Test
    void manifestThatComesWhileVeryManyArePulledDoesNotHaveAllOfThemLookedAt() throws Exception {
        TestClock clock = new TestClock();
        AtomicInteger looks = new AtomicInteger();
        AtomicBoolean fetching = new AtomicBoolean(true);
        RunningGraphs running = new RunningGraphs(clock, digest -> {
            looks.incrementAndGet();
            return fetching.get();
        });
        int most = 10_000;
        for (int i = 0; i < most; i++) {
            running.served(manifest(i));
        }
        clock.advance(RunningGraphs.FIRST_PATIENCE.plusSeconds(1));
        running.served(manifest(most));
        looks.set(0);
        running.served(manifest(most + 1));
        assertThat(looks.get()).isPositive().isLessThan(100);

        fetching.set(false);
        running.served(manifest(most + 2));
        fetching.set(true);
        assertThat(running.isInUse(manifest(most + 2).digest())).isTrue();
    }

    @Test
    void whatIsPulledAgainStaysInUseWhereverTheLookAtTheOthersHasStopped() throws Exception {
        TestClock clock = new TestClock();
        AtomicBoolean fetching = new AtomicBoolean(true);
        RunningGraphs running = new RunningGraphs(clock, digest -> fetching.get());
        int most = 10_000;
        for (int i = 0; i < most; i++) {
            running.served(manifest(i));
        }
        clock.advance(RunningGraphs.FIRST_PATIENCE.plusSeconds(1));
        running.served(manifest(most));
        // Some are looked at, and the next is at hand.
        running.served(manifest(most + 1));

        fetching.set(false);
        clock.advance(RunningGraphs.FIRST_PATIENCE.plusSeconds(1));
        for (int i = 0; i < most; i++) {
            running.served(manifest(i));
        }
        running.served(manifest(most + 2));

        for (int i = 0; i < most; i++) {
            assertThat(running.isInUse(manifest(i).digest())).as("%d", i).isTrue();
        }
    }

    private static ManifestBytes manifest(int number) throws Exception {
        String json = "{\"schemaVersion\":2,\"mediaType\":\"" + MediaType.OCI_MANIFEST
                + "\",\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\""
                + Digest.sha256(Integer.toString(number).getBytes(StandardCharsets.UTF_8))
                + "\",\"size\":1},\"layers\":[]}";
        return ManifestBytes.of(MediaType.OCI_MANIFEST, json.getBytes(StandardCharsets.UTF_8));
    }
}
