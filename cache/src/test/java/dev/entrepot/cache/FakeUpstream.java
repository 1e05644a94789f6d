package dev.entrepot.cache;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** An upstream in memory whose every byte and failure a test decides. Counts what it is asked. */
final class FakeUpstream implements RepositorySource {
    final Repository repository;
    final Map<Digest, byte[]> blobs = new ConcurrentHashMap<>();
    final Map<ManifestReference, ManifestBytes> manifests = new ConcurrentHashMap<>();
    final Map<Digest, Referrers> referrers = new ConcurrentHashMap<>();
    final List<String> asked = new CopyOnWriteArrayList<>();
    final List<ByteRange> blobRanges = new CopyOnWriteArrayList<>();
    final AtomicInteger bytesSent = new AtomicInteger();
    /** How many bodies of blobs are open, each of which takes a slot. */
    final AtomicInteger openBodies = new AtomicInteger();

    volatile Optional<IOException> outage = Optional.empty();
    /** What is answered by 500, as {@link #asked} has it. */
    volatile String failing = "";

    volatile boolean rangesWork = true;
    volatile boolean knownToIgnoreRanges = false;
    final List<Digest> refuted = new CopyOnWriteArrayList<>();
    volatile boolean statesSize = true;
    /** After how many bytes of a body it breaks, once for each entry taken. */
    final java.util.Queue<Integer> breaks = new java.util.concurrent.ConcurrentLinkedQueue<>();
    /** Whether a break looks as the end of the body does. */
    volatile boolean breaksSilently = false;
    /** When set, each byte needs a permit, except those of a range with an end. */
    volatile Semaphore permits = null;
    /** What the next body waits for before it is closed. */
    final AtomicReference<CountDownLatch> holdsClose = new AtomicReference<>();

    volatile Semaphore manifestPermits = null;
    /** When set, each question what a tag names waits for a permit. */
    volatile Semaphore namePermits = null;
    /** Whether a quota is known. */
    volatile boolean countsPulls = false;
    /** When set, how what can wait is refused. */
    volatile Optional<OutageException> reserved = Optional.empty();
    /** Whether HEAD of a blob is answered 404, whatever is there. */
    volatile boolean deniesSizes = false;
    /** Whether HEAD of a manifest is answered 404, whatever is there. */
    volatile boolean deniesNames = false;
    /** Whether HEAD of a blob says that it is empty. */
    volatile boolean statesZero = false;
    /** What HEAD of a blob says of its size, whether it is there or not. */
    final Map<Digest, Long> statedSizes = new ConcurrentHashMap<>();

    /** When set, how the opening of a blob fails once it has its slot. */
    volatile Optional<IOException> refusesBlobs = Optional.empty();

    /**
     * When set, each opening of a blob waits for a permit, as for a slot; who is interrupted meanwhile was not asked.
     */
    volatile Semaphore slots = null;

    FakeUpstream(String repository) {
        this.repository = Repository.parse(repository);
    }

    Digest addBlob(byte[] bytes) {
        Digest digest = Digest.sha256(bytes);
        blobs.put(digest, bytes);
        return digest;
    }

    void tag(String tag, ManifestBytes manifest) {
        manifests.put(new Tag(tag), manifest);
        manifests.put(manifest.digest(), manifest);
    }

    long count(String prefix) {
        return asked.stream().filter(line -> line.startsWith(prefix)).count();
    }

    private void ask(String line) throws IOException {
        asked.add(line);
        if (line.equals(failing)) {
            throw new OutageException(OutageException.Reason.SERVER_ERROR, "500 by the test");
        }
        if (outage.isPresent()) {
            throw outage.get();
        }
    }

    @Override
    public Repository repository() {
        return repository;
    }

    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        ask("HEAD " + reference);
        if (namePermits != null) {
            take(namePermits, 1);
        }
        return Optional.ofNullable(deniesNames ? null : manifests.get(reference))
                .map(ManifestBytes::descriptor);
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        ask("GET " + reference);
        if (manifestPermits != null) {
            take(manifestPermits, 1);
        }
        ManifestBytes found = manifests.get(reference);
        if (found == null) {
            throw new NotFoundException(NotFoundException.Kind.MANIFEST, reference + " is not here");
        }
        return found;
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        ask("HEAD blob " + digest);
        if (statedSizes.containsKey(digest)) {
            return Optional.of(OptionalLong.of(statedSizes.get(digest)));
        }
        return Optional.ofNullable(deniesSizes ? null : blobs.get(digest))
                .map(bytes -> statesSize ? OptionalLong.of(statesZero ? 0 : bytes.length) : OptionalLong.empty());
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        ask("GET blob " + digest);
        takeSlot();
        if (refusesBlobs.isPresent()) {
            throw refusesBlobs.get();
        }
        byte[] bytes = blobs.get(digest);
        if (bytes == null) {
            throw new NotFoundException(NotFoundException.Kind.BLOB, digest + " is not here");
        }
        blobRanges.add(range);
        return new Body(bytes, rangesWork ? range : ByteRange.ALL);
    }

    @Override
    public boolean countsPulls() {
        return countsPulls;
    }

    @Override
    public Optional<OutageException> reserved() {
        return reserved;
    }

    @Override
    public boolean ignoresRanges() {
        return knownToIgnoreRanges;
    }

    @Override
    public void refuted(Digest digest) {
        refuted.add(digest);
    }

    @Override
    public TagPage listTags(Optional<String> cursor) throws IOException {
        ask("TAGS");
        List<Tag> tags = manifests.keySet().stream()
                .filter(Tag.class::isInstance)
                .map(Tag.class::cast)
                .toList();
        return new TagPage(tags, Optional.empty());
    }

    @Override
    public Referrers referrers(Digest subject) throws IOException {
        ask("REFERRERS " + subject);
        return referrers.getOrDefault(subject, Referrers.NONE);
    }

    private void takeSlot() throws OutageException {
        try {
            if (slots != null) {
                slots.acquire();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OutageException(OutageException.Reason.NOT_ASKED, "interrupted while waiting for a slot");
        }
    }

    private static void take(Semaphore semaphore, int count) throws IOException {
        try {
            if (!semaphore.tryAcquire(count, 20, TimeUnit.SECONDS)) {
                throw new IOException("the test released too little");
            }
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private final class Body extends InputStream implements BlobBody {
        private final byte[] bytes;
        private final int end;
        private final Optional<Integer> breakAt;
        private final long start;
        private final boolean windowed;
        private int position;
        private volatile boolean closed;

        Body(byte[] bytes, ByteRange range) {
            this.bytes = bytes;
            this.start = range.first();
            this.windowed = range.last().isPresent();
            this.position = (int) range.first();
            this.end = range.last().isPresent()
                    ? (int) Math.min(bytes.length, range.last().getAsLong() + 1)
                    : bytes.length;
            this.breakAt = Optional.ofNullable(breaks.poll());
            openBodies.incrementAndGet();
        }

        @Override
        public InputStream stream() {
            return this;
        }

        @Override
        public long offset() {
            return start;
        }

        @Override
        public OptionalLong totalBytes() {
            return statesSize ? OptionalLong.of(bytes.length) : OptionalLong.empty();
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            int limit = breakAt.map(after -> (int) Math.min(end, start + after)).orElse(end);
            if (position >= limit && limit < end) {
                if (breaksSilently) {
                    return -1;
                }
                throw new OutageException(OutageException.Reason.UNREACHABLE, "reset by the test at " + position);
            }
            if (position >= end) {
                return -1;
            }
            int count = Math.min(length, limit - position);
            if (permits != null && !windowed) {
                count = Math.min(count, 1000);
                take(permits, count);
            }
            if (closed) {
                throw new IOException("closed");
            }
            System.arraycopy(bytes, position, buffer, offset, count);
            position += count;
            bytesSent.addAndGet(count);
            return count;
        }

        @Override
        public void close() {
            if (!closed) {
                openBodies.decrementAndGet();
            }
            closed = true;
            CountDownLatch wait = holdsClose.getAndSet(null);
            if (wait != null) {
                try {
                    wait.await(20, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    /** A copy of what was asked, by line. */
    Map<String, Long> tally() {
        Map<String, Long> tally = new HashMap<>();
        asked.forEach(line -> tally.merge(line, 1L, Long::sum));
        return tally;
    }
}
