package dev.entrepot.cache;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Executor;

/** A real store and index in a folder, under a clock that the test moves. */
final class CacheFixture implements AutoCloseable {
    static final FetchSettings FAST =
            new FetchSettings(16 * 1024, 256 * 1024, 128 * 1024, 5, Duration.ofMillis(1), Duration.ofSeconds(20));
    private static final Executor VIRTUAL = task -> Thread.ofVirtual().start(task);

    /** The defaults, but for a deadline: what tests wait for comes when it comes. */
    static final CacheSettings SETTINGS = CacheSettings.defaults(
                    Duration.ofMinutes(1), Duration.ofDays(7), Duration.ofMinutes(1))
            .withCheckDeadline(Duration.ZERO);

    /** What rules say of everything, from the next request on. */
    volatile CacheSettings rule = SETTINGS;

    /** What they say of tags, if that is something else. */
    volatile Optional<CacheSettings> tagRule = Optional.empty();

    private final CacheRules rules = new CacheRules() {
        @Override
        public CacheSettings of(Repository repository) {
            return rule;
        }

        @Override
        public CacheSettings of(Repository repository, Tag tag) {
            return tagRule.orElse(rule);
        }

        @Override
        public Optional<String> offlineBy(RegistryHost registry) {
            return Optional.empty();
        }
    };

    final TestClock clock = new TestClock();
    final ContentStore store;
    final CacheIndex index;
    final Evictor evictor;
    final PullThroughCache cache;

    CacheFixture(Path directory) throws IOException {
        this(directory, FAST, 1L << 40);
    }

    CacheFixture(Path directory, FetchSettings settings, long capacityBytes) throws IOException {
        store = ContentStore.open(directory, clock);
        index = CacheIndex.open(store, clock);
        evictor = new Evictor(store, index, DiskLimits.of(capacityBytes, 0), DiskShares.EQUAL, Duration.ZERO);
        cache = new PullThroughCache(store, index, evictor, clock, 1 << 20, settings, VIRTUAL, rules);
    }

    /**
     * The same settings with a minimum age and a time for which something is served and checked behind, and offline or
     * not.
     */
    static CacheSettings with(CacheSettings settings, Duration minAge, Duration behindFor, boolean offline) {
        return new CacheSettings(
                settings.denied(),
                settings.freshFor(),
                behindFor,
                settings.listsFreshFor(),
                settings.referrersFreshFor(),
                settings.checkDeadline(),
                settings.stale(),
                settings.negative(),
                offline,
                settings.pin(),
                settings.prefetch(),
                minAge.isZero() ? Optional.empty() : Optional.of(MinAge.of(minAge)),
                settings.maxBytes(),
                settings.priority(),
                settings.share(),
                settings.decidedBy());
    }

    /** The same settings with other times for which something is served while its upstream is out. */
    static CacheSettings with(CacheSettings settings, Map<StaleCause, Duration> stale) {
        return new CacheSettings(
                settings.denied(),
                settings.freshFor(),
                settings.behindFor(),
                settings.listsFreshFor(),
                settings.referrersFreshFor(),
                settings.checkDeadline(),
                stale,
                settings.negative(),
                settings.offline(),
                settings.pin(),
                settings.prefetch(),
                settings.minAge(),
                settings.maxBytes(),
                settings.priority(),
                settings.share(),
                settings.decidedBy());
    }

    /** Settings that remember for a minute that something is not there. */
    static CacheSettings remembering() {
        CacheSettings settings = SETTINGS;
        return new CacheSettings(
                settings.denied(),
                settings.freshFor(),
                settings.behindFor(),
                settings.listsFreshFor(),
                settings.referrersFreshFor(),
                settings.checkDeadline(),
                settings.stale(),
                new CacheSettings.Negative(Duration.ofMinutes(1), Duration.ZERO, Duration.ZERO),
                settings.offline(),
                settings.pin(),
                settings.prefetch(),
                settings.minAge(),
                settings.maxBytes(),
                settings.priority(),
                settings.share(),
                settings.decidedBy());
    }

    /** Has room made for so many bytes; returns whether there is. */
    boolean makeRoom(long bytes) throws IOException {
        return Samples.room(store, evictor, bytes);
    }

    PullThrough repository(FakeUpstream upstream) {
        return cache.repository(upstream);
    }

    static byte[] randomBytes(int length, long seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    static ManifestBytes image(FakeUpstream upstream, byte[]... blobs) throws IOException {
        StringBuilder layers = new StringBuilder();
        byte[] config = ("{\"blobs\":" + blobs.length + "}").getBytes(StandardCharsets.UTF_8);
        for (byte[] blob : blobs) {
            layers.append(layers.isEmpty() ? "" : ",")
                    .append(descriptor("application/vnd.oci.image.layer.v1.tar", upstream.addBlob(blob), blob.length));
        }
        String json = "{\"schemaVersion\":2,\"mediaType\":\"" + MediaType.OCI_MANIFEST + "\",\"config\":"
                + descriptor("application/vnd.oci.image.config.v1+json", upstream.addBlob(config), config.length)
                + ",\"layers\":[" + layers + "]}";
        ManifestBytes manifest = ManifestBytes.of(MediaType.OCI_MANIFEST, json.getBytes(StandardCharsets.UTF_8));
        upstream.manifests.put(manifest.digest(), manifest);
        return manifest;
    }

    private static String descriptor(String type, Digest digest, int size) {
        return "{\"mediaType\":\"" + type + "\",\"digest\":\"" + digest + "\",\"size\":" + size + "}";
    }

    static byte[] readAll(PullThrough repository, Digest digest) throws IOException {
        try (BlobContent content = repository.openBlob(digest).content()) {
            return readFrom(content, 0);
        }
    }

    static byte[] readFrom(BlobContent content, long start) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] buffer = new byte[50_000];
        for (long position = start; ; ) {
            int count = content.read(position, buffer, 0, buffer.length);
            if (count < 0) {
                return bytes.toByteArray();
            }
            bytes.write(buffer, 0, count);
            position += count;
        }
    }

    void awaitIdle() {
        while (cache.fetchesUnderWay() > 0) {
            Thread.onSpinWait();
        }
    }

    @Override
    public void close() throws IOException {
        awaitIdle();
        evictor.close();
        index.close();
        store.close();
    }
}
