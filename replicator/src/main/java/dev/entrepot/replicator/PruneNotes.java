package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.journal.CompletedTag;
import dev.entrepot.replicator.journal.Leftover;
import dev.entrepot.replicator.journal.TagRecords;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Tells the journal what was deleted at one target, when that cannot come undone any more: at once, and of a target
 * that is packed when a run ends, after that. Of a run that does not come to that the journal knows all as it was, and
 * the next one deletes once more what is there. For one run, by one thread.
 */
final class PruneNotes {
    private final TargetSession session;
    private final List<Note> waiting = new ArrayList<>();

    PruneNotes(TargetSession session) {
        this.session = session;
    }

    private sealed interface Note {
        record Forgotten(CompletedTag tag) implements Note {}

        record Left(CompletedTag tag) implements Note {}

        record Gone(Leftover leftover) implements Note {}
    }

    /** A tag is gone, and what only it needed. */
    void forget(CompletedTag gone) {
        add(new Note.Forgotten(gone));
    }

    /** A tag is gone, or elsewhere, and what belonged to it is left over. */
    void leave(CompletedTag gone) {
        add(new Note.Left(gone));
    }

    /** Something left over is gone. */
    void forget(Leftover gone) {
        add(new Note.Gone(gone));
    }

    private void add(Note note) {
        if (session.registry().isPacked()) {
            waiting.add(note);
        } else {
            write(note);
        }
    }

    /**
     * Tells what waits for the target to be packed, which it is. What is there all the same, because another run has
     * brought it meanwhile, stays known; all of it does if one is writing.
     *
     * @throws IOException if the target cannot be read
     */
    void targetIsPacked() throws IOException {
        if (waiting.isEmpty()) {
            return;
        }
        Optional<RepositoryClaims.Claim> claim =
                session.services().claims().pruning(session.place(), RepositoryClaims.ALL);
        if (claim.isEmpty()) {
            return;
        }
        try {
            for (Note note : waiting) {
                if (!isUndone(note)) {
                    write(note);
                }
            }
            waiting.clear();
        } finally {
            claim.get().close();
        }
    }

    private boolean isUndone(Note note) throws IOException {
        return switch (note) {
            case Note.Forgotten(CompletedTag gone) ->
                there(gone.repository(), gone.tag()).isPresent();
            case Note.Left(CompletedTag gone) ->
                there(gone.repository(), gone.tag())
                        .filter(gone.targetDigest()::equals)
                        .isPresent();
            case Note.Gone(Leftover gone) ->
                there(gone.repository(), gone.digest()).isPresent();
        };
    }

    private Optional<Digest> there(RepositoryName repository, ManifestReference reference) throws IOException {
        return session.repository(repository).reader().resolve(reference).map(Descriptor::digest);
    }

    private void write(Note note) {
        TagRecords tags = session.journal().tags();
        switch (note) {
            case Note.Forgotten(CompletedTag gone) -> tags.forget(gone);
            case Note.Left(CompletedTag gone) -> tags.leave(gone);
            case Note.Gone(Leftover gone) -> tags.forgetLeftover(gone);
        }
    }
}
