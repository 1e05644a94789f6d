package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Manifest;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.journal.Leftover;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Whether the source has really withdrawn what was attached to a manifest: only a list that was read and is not empty
 * counts, or the source's word that it does not have the manifest itself. Asked once more in the run that deletes, for
 * free where that run has asked already. Each list is asked for once by one of this. For one thread.
 */
final class SourceEvidence implements Withdrawals {
    /** Why what a list of tags lacks is not taken for gone. */
    static final String CUT_LIST =
            "the source's list of tags may be cut: it ends with a full page, and what comes after"
                    + " that the source does not say";

    // What is read of the source because a target does not give it: of one that gives nothing it would be all.
    private static final int CONTENTS = 100;

    private final ReplicationRule rule;
    private final HostGate gate;
    private final Map<RepositoryName, RepositoryDiscovery> asked;
    // Of a subject that thousands referred to each of those is looked for.
    private final Map<Subject, Set<Digest>> listed = new HashMap<>();
    private final Map<Subject, Optional<Set<Digest>>> ownLists = new HashMap<>();

    private int contents;

    private record Subject(RepositoryName repository, Digest manifest) {}

    SourceEvidence(ReplicationRule rule, HostGate gate, SourceSurvey survey) {
        this.rule = rule;
        this.gate = gate;
        this.asked = survey.askedByName();
    }

    @Override
    public Optional<String> against(Question question) throws IOException {
        return switch (question) {
            case OfReferrer(Leftover referrer, Digest subject) -> againstReferrer(referrer, subject);
            case OfTag(Leftover named, Tag tag) -> againstTag(named, tag);
        };
    }

    private Optional<String> againstReferrer(Leftover referrer, Digest subject) throws IOException {
        RepositoryDiscovery discovery = asked.get(referrer.source());
        if (discovery == null) {
            return Optional.of(notAsked(referrer));
        }
        try {
            Subject of = new Subject(referrer.source(), subject);
            Set<Digest> list = listed.get(of);
            if (list == null) {
                list = digests(discovery.attachments(subject).referrers());
                listed.put(of, list);
            }
            if (!list.contains(referrer.digest())) {
                // Who answered for the source may be behind it.
                list = ownList(of).orElse(list);
            }
            boolean lists = list.contains(referrer.digest());
            if (!lists && !list.isEmpty()) {
                return Optional.empty();
            }
            // A fallback tag may list what is gone, and a registry that lost its lists answers empty ones.
            if (!gate.request(RequestKind.LOOK, () -> rule.source().hasNow(referrer.source(), referrer.digest()))) {
                return Optional.empty();
            }
            return Optional.of(
                    lists
                            ? "the source lists it as a referrer of " + subject
                            : "the source's list of the referrers of " + subject
                                    + " is empty, which alone proves nothing, and it still has this manifest");
        } catch (RegistryException e) {
            return Optional.of("the source does not say what refers to " + subject + ": " + e.getMessage());
        }
    }

    @Override
    public Optional<ManifestEdges> edges(Leftover leftover) throws IOException {
        if (++contents > CONTENTS) {
            return Optional.empty();
        }
        RepositorySource source = new GatedSource(rule.source().repository(leftover.source()), gate);
        try {
            return Optional.of(ManifestEdges.of(Manifest.parse(source.fetchManifest(leftover.digest()))));
        } catch (RegistryException e) {
            return Optional.empty();
        }
    }

    private Optional<Set<Digest>> ownList(Subject of) throws IOException {
        Optional<Set<Digest>> list = ownLists.get(of);
        if (list == null) {
            list = gate.request(RequestKind.LOOK, () -> rule.source().ownReferrers(of.repository(), of.manifest()))
                    .map(SourceEvidence::digests);
            ownLists.put(of, list);
        }
        return list;
    }

    private static Set<Digest> digests(Referrers list) {
        return list.descriptors().stream().map(Descriptor::digest).collect(Collectors.toSet());
    }

    private Optional<String> againstTag(Leftover named, Tag tag) throws IOException {
        RepositoryDiscovery discovery = asked.get(named.source());
        if (discovery == null) {
            return Optional.of(notAsked(named));
        }
        try {
            Set<Tag> tags = discovery.tags();
            if (tags.isEmpty()) {
                return Optional.of("the source's list of tags is empty");
            }
            if (tags.contains(tag)) {
                return Optional.of("the source has the tag " + tag);
            }
            return discovery.tagsMayBeCut() ? Optional.of(CUT_LIST) : Optional.empty();
        } catch (RegistryException e) {
            return Optional.of("the source does not list its tags: " + e.getMessage());
        }
    }

    private String notAsked(Leftover leftover) {
        return "this run has not read " + rule.source().name() + "/" + leftover.source();
    }
}
