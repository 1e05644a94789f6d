package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.UploadLog;
import dev.entrepot.replicator.journal.UploadSession;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Optional;

/**
 * The uploads to one repository of a target, in the journal: so a run after {@code kill -9} goes on with them. Safe for
 * all threads.
 *
 * @param session the target
 * @param repository the repository there
 */
record JournalUploads(TargetSession session, RepositoryName repository) implements UploadLog {
    @Override
    public Optional<Upload> recall(Digest blob) throws IOException {
        return session.journal()
                .content()
                .upload(session.place(), repository, blob)
                .flatMap(JournalUploads::upload);
    }

    private static Optional<Upload> upload(UploadSession noted) {
        try {
            return Optional.of(new Upload(new URI(noted.location()), noted.offset()));
        } catch (URISyntaxException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    @Override
    public void note(Digest blob, Upload upload) {
        session.journal()
                .content()
                .uploadAt(
                        session.place(),
                        repository,
                        blob,
                        new UploadSession(
                                upload.location().toString(),
                                upload.offset(),
                                session.services().time().clock().instant()));
    }

    @Override
    public void forget(Digest blob) {
        session.journal().content().forgetUpload(session.place(), repository, blob);
    }
}
