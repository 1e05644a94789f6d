package dev.entrepot.cache;

import dev.entrepot.oci.BlobBody;
import dev.entrepot.oci.ByteRange;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A {@link PullThrough} as a source: what replication reads from, so that a blob any client pulled or any target needs
 * is read from the upstream once. Content by digest comes from the store where it is kept; what a tag names, the tag
 * list and the referrers come from the upstream now, if the pull-through was made with
 * {@link PullThroughCache#alwaysAsking}. Thread-safe.
 */
public final class CachedRepository implements RepositorySource {
    private final PullThrough pullThrough;
    private final boolean keepsBlobs;

    /** Adapts a pull-through. */
    public CachedRepository(PullThrough pullThrough) {
        this(pullThrough, true);
    }

    private CachedRepository(PullThrough pullThrough, boolean keepsBlobs) {
        this.pullThrough = pullThrough;
        this.keepsBlobs = keepsBlobs;
    }

    /**
     * Adapts a pull-through for a reader that needs each blob once and has a place for it: those that are not kept yet
     * are not kept for it ({@link PullThrough#passBlob}).
     */
    public static CachedRepository passingBlobs(PullThrough pullThrough) {
        return new CachedRepository(pullThrough, false);
    }

    @Override
    public Repository repository() {
        return pullThrough.repository();
    }

    @Override
    public Optional<Descriptor> resolve(ManifestReference reference) throws IOException {
        return pullThrough.resolve(reference);
    }

    @Override
    public ManifestBytes fetchManifest(ManifestReference reference) throws IOException {
        return pullThrough.manifest(reference).content();
    }

    @Override
    public Optional<OptionalLong> statBlob(Digest digest) throws IOException {
        try {
            return Optional.of(pullThrough.statBlob(digest).content());
        } catch (NotFoundException e) {
            return Optional.empty();
        }
    }

    @Override
    public BlobBody openBlob(Digest digest, ByteRange range) throws IOException {
        Answer<BlobContent> answer =
                keepsBlobs ? pullThrough.openBlob(digest) : pullThrough.passBlob(digest, range.first());
        return new ContentBody(answer, range);
    }

    @Override
    public void refuted(Digest digest) {
        pullThrough.refuted(digest);
    }

    @Override
    public TagPage listTags(Optional<String> cursor) throws IOException {
        List<Tag> tags = pullThrough.tags().content();
        return new TagPage(tags, Optional.empty(), KeptTags.mayBeCut(tags));
    }

    @Override
    public Referrers referrers(Digest subject) throws IOException {
        return pullThrough.referrers(subject).content();
    }

    /** A blob's content as a body that is read once, from front to back. */
    private static final class ContentBody extends InputStream implements BlobBody {
        private final BlobContent content;
        private final boolean kept;
        private final ByteRange range;
        private long position;

        ContentBody(Answer<BlobContent> answer, ByteRange range) {
            this.content = answer.content();
            this.kept = answer.verdict().isOfTheStore();
            this.range = range;
            this.position = range.first();
        }

        @Override
        public InputStream stream() {
            return this;
        }

        @Override
        public long offset() {
            return range.first();
        }

        @Override
        public boolean isFromCache() {
            return kept;
        }

        @Override
        public OptionalLong totalBytes() {
            return content.totalBytes();
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            long left = range.last().isPresent() ? range.last().getAsLong() - position + 1 : Long.MAX_VALUE;
            if (left <= 0) {
                return -1;
            }
            int count = content.read(position, buffer, offset, (int) Math.min(length, left));
            if (count > 0) {
                position += count;
            }
            return count;
        }

        @Override
        public void close() {
            content.close();
        }
    }
}
