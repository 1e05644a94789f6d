package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.replicator.ImagePlan.Step;
import dev.entrepot.replicator.ReplicationRunner.Brought;
import dev.entrepot.replicator.ReplicationRunner.Wanted;
import dev.entrepot.replicator.graph.Concurrently;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Brings blobs to one target that no manifest there names yet. One that fails fails alone, unless the target is left
 * with something else in its place.
 */
final class EarlyBlobs {
    // Blobs in hand at once; the gate of the target lets fewer move.
    private static final int WINDOW = 32;

    private final TargetSession session;
    private final ProgressListener progress;
    private final boolean looks;
    private final TallyCounter tally = new TallyCounter();
    private final Set<Wanted> sent = ConcurrentHashMap.newKeySet();
    private final Map<Wanted, ItemReport.Failure> failures = new ConcurrentHashMap<>();

    /**
     * At a target.
     *
     * @param looks whether what the target has is read, and sent again if it is not what its digest says
     */
    EarlyBlobs(TargetSession session, ProgressListener progress, boolean looks) {
        this.session = session;
        this.progress = progress;
        this.looks = looks;
    }

    /** Sends what is not there. */
    Brought bring(List<Wanted> blobs) throws IOException {
        session.registry().begin();
        try {
            progress.planned(
                    session.name(),
                    0,
                    blobs.stream()
                            .mapToLong(wanted -> wanted.node().sizeBytes())
                            .sum());
            Concurrently.map(blobs, WINDOW, this::bring);
        } finally {
            session.registry().end(false);
        }
        return new Brought(session.name(), tally.tally(), sent, failures);
    }

    private Wanted bring(Wanted wanted) throws IOException {
        Descriptor blob = wanted.node();
        try {
            TargetRepository repository = session.repository(session.nameFor(wanted.repository()));
            boolean there = CopyException.at(
                    Side.TARGET,
                    blob.digest(),
                    "asking " + session.name() + " for " + blob.digest(),
                    () -> repository.hadBlob(blob));
            GatedSource source =
                    new GatedSource(session.rule().source().repository(wanted.repository()), session.sourceGate());
            BlobBringer bringer = new BlobBringer(session, repository, source, tally);
            there = there && (!looks || bringer.isWhole(blob));
            repository.begin();
            bringer.bring(ImagePlan.Node.of(blob, false, there ? Step.PRESENT : Step.PUSH));
            if (bringer.resumed().contains(blob.digest())) {
                lookAt(bringer, blob);
            }
            if (!there) {
                sent.add(wanted);
            }
        } catch (CopyException e) {
            failures.put(wanted, e.failure());
        }
        return wanted;
    }

    // What an earlier process sent of it nobody has looked at since; a target that takes anything has it now under this
    // name.
    private void lookAt(BlobBringer bringer, Descriptor blob) throws IOException {
        if (bringer.isWhole(blob)) {
            return;
        }
        bringer.push(blob);
        if (!bringer.isWhole(blob)) {
            // Not the failure of one blob: later it would be found there, and taken for right.
            throw new IOException(session.name() + " has something else than the blob " + blob.digest()
                    + " under its digest, and keeps that: its beginning was sent by an import that was killed. Remove it"
                    + " there, and import again");
        }
    }
}
