package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import dev.entrepot.replicator.graph.CosignTags;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.journal.CompletedTag;
import dev.entrepot.replicator.journal.CopyJournal;
import dev.entrepot.replicator.journal.ItemRecord;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Deletes at one target what the rule brought there and the source no longer has. Only where the rule says so; only tags that the journal knows
 * to be the rule's and that the target still has as they were brought; only after a list of the source's tags that is neither empty nor failed
 * has lacked them for the grace time; and never more than the rule's share in one run, but then none.
 *
 * <p>The tag goes first. The manifests under it and their referrers go with it as far as no other tag of the repository can need them: what
 * the journal lists under other tags stays, and everything stays if there are tags that this process did not bring.
 */
final class Pruner {
    private final TargetSession session;
    private final ReplicationRule rule;
    private final CopyJournal journal;

    Pruner(TargetSession session) {
        this.session = session;
        this.rule = session.rule();
        this.journal = session.journal();
    }

    /** What would be deleted now, as {@code repository:tag}; or one line that says why nothing is, although something is gone. */
    List<String> preview(SourceSurvey survey) throws IOException {
        List<CompletedTag> due = due(survey);
        return isTooMany(due)
                ? List.of(tooMany(due))
                : due.stream().map(tag -> tag.repository() + ":" + tag.tag()).toList();
    }

    /** Deletes what is due, and returns what came of each tag. */
    List<ItemReport> prune(SourceSurvey survey, long run) throws IOException {
        List<CompletedTag> due = due(survey);
        List<ItemReport> reports = new ArrayList<>();
        if (isTooMany(due)) {
            CompletedTag first = due.getFirst();
            reports.add(report(first, "*", ItemReport.State.SKIPPED, tooMany(due), Optional.empty()));
        } else {
            for (CompletedTag tag : due) {
                reports.add(delete(tag, due));
            }
        }
        for (ItemReport report : reports) {
            String detail = report.failure().map(ItemReport.Failure::cause).orElse(report.reason());
            journal.item(
                    run,
                    new ItemRecord(
                            report.target(),
                            report.repository(),
                            report.tag(),
                            report.state().toString(),
                            detail));
        }
        return reports;
    }

    private List<CompletedTag> due(SourceSurvey survey) throws IOException {
        if (!rule.prune().enabled()) {
            return List.of();
        }
        Map<RepositoryName, RepositoryDiscovery> surveyed = new LinkedHashMap<>();
        survey.tags().forEach(tag -> surveyed.putIfAbsent(tag.repository(), tag.discovery()));
        survey.failures().forEach(failed -> surveyed.remove(failed.repository()));
        Map<RepositoryName, Optional<Set<Tag>>> lists = new LinkedHashMap<>();
        Instant now = session.services().time().clock().instant();
        List<CompletedTag> due = new ArrayList<>();
        for (CompletedTag brought : journal.completedBy(rule.name(), session.name())) {
            RepositoryDiscovery discovery = surveyed.get(brought.source());
            if (discovery == null) {
                continue;
            }
            Optional<Set<Tag>> list = lists.get(brought.source());
            if (list == null) {
                list = list(discovery);
                lists.put(brought.source(), list);
            }
            if (list.isEmpty()) {
                continue;
            }
            if (list.get().contains(brought.tag())) {
                journal.notMissing(rule.name(), brought.source(), brought.tag());
            } else {
                Instant since = journal.missingSince(rule.name(), brought.source(), brought.tag());
                if (!now.isBefore(since.plus(rule.prune().grace()))) {
                    due.add(brought);
                }
            }
        }
        return due;
    }

    private static Optional<Set<Tag>> list(RepositoryDiscovery discovery) throws IOException {
        try {
            return Optional.of(discovery.tags()).filter(tags -> !tags.isEmpty());
        } catch (RegistryException e) {
            return Optional.empty();
        }
    }

    private boolean isTooMany(List<CompletedTag> due) throws IOException {
        if (due.isEmpty()) {
            return false;
        }
        long all = journal.completedBy(rule.name(), session.name()).size();
        return due.size() * 100L > all * rule.prune().maxShare().value();
    }

    private String tooMany(List<CompletedTag> due) throws IOException {
        int all = journal.completedBy(rule.name(), session.name()).size();
        return "nothing is pruned: " + due.size() + " of " + all + " tags are gone at the source, more than "
                + rule.prune().maxShare();
    }

    private ItemReport delete(CompletedTag gone, List<CompletedTag> due) throws IOException {
        try {
            String done = CopyException.at(
                    Side.TARGET,
                    gone.tag(),
                    "pruning " + session.name() + "/" + gone.repository() + ":" + gone.tag(),
                    () -> deleteGraph(gone, due));
            journal.forgetTag(session.name(), gone.repository(), gone.tag());
            journal.notMissing(rule.name(), gone.source(), gone.tag());
            return report(gone, gone.tag().value(), ItemReport.State.PRUNED, done, Optional.empty());
        } catch (InterruptedIOException e) {
            throw e;
        } catch (CopyException e) {
            return report(gone, gone.tag().value(), ItemReport.State.FAILED, "", Optional.of(e.failure()));
        }
    }

    private String deleteGraph(CompletedTag gone, List<CompletedTag> due) throws IOException {
        TargetRepository repository = session.repository(gone.repository());
        Optional<Digest> live = repository.reader().resolve(gone.tag()).map(Descriptor::digest);
        if (live.isEmpty()) {
            return "the target no longer has it";
        }
        if (!live.get().equals(gone.targetDigest())) {
            return "left alone: at the target it is at " + live.get() + " now, which this rule did not bring";
        }
        repository.delete(gone.tag());
        Set<Tag> tags = tags(repository);
        Optional<Set<Digest>> needed = needed(gone, due, tags);
        if (needed.isEmpty()) {
            return "the tag only: the repository has tags that were not brought by this process";
        }
        Set<Digest> nodes = new LinkedHashSet<>();
        gone.nodes().reversed().forEach(node -> nodes.add(node.digest()));
        nodes.add(gone.targetDigest());
        nodes.removeAll(needed.get());
        for (Digest digest : nodes) {
            List<Tag> attached = new ArrayList<>(CosignTags.of(digest));
            attached.add(digest.referrersTag());
            for (Tag tag : attached) {
                if (tags.contains(tag)) {
                    repository.delete(tag);
                }
            }
            repository.delete(digest);
        }
        return "the tag and " + nodes.size() + " manifests";
    }

    /** What other tags need; empty if there are tags of which that is not known. */
    private Optional<Set<Digest>> needed(CompletedTag gone, List<CompletedTag> due, Set<Tag> tags) throws IOException {
        Set<Digest> needed = new HashSet<>();
        Set<Tag> unknown = new TreeSet<>(tags);
        unknown.removeIf(CosignTags::isAttached);
        unknown.remove(gone.tag());
        for (CompletedTag other : journal.completedIn(session.name(), gone.repository())) {
            unknown.remove(other.tag());
            boolean leaves = due.stream()
                    .anyMatch(tag ->
                            tag.tag().equals(other.tag()) && tag.repository().equals(other.repository()));
            if (!other.tag().equals(gone.tag()) && !leaves) {
                needed.add(other.targetDigest());
                other.nodes().forEach(node -> needed.add(node.digest()));
            }
        }
        return unknown.isEmpty() ? Optional.of(needed) : Optional.empty();
    }

    private static Set<Tag> tags(TargetRepository repository) throws IOException {
        Set<Tag> tags = new TreeSet<>();
        Set<String> cursors = new HashSet<>();
        Optional<String> cursor = Optional.empty();
        do {
            TagPage page;
            try {
                page = repository.reader().listTags(cursor);
            } catch (NotFoundException e) {
                // The last tag of a repository is gone, and with it, for some registries, the repository.
                return tags;
            }
            tags.addAll(page.tags());
            cursor = page.next();
            if (cursor.isPresent() && !cursors.add(cursor.get())) {
                throw new InvalidContentException("tag list of " + repository.name() + " repeats a page");
            }
        } while (cursor.isPresent());
        return tags;
    }

    private ItemReport report(
            CompletedTag gone,
            String tag,
            ItemReport.State state,
            String reason,
            Optional<ItemReport.Failure> failure) {
        return new ItemReport(
                session.name(),
                gone.source(),
                gone.repository(),
                tag,
                Optional.of(gone.sourceDigest()),
                state,
                reason,
                failure,
                Tally.NONE);
    }
}
