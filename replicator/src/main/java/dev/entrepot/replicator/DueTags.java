package dev.entrepot.replicator;

import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPages;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.journal.CompletedTag;
import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Which tags that a rule brought to a target have been gone at the source for the rule's grace time. Of a repository
 * whose list failed, was empty or may be cut none is; of one that a catalog which is not empty lacks, and of which the
 * source says that it does not have it, all are.
 */
final class DueTags {
    private final TargetSession session;
    private final ReplicationRule rule;
    private final CopyJournal journal;
    // Repositories of the source whose list may go on.
    private final Set<RepositoryName> mayBeCut = new HashSet<>();
    private final Map<RepositoryName, String> unknown = new TreeMap<>();

    DueTags(TargetSession session) {
        this.session = session;
        this.rule = session.rule();
        this.journal = session.journal();
    }

    /** The repositories of the source that seem to lack tags, of which that does not count, and why it does not. */
    Map<RepositoryName, String> unknown() {
        return Collections.unmodifiableMap(unknown);
    }

    /** A tag that is due, and why. */
    record DueTag(CompletedTag tag, String why) {}

    /**
     * The tags that are due.
     *
     * @param brought all that the rule has at the target
     * @param missing since when they are noted as gone, by repository at the target: read once for all, and written
     *     only where it changes
     * @param noting whether to note what is found to be gone; the grace time of a tag begins with that
     */
    List<DueTag> of(
            List<CompletedTag> brought,
            Map<RepositoryName, Map<Tag, Instant>> missing,
            SourceSurvey survey,
            boolean noting)
            throws IOException {
        Map<RepositoryName, RepositoryDiscovery> asked = survey.askedByName();
        Map<RepositoryName, Optional<Set<Tag>>> lists = new LinkedHashMap<>();
        List<DueTag> due = new ArrayList<>();
        for (CompletedTag tag : brought) {
            Optional<Set<Tag>> list = lists.get(tag.source());
            if (list == null) {
                list = list(Optional.ofNullable(asked.get(tag.source())), tag.source(), survey);
                lists.put(tag.source(), list);
            }
            if (list.isEmpty()) {
                continue;
            }
            boolean listed = list.get().contains(tag.tag());
            if (!listed && mayBeCut.contains(tag.source())) {
                unknown.put(tag.source(), SourceEvidence.CUT_LIST);
                continue;
            }
            Optional<Instant> noted = Optional.ofNullable(
                    missing.getOrDefault(tag.repository(), Map.of()).get(tag.tag()));
            Optional<Instant> since = missingSince(tag, listed, noted, noting);
            // Now is asked after what it is compared with: without a grace time, what is found to be gone is due.
            if (since.isPresent()
                    && !now().isBefore(since.get().plus(rule.prune().grace()))) {
                String what = list.get().isEmpty() ? "its repository is" : "it is";
                due.add(new DueTag(tag, what + " gone at the source since " + since.get()));
            }
        }
        return due;
    }

    // The tags that the source has: all of a list that is not empty, or none because there is no such repository;
    // empty if that is not known.
    private Optional<Set<Tag>> list(Optional<RepositoryDiscovery> discovery, RepositoryName source, SourceSurvey survey)
            throws IOException {
        if (discovery.isEmpty()) {
            return seemsGone(source, survey) ? ownList(source) : Optional.empty();
        }
        try {
            if (discovery.get().tagsMayBeCut()) {
                mayBeCut.add(source);
            }
            return Optional.of(discovery.get().tags()).filter(tags -> !tags.isEmpty());
        } catch (RegistryException e) {
            return Optional.empty();
        }
    }

    // A catalog says nothing of what a rule names without a pattern: not all registries list all that they have.
    private boolean seemsGone(RepositoryName source, SourceSurvey survey) {
        boolean byPattern = rule.repositories().stream()
                .anyMatch(pattern -> pattern.kind() != NamePattern.Kind.EXACT
                        && pattern.matcher().test(source.value()));
        boolean failed = survey.failures().stream()
                .anyMatch(failure -> failure.repository().equals(source));
        return byPattern
                && !failed
                && survey.catalog()
                        .filter(names -> !names.isEmpty() && !names.contains(source))
                        .isPresent();
    }

    // A catalog may be cut as well, or show only what its reader may see: the repository itself is asked.
    private Optional<Set<Tag>> ownList(RepositoryName name) throws IOException {
        RepositorySource source = new GatedSource(rule.source().repository(name), session.sourceGate());
        String lacked = "the source's catalog lacks " + name + ", ";
        try {
            TagPages.Listed list = TagPages.all(source.repository(), source::listTags);
            if (list.tags().isEmpty()) {
                unknown.put(name, lacked + "but its list of tags is there, and empty, which proves nothing");
                return Optional.empty();
            }
            if (list.mayBeCut()) {
                mayBeCut.add(name);
            }
            return Optional.of(list.tags());
        } catch (NotFoundException e) {
            if (!e.code().isEmpty()) {
                return Optional.of(Set.of());
            }
            unknown.put(name, lacked + "but its 404 is not in the form of a registry: " + e.getMessage());
            return Optional.empty();
        } catch (RegistryException e) {
            unknown.put(name, lacked + "but does not say that it is gone: " + e.getMessage());
            return Optional.empty();
        }
    }

    private Instant now() {
        return session.services().time().clock().instant();
    }

    private Optional<Instant> missingSince(CompletedTag tag, boolean listed, Optional<Instant> noted, boolean noting)
            throws IOException {
        if (!listed) {
            return noted.isPresent()
                    ? noted
                    : Optional.of(noting ? journal.tags().missingSince(tag) : now());
        }
        if (noting && noted.isPresent()) {
            journal.tags().notMissing(tag);
        }
        return Optional.empty();
    }
}
