package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.LeftoverDeletion.Decision;
import dev.entrepot.replicator.LeftoverDeletion.Fate;
import dev.entrepot.replicator.journal.CompletedTag;
import dev.entrepot.replicator.journal.CopyJournal;
import dev.entrepot.replicator.journal.Leftover;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Deletes at one target what was planned before the run copied anything ({@link PrunePlanner}), and nothing else: that
 * what is needed was looked at again, in a repository where no other run is writing. The source is asked anew whether
 * it has withdrawn what is left over, before the repository is claimed: who copies there never waits for the source of
 * another rule. What is decided then by a question that was not asked stays for the next run.
 */
final class Pruner {
    private static final String NOT_ASKED = "the source was not asked about it before the repository was claimed";

    private final TargetSession session;
    private final ReplicationRule rule;
    private final CopyJournal journal;
    private final SourceEvidence evidence;
    private Duration patience;

    Pruner(TargetSession session, SourceSurvey survey) {
        this.session = session;
        this.rule = session.rule();
        this.journal = session.journal();
        this.patience = session.services().claims().patience();
        this.evidence = new SourceEvidence(rule, session.sourceGate(), survey);
    }

    /** Deletes what was planned, as far as that still holds, and returns what came of each. */
    List<ItemReport> prune(PrunePlan plan) throws IOException {
        List<ItemReport> reports = new ArrayList<>();
        for (PruneStep step : plan.steps()) {
            if (step.action() == PruneStep.Action.FAIL) {
                reports.add(report(step.repository(), step.reference(), ItemReport.State.FAILED, "")
                        .failing(new ItemReport.Failure(Side.TARGET, step.reference(), step.reason())));
            } else if (step.action() == PruneStep.Action.KEEP
                    && step.reference().equals("*")) {
                reports.add(report(step.repository(), "*", ItemReport.State.SKIPPED, step.reason()));
            }
        }
        Set<RepositoryName> repositories = new LinkedHashSet<>(plan.tags().keySet());
        repositories.addAll(plan.leftovers().keySet());
        Map<RepositoryName, List<PruneStep>> steps = plan.stepsByRepository();
        for (RepositoryName repository : repositories) {
            reports.addAll(prune(
                    repository,
                    plan.tags().getOrDefault(repository, List.of()),
                    plan.leftovers().getOrDefault(repository, List.of()),
                    plan.leftovers().containsKey(repository)
                            ? answered(plan.questions().getOrDefault(repository, Set.of()))
                            : question -> Optional.of(NOT_ASKED),
                    steps.getOrDefault(repository, List.of())));
        }
        return reports;
    }

    private List<ItemReport> prune(
            RepositoryName name,
            List<CompletedTag> tags,
            List<Leftover> leftovers,
            Withdrawals withdrawals,
            List<PruneStep> steps)
            throws IOException {
        Optional<RepositoryClaims.Claim> claim = claimed(session.registry().isAtHand() ? RepositoryClaims.ALL : name);
        if (claim.isEmpty()) {
            return steps.stream()
                    .filter(step -> step.action() == PruneStep.Action.DELETE)
                    .map(step -> report(
                            name,
                            step.reference(),
                            ItemReport.State.SKIPPED,
                            "left for the next run: another run is writing to " + name))
                    .toList();
        }
        try {
            Set<Digest> foreseen = new HashSet<>();
            Set<String> failed = new HashSet<>();
            for (PruneStep step : steps) {
                switch (step.action()) {
                    case DELETE -> foreseen.addAll(step.manifests());
                    case FAIL -> failed.add(step.reference());
                    case KEEP -> {}
                }
            }
            List<ItemReport> reports = new ArrayList<>();
            List<CompletedTag> still = new ArrayList<>();
            for (CompletedTag gone : tags) {
                if (failed.contains(gone.tag().value())) {
                    continue;
                }
                if (isStill(gone)) {
                    still.add(gone);
                } else {
                    reports.add(
                            report(gone, ItemReport.State.SKIPPED, "left alone: another run has brought it meanwhile"));
                }
            }
            // Where manifests are deleted to be rid of tags, those that stay must be known as such before the first
            // goes.
            PrunedRepository repository = pruned(name);
            GraphDeletion deletion = new GraphDeletion(session, repository, still);
            List<Deleted> deleted = new ArrayList<>();
            TagRefusals refusals = new TagRefusals(
                    still, session.services().time().clock().instant().getEpochSecond());
            for (CompletedTag gone : still) {
                deleted.add(delete(gone, deletion, refusals, foreseen));
                if (!session.registry().isAtHand()) {
                    note(deleted.getLast());
                }
            }
            if (session.registry().isAtHand() && !deleted.isEmpty()) {
                deleted = settled(repository, deleted);
            }
            deleted.forEach(one -> reports.add(one.report()));
            if (!leftovers.isEmpty()) {
                reports.addAll(delete(name, leftovers, withdrawals, foreseen));
            }
            return reports;
        } finally {
            claim.get().close();
        }
    }

    // What is waited for one repository is not waited for the next.
    private Optional<RepositoryClaims.Claim> claimed(RepositoryName name) throws InterruptedIOException {
        long begun = System.nanoTime();
        Optional<RepositoryClaims.Claim> claim = session.services().claims().pruning(session.place(), name, patience);
        patience = patience.minusNanos(System.nanoTime() - begun);
        return claim;
    }

    private interface Answer {
        Optional<String> get() throws IOException;
    }

    // What the source says now, and of what it was not asked that it stays.
    private Withdrawals answered(Set<Withdrawals.Question> questions) throws InterruptedIOException {
        Map<Withdrawals.Question, Answer> answers = new HashMap<>();
        for (Withdrawals.Question question : questions) {
            try {
                Optional<String> against = evidence.against(question);
                answers.put(question, () -> against);
            } catch (InterruptedIOException e) {
                throw e;
            } catch (IOException e) {
                answers.put(question, () -> {
                    throw e;
                });
            }
        }
        return question ->
                answers.getOrDefault(question, () -> Optional.of(NOT_ASKED)).get();
    }

    private List<ItemReport> delete(
            RepositoryName name, List<Leftover> leftovers, Withdrawals withdrawals, Set<Digest> foreseen)
            throws IOException {
        try {
            PrunedRepository repository = pruned(name);
            LeftoverDeletion deletion = new LeftoverDeletion(session, repository, withdrawals, false);
            List<Decision> decisions = CopyException.at(
                    Side.TARGET,
                    name,
                    "pruning " + session.name() + "/" + name,
                    () -> deletion.decide(still(name, leftovers), Set.of()));
            List<Decision> gone = decisions.stream()
                    .filter(decision -> decision.fate() == Fate.GONE)
                    .toList();
            if (!gone.isEmpty()) {
                deletion.deleteAttached(gone);
                // It may be gone by a deletion that could not be written yet.
                repository.settle();
            }
            gone.forEach(decision -> session.notes().forget(decision.leftover()));
            List<Decision> going = decisions.stream()
                    .filter(decision -> decision.fate() == Fate.GOES
                            && foreseen.contains(decision.leftover().digest()))
                    .toList();
            List<LeftoverDeletion.Outcome> outcomes = deletion.delete(going);
            List<ItemReport> reports = new ArrayList<>();
            Map<String, Integer> kept = new LinkedHashMap<>();
            for (LeftoverDeletion.Outcome outcome : outcomes) {
                if (outcome.kept().isPresent()) {
                    kept.merge(outcome.kept().get(), 1, Integer::sum);
                } else {
                    reports.add(report(outcome));
                }
            }
            PrunePlanner.kept(kept).forEach(reason -> reports.add(report(name, "*", ItemReport.State.SKIPPED, reason)));
            return reports;
        } catch (CopyException e) {
            return List.of(report(name, "*", ItemReport.State.FAILED, "").failing(e.failure()));
        }
    }

    // What was left a second time meanwhile is due later.
    private List<Leftover> still(RepositoryName name, List<Leftover> leftovers) throws IOException {
        Set<Leftover> now = new HashSet<>(journal.tags().leftovers(rule.name(), session.place(), name));
        return leftovers.stream().filter(now::contains).toList();
    }

    private PrunedRepository pruned(RepositoryName name) {
        return new PrunedRepository(session, session.repository(name));
    }

    // Before the repository was claimed, another run may have brought it anew.
    private boolean isStill(CompletedTag gone) throws IOException {
        return journal.tags()
                .completed(session.place(), gone.repository(), gone.tag())
                .contains(gone);
    }

    // What came of one tag, and what the journal is to know of it then.
    private record Deleted(CompletedTag gone, GraphDeletion.Known known, ItemReport report) {}

    private Deleted delete(CompletedTag gone, GraphDeletion deletion, TagRefusals refusals, Set<Digest> foreseen)
            throws IOException {
        String tag = gone.tag().value();
        Optional<String> against = refusals.againstNext();
        if (against.isPresent()) {
            deletion.leaveOut(gone);
            return failed(gone, new ItemReport.Failure(Side.TARGET, tag, against.get()));
        }
        try {
            GraphDeletion.Outcome done = CopyException.at(
                    Side.TARGET,
                    gone.tag(),
                    "pruning " + session.name() + "/" + gone.repository() + ":" + tag,
                    () -> deletion.delete(gone, foreseen));
            if (done.state() == ItemReport.State.PRUNED) {
                refusals.went();
            }
            return new Deleted(gone, done.known(), report(gone, done.state(), done.reason()));
        } catch (InterruptedIOException e) {
            throw e;
        } catch (CopyException e) {
            if (e.getCause() instanceof RegistryException answer && PrunedRepository.isRefusal(answer)) {
                refusals.refused(PrunedRepository.remedy(answer));
            }
            return failed(
                    gone,
                    e.getCause() instanceof RefusedException refusal
                            ? new ItemReport.Failure(
                                    e.failure().side(),
                                    tag,
                                    PrunedRepository.remedy(refusal),
                                    e.failure().fault())
                            : e.failure());
        }
    }

    private Deleted failed(CompletedTag gone, ItemReport.Failure failure) {
        // One that failed half-way is known until all of it is gone.
        return new Deleted(
                gone,
                GraphDeletion.Known.KEPT,
                report(gone, ItemReport.State.FAILED, "").failing(failure));
    }

    private void note(Deleted deleted) {
        CompletedTag gone = deleted.gone();
        switch (deleted.known()) {
            case KEPT -> {}
            case FORGOTTEN -> session.notes().forget(gone);
            case LEFT -> session.notes().leave(gone);
        }
    }

    // Where deletions are written together, none is known to be done before that.
    private List<Deleted> settled(PrunedRepository repository, List<Deleted> deleted) throws IOException {
        try {
            repository.settle();
            deleted.forEach(this::note);
            return deleted;
        } catch (CopyException e) {
            return deleted.stream()
                    .map(one -> one.report().state() == ItemReport.State.PRUNED ? failed(one.gone(), e.failure()) : one)
                    .toList();
        }
    }

    private ItemReport report(LeftoverDeletion.Outcome outcome) {
        Decision decision = outcome.decision();
        Leftover leftover = decision.leftover();
        ItemReport report = new ItemReport(
                session.name(),
                leftover.source(),
                leftover.repository(),
                decision.reference(),
                Optional.of(leftover.digest()),
                outcome.failure().isEmpty() ? ItemReport.State.PRUNED : ItemReport.State.FAILED,
                outcome.failure().isEmpty() ? decision.reason() : "",
                Optional.empty(),
                Tally.NONE);
        return outcome.failure().map(report::failing).orElse(report);
    }

    private ItemReport report(CompletedTag gone, ItemReport.State state, String reason) {
        return new ItemReport(
                session.name(),
                gone.source(),
                gone.repository(),
                gone.tag().value(),
                Optional.of(gone.sourceDigest()),
                state,
                reason,
                Optional.empty(),
                Tally.NONE);
    }

    private ItemReport report(RepositoryName repository, String reference, ItemReport.State state, String reason) {
        return new ItemReport(
                session.name(),
                repository,
                repository,
                reference,
                Optional.empty(),
                state,
                reason,
                Optional.empty(),
                Tally.NONE);
    }
}
