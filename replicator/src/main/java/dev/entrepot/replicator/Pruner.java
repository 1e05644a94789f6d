package dev.entrepot.replicator;

import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.journal.CompletedTag;
import dev.entrepot.replicator.journal.CopyJournal;
import dev.entrepot.replicator.journal.ItemRecord;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Deletes at one target what the rule brought there and the source no longer has. Only where the rule says so; only tags that the journal knows
 * to be the rule's, from the registry that it copies from now, and that the target still has as they were brought; only after a list of the source's tags
 * that is neither empty nor failed has lacked them for the grace time; never more than the rule's share in one run, but then none; and only where no other
 * run is writing. What goes with a tag: {@link GraphDeletion}.
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

    /**
     * What would be deleted now, as {@code repository:tag}; or one line that says why nothing is, although something is gone. Notes nothing: the grace time of
     * a tag begins with a run.
     */
    List<String> preview(SourceSurvey survey) throws IOException {
        Due due = due(survey, this::missingSince);
        return due.isTooMany()
                ? List.of(due.tooMany())
                : due.tags().stream()
                        .map(tag -> tag.repository() + ":" + tag.tag())
                        .toList();
    }

    /** Deletes what is due, and returns what came of each tag. */
    List<ItemReport> prune(SourceSurvey survey, long run) throws IOException {
        Due due = due(survey, this::notedMissingSince);
        List<ItemReport> reports = new ArrayList<>();
        if (due.isTooMany()) {
            CompletedTag first = due.tags().getFirst();
            reports.add(report(first, "*", ItemReport.State.SKIPPED, due.tooMany(), Optional.empty()));
        } else {
            Map<RepositoryName, List<CompletedTag>> byRepository = new LinkedHashMap<>();
            due.tags()
                    .forEach(tag -> byRepository
                            .computeIfAbsent(tag.repository(), name -> new ArrayList<>())
                            .add(tag));
            for (Map.Entry<RepositoryName, List<CompletedTag>> entry : byRepository.entrySet()) {
                reports.addAll(prune(entry.getKey(), entry.getValue()));
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

    /** Since when the source lacks a tag; empty if it has it. */
    private interface Missing {
        Optional<Instant> since(CompletedTag tag, boolean listed) throws IOException;
    }

    /** What is to be deleted, of so many tags that the rule brought, by its greatest share. */
    private record Due(List<CompletedTag> tags, long all, ReplicationRule rule) {
        boolean isTooMany() {
            return tags.size() * 100L > all * rule.prune().maxShare().value();
        }

        String tooMany() {
            return "nothing is pruned: " + tags.size() + " of " + all + " tags are gone at the source, more than "
                    + rule.prune().maxShare();
        }
    }

    private Due due(SourceSurvey survey, Missing missing) throws IOException {
        if (!rule.prune().enabled()) {
            return new Due(List.of(), 0, rule);
        }
        Map<RepositoryName, RepositoryDiscovery> surveyed = new LinkedHashMap<>();
        survey.tags().forEach(tag -> surveyed.putIfAbsent(tag.repository(), tag.discovery()));
        survey.failures().forEach(failed -> surveyed.remove(failed.repository()));
        Map<RepositoryName, Optional<Set<Tag>>> lists = new LinkedHashMap<>();
        // What came from another registry is not missing because this one lacks it.
        List<CompletedTag> all = journal.completedBy(rule.name(), session.name()).stream()
                .filter(brought -> brought.isFrom(rule.source().name()))
                .toList();
        List<CompletedTag> due = new ArrayList<>();
        for (CompletedTag brought : all) {
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
            Optional<Instant> since = missing.since(brought, list.get().contains(brought.tag()));
            if (since.isPresent()
                    && !now().isBefore(since.get().plus(rule.prune().grace()))) {
                due.add(brought);
            }
        }
        return new Due(due, all.size(), rule);
    }

    // Asked after what it is compared with: without a grace time, what is found to be gone is due.
    private Instant now() {
        return session.services().time().clock().instant();
    }

    private Optional<Instant> missingSince(CompletedTag tag, boolean listed) throws IOException {
        return listed
                ? Optional.empty()
                : journal.missing(rule.name(), tag.source(), tag.tag()).or(() -> Optional.of(now()));
    }

    private Optional<Instant> notedMissingSince(CompletedTag tag, boolean listed) throws IOException {
        if (listed) {
            journal.notMissing(rule.name(), tag.source(), tag.tag());
            return Optional.empty();
        }
        return Optional.of(journal.missingSince(rule.name(), tag.source(), tag.tag()));
    }

    private static Optional<Set<Tag>> list(RepositoryDiscovery discovery) throws IOException {
        try {
            return Optional.of(discovery.tags()).filter(tags -> !tags.isEmpty());
        } catch (RegistryException e) {
            return Optional.empty();
        }
    }

    private List<ItemReport> prune(RepositoryName name, List<CompletedTag> due) throws IOException {
        Optional<RepositoryClaims.Claim> claim = session.services().claims().pruning(session.place(), name);
        if (claim.isEmpty()) {
            return due.stream()
                    .map(gone -> report(
                            gone,
                            gone.tag().value(),
                            ItemReport.State.SKIPPED,
                            "left for the next run: another run is writing to " + name,
                            Optional.empty()))
                    .toList();
        }
        try {
            GraphDeletion deletion = new GraphDeletion(session, session.repository(name), due);
            List<ItemReport> reports = new ArrayList<>();
            for (CompletedTag gone : due) {
                reports.add(delete(gone, deletion));
            }
            return reports;
        } finally {
            claim.get().close();
        }
    }

    private ItemReport delete(CompletedTag gone, GraphDeletion deletion) throws IOException {
        // Before the repository was claimed, another run may have brought it anew.
        if (!journal.completed(session.name(), gone.repository(), gone.tag()).equals(Optional.of(gone))) {
            return report(
                    gone,
                    gone.tag().value(),
                    ItemReport.State.SKIPPED,
                    "left alone: another run has brought it meanwhile",
                    Optional.empty());
        }
        try {
            GraphDeletion.Outcome done = CopyException.at(
                    Side.TARGET,
                    gone.tag(),
                    "pruning " + session.name() + "/" + gone.repository() + ":" + gone.tag(),
                    () -> deletion.delete(gone));
            // One that failed half-way is known until all of it is gone.
            if (done.settled()) {
                journal.forgetTag(session.name(), gone.repository(), gone.tag());
                journal.notMissing(rule.name(), gone.source(), gone.tag());
            }
            return report(gone, gone.tag().value(), done.state(), done.reason(), Optional.empty());
        } catch (InterruptedIOException e) {
            throw e;
        } catch (CopyException e) {
            return report(gone, gone.tag().value(), ItemReport.State.FAILED, "", Optional.of(e.failure()));
        }
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
