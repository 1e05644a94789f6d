package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.replicator.journal.BroughtTag;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Tags that a run was about to write when it ended, and that nothing more is noted of: the process was killed, or the
 * target's answer was lost. Where the tag is at what was to be written, it is the rule's.
 */
final class UnnotedTags {
    // Of no rule's scope, so that the tag is compared in full where the source still has it.
    private static final String UNCOMPARED = "not compared";

    private final TargetSession session;

    UnnotedTags(TargetSession session) {
        this.session = session;
    }

    /**
     * Notes what the target shows to be under those of the rule, and forgets those that were not written. A target that
     * gives no answer, or shows less than all of it, is asked again in the next run.
     */
    void adopt() throws IOException {
        for (BroughtTag tag : session.journal().tags().unnoted(session.rule().name(), session.place())) {
            // What another target of the rule at the same place is about to write just now is for that one.
            if (!session.isNamed(tag.source(), tag.repository())) {
                continue;
            }
            try {
                CopyException.at(Side.TARGET, tag.tag(), "asking what " + tag.tag() + " names", () -> {
                    adopt(tag);
                    return tag;
                });
            } catch (CopyException e) {
                // It stays unnoted.
            }
        }
    }

    private void adopt(BroughtTag tag) throws IOException {
        TargetRepository repository = session.repository(tag.repository());
        Optional<Digest> there = repository.head(tag.tag()).map(Descriptor::digest);
        if (!there.equals(Optional.of(tag.digest()))) {
            session.journal().tags().forgetBrought(tag);
            return;
        }
        Optional<List<Digest>> nodes = new PrunedRepository(session, repository).nodesUnder(tag.tag());
        if (nodes.isEmpty()) {
            return;
        }
        session.journal()
                .tags()
                .adopt(
                        new CompletedTag(
                                tag.rule(),
                                tag.target(),
                                tag.registry(),
                                tag.source(),
                                tag.repository(),
                                tag.tag(),
                                tag.digest(),
                                tag.digest(),
                                UNCOMPARED,
                                nodes.get().stream()
                                        .map(digest -> new CompletedTag.Node(digest, "-"))
                                        .toList(),
                                List.of(),
                                session.services().time().clock().instant()),
                        session.rule().scopeKey());
    }
}
