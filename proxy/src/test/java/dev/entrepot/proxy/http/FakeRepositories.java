package dev.entrepot.proxy.http;

import dev.entrepot.cache.Answer;
import dev.entrepot.cache.BlobContent;
import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicInteger;

/** Repositories in memory, which answer what a test put into them. */
final class FakeRepositories implements ServedRepositories {
    final Map<String, ManifestBytes> manifests = new ConcurrentHashMap<>();
    final Map<String, byte[]> blobs = new ConcurrentHashMap<>();
    /** The files that blobs can be sent from. */
    final Map<Digest, Path> files = new ConcurrentHashMap<>();

    final Map<String, Referrers> referrers = new ConcurrentHashMap<>();
    final Map<Repository, List<Tag>> tags = new ConcurrentHashMap<>();
    final NavigableSet<Repository> kept = new ConcurrentSkipListSet<>();
    final AtomicInteger openBodies = new AtomicInteger();
    final AtomicInteger opened = new AtomicInteger();
    volatile Verdict verdict = Verdict.HIT;
    volatile Duration age = Duration.ZERO;
    volatile Optional<String> outage = Optional.empty();
    volatile Optional<Exception> failure = Optional.empty();
    /** What a body does at a position instead of giving bytes. */
    volatile Optional<Trouble> trouble = Optional.empty();

    volatile boolean sizesKnown = true;

    /** Trouble with a body from some position on. */
    interface Trouble {
        void at(long position) throws IOException;
    }

    void manifest(String repository, String tag, ManifestBytes manifest) {
        manifests.put(repository + ":" + tag, manifest);
        manifests.put(repository + ":" + manifest.digest(), manifest);
    }

    Digest blob(String repository, byte[] bytes) {
        Digest digest = Digest.sha256(bytes);
        blobs.put(repository + ":" + digest, bytes);
        return digest;
    }

    /** A blob that lies in a file, too. */
    Digest storedBlob(String repository, byte[] bytes, Path file) throws IOException {
        Digest digest = blob(repository, bytes);
        Files.write(file, bytes);
        files.put(digest, file);
        return digest;
    }

    /** A blob larger than what fits into the buffers of a connection, under a digest that nobody checks. */
    Digest largeBlob(String repository) {
        Digest digest = Digest.sha256(repository.getBytes(StandardCharsets.UTF_8));
        blobs.put(repository + ":" + digest, new byte[32 << 20]);
        return digest;
    }

    private <T> Answer<T> answer(T content) throws IOException {
        if (failure.isPresent()) {
            switch (failure.get()) {
                case IOException e -> throw e;
                case RuntimeException e -> throw e;
                case Exception e -> throw new IllegalStateException(e);
            }
        }
        return new Answer<>(content, verdict, age, outage);
    }

    @Override
    public ServedRepository open(Repository repository) {
        return new ServedRepository() {
            @Override
            public Answer<ManifestBytes> manifest(ManifestReference reference) throws IOException {
                return answer(find(manifests, reference, NotFoundException.Kind.MANIFEST));
            }

            @Override
            public Answer<OptionalLong> statBlob(Digest digest) throws IOException {
                byte[] bytes = find(blobs, digest, NotFoundException.Kind.BLOB);
                return answer(sizesKnown ? OptionalLong.of(bytes.length) : OptionalLong.empty());
            }

            @Override
            public Answer<BlobContent> openBlob(Digest digest) throws IOException {
                Answer<BlobContent> answer = answer(content(
                        find(blobs, digest, NotFoundException.Kind.BLOB), Optional.ofNullable(files.get(digest))));
                opened.incrementAndGet();
                openBodies.incrementAndGet();
                return answer;
            }

            @Override
            public Answer<List<Tag>> tags() throws IOException {
                List<Tag> found = tags.get(repository);
                if (found == null) {
                    throw new NotFoundException(NotFoundException.Kind.NAME, "no repository " + repository);
                }
                return answer(found);
            }

            @Override
            public Answer<Referrers> referrers(Digest subject) throws IOException {
                return answer(find(referrers, subject, NotFoundException.Kind.NAME));
            }

            private <T> T find(Map<String, T> map, Object key, NotFoundException.Kind kind) throws IOException {
                T found = map.get(repository + ":" + key);
                if (found == null && failure.isEmpty()) {
                    throw new NotFoundException(kind, repository + " has no " + key);
                }
                return found == null ? answer(found).content() : found;
            }
        };
    }

    private BlobContent content(byte[] bytes, Optional<Path> file) throws IOException {
        Optional<FileChannel> channel = file.isPresent() ? Optional.of(FileChannel.open(file.get())) : Optional.empty();
        return new BlobContent() {
            @Override
            public Optional<Stored> stored(long position) {
                return channel.map(open -> new Stored(open, bytes.length));
            }

            @Override
            public OptionalLong totalBytes() {
                return sizesKnown ? OptionalLong.of(bytes.length) : OptionalLong.empty();
            }

            @Override
            public int read(long position, byte[] buffer, int offset, int length) throws IOException {
                if (trouble.isPresent()) {
                    trouble.get().at(position);
                }
                if (position >= bytes.length) {
                    return -1;
                }
                int count = (int) Math.min(length, bytes.length - position);
                System.arraycopy(bytes, (int) position, buffer, offset, count);
                return count;
            }

            @Override
            public void close() {
                channel.ifPresent(FakeRepositories::close);
                openBodies.decrementAndGet();
            }
        };
    }

    private static void close(FileChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public List<Repository> kept(Optional<Repository> after, int limit) {
        return (after.isPresent() ? kept.tailSet(after.get(), false) : kept)
                .stream().limit(limit).toList();
    }
}
