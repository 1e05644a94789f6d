package dev.entrepot.replicator.journal;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.io.IOException;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a {@link CopyJournal} knows of content at targets: which repositories have a blob, into which anything was ever
 * sent, and uploads that may be continued. Safe for all threads. A failure of the disk or of SQLite is an
 * {@link IOException}.
 */
public final class ContentRecords {
    private static final int AT_ONCE = 500;

    private final JournalAccess access;

    ContentRecords(JournalAccess access) {
        this.access = access;
    }

    /** Notes that something is about to be sent to a repository at a target, and waits until that is on disk. */
    public void begin(String target, RepositoryName repository) throws IOException {
        access.call(statements -> statements.update(
                "INSERT OR IGNORE INTO begun(target, repository) VALUES (?, ?)", target, repository.value()));
    }

    /** Whether anything was ever about to be sent to a repository at a target. */
    public boolean hasBegun(String target, RepositoryName repository) throws IOException {
        return !access.query(
                        "SELECT 1 FROM begun WHERE target = ? AND repository = ?",
                        row -> true,
                        target,
                        repository.value())
                .isEmpty();
    }

    /** Notes, or confirms, blobs that manifests of a repository at a target hold on to; does not wait. */
    public void blobsAt(String target, RepositoryName repository, Collection<Digest> blobs) {
        List<Digest> copy = List.copyOf(blobs);
        if (!copy.isEmpty()) {
            access.later(statements -> BlobRows.write(statements, target, repository, copy));
        }
    }

    /** The repositories at a target that are known to have a blob, most recent first, at most eight. */
    public List<RepositoryName> blobLocations(String target, Digest blob) throws IOException {
        return blobLocations(target, List.of(blob)).getOrDefault(blob, List.of());
    }

    /**
     * As above, for many blobs: those of which nothing is known are left out. A task for {@value #AT_ONCE} of them
     * rather than for each, whose hand-over costs more than the question.
     */
    public Map<Digest, List<RepositoryName>> blobLocations(String target, Collection<Digest> blobs) throws IOException {
        Map<Digest, List<RepositoryName>> locations = new HashMap<>();
        List<Digest> order = List.copyOf(blobs);
        for (int from = 0; from < order.size(); from += AT_ONCE) {
            List<Digest> part = order.subList(from, Math.min(from + AT_ONCE, order.size()));
            Map<Digest, List<RepositoryName>> found =
                    access.call(statements -> BlobRows.locations(statements, target, part));
            locations.putAll(found == null ? Map.of() : found);
        }
        return locations;
    }

    /** Forgets that a repository at a target has a blob, because the target said otherwise; does not wait. */
    public void forgetBlob(String target, RepositoryName repository, Digest blob) {
        access.later(statements -> statements.update(
                "DELETE FROM blob WHERE target = ? AND digest = ? AND repository = ?",
                target,
                blob.toString(),
                repository.value()));
    }

    /** Notes an upload that may be continued; does not wait. */
    public void uploadAt(String target, RepositoryName repository, Digest blob, UploadSession session) {
        access.later(statements -> statements.update(
                "INSERT OR REPLACE INTO upload(target, repository, digest, location, reached, at) VALUES (?, ?, ?, ?, ?, ?)",
                target,
                repository.value(),
                blob.toString(),
                session.location(),
                session.offset(),
                session.at().toEpochMilli()));
    }

    /** The upload of a blob that may be continued. */
    public Optional<UploadSession> upload(String target, RepositoryName repository, Digest blob) throws IOException {
        return access
                .query(
                        "SELECT location, reached, at FROM upload WHERE target = ? AND repository = ? AND digest = ?",
                        row -> new UploadSession(
                                row.getString(1), row.getLong(2), Instant.ofEpochMilli(row.getLong(3))),
                        target,
                        repository.value(),
                        blob.toString())
                .stream()
                .findFirst();
    }

    /** Forgets an upload that has ended; does not wait. */
    public void forgetUpload(String target, RepositoryName repository, Digest blob) {
        access.later(statements -> statements.update(
                "DELETE FROM upload WHERE target = ? AND repository = ? AND digest = ?",
                target,
                repository.value(),
                blob.toString()));
    }
}
