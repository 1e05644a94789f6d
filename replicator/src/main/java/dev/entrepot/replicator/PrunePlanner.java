package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.DueTags.DueTag;
import dev.entrepot.replicator.LeftoverDeletion.Decision;
import dev.entrepot.replicator.LeftoverDeletion.Fate;
import dev.entrepot.replicator.graph.GraphNode;
import dev.entrepot.replicator.journal.CompletedTag;
import dev.entrepot.replicator.journal.CopyJournal;
import dev.entrepot.replicator.journal.Leftover;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Says what is to be deleted at one target of what the rule brought there and the source no longer has: tags
 * ({@link DueTags}, {@link GraphDeletion}), and manifests that the rule has under no tag any more
 * ({@link LeftoverDeletion}). Only where the rule says so; only what the journal knows to be the rule's, from the
 * registry that it copies from now; only after the grace time; never more than the rule's share in one run, but then
 * none. {@code entrepot plan} and a run make the same plan.
 */
final class PrunePlanner {
    private static final int REASONS = 10;

    private final TargetSession session;
    private final ReplicationRule rule;
    private final CopyJournal journal;
    private final SourceSurvey survey;
    private final SourceEvidence evidence;
    // What the source was asked for one repository of the target.
    private final Map<RepositoryName, Set<Withdrawals.Question>> questions = new HashMap<>();
    private final long lostBefore;

    PrunePlanner(TargetSession session, SourceSurvey survey) {
        this.session = session;
        this.rule = session.rule();
        this.journal = session.journal();
        this.survey = survey;
        this.lostBefore = journal.lostChanges();
        this.evidence = new SourceEvidence(rule, session.sourceGate(), survey);
    }

    /**
     * What is to be deleted. Changes nothing at the target.
     *
     * @param works what is about to be copied
     * @param noting whether to note what is found to be gone; the grace time of a tag begins with that
     */
    PrunePlan plan(List<ImageWork> works, boolean noting) throws IOException {
        if (!rule.prune().enabled()) {
            if (noting) {
                // A grace time that began long ago would be over at once if prune came back.
                journal.tags().forgetMissing(rule.name(), session.place());
            }
            return PrunePlan.NOTHING;
        }
        // What came from another registry is not missing because this one lacks it.
        if (noting) {
            new UnnotedTags(session).adopt();
        }
        Map<RepositoryName, Map<Tag, Instant>> missing = journal.tags().missing(rule.name(), session.place());
        List<CompletedTag> brought = new ArrayList<>();
        for (CompletedTag tag : journal.tags().broughtBy(rule.name(), session.place())) {
            if (tag.isFrom(rule.source().name()) && session.isNamed(tag.source(), tag.repository())) {
                brought.add(tag);
            } else if (noting
                    && missing.getOrDefault(tag.repository(), Map.of()).containsKey(tag.tag())) {
                // Nobody looks whether it is there again meanwhile.
                journal.tags().notMissing(tag);
            }
        }
        List<Leftover> left = journal.tags().leftovers(rule.name(), session.place()).stream()
                .filter(leftover -> leftover.registry().equals(rule.source().name())
                        && session.isNamed(leftover.source(), leftover.repository()))
                .toList();
        List<PruneStep> steps = new ArrayList<>();
        Map<RepositoryName, List<CompletedTag>> tags = planTags(brought, missing, works, noting, steps);
        Map<RepositoryName, List<Leftover>> leftovers = planLeftovers(brought, left, works, noting, steps);
        return new PrunePlan(tags, leftovers, questions, steps);
    }

    private Map<RepositoryName, List<CompletedTag>> planTags(
            List<CompletedTag> brought,
            Map<RepositoryName, Map<Tag, Instant>> missing,
            List<ImageWork> works,
            boolean noting,
            List<PruneStep> steps)
            throws IOException {
        DueTags dueTags = new DueTags(session);
        List<DueTag> due = new ArrayList<>(dueTags.of(brought, missing, survey, noting));
        dueTags.unknown()
                .forEach((repository, why) -> steps.add(PruneStep.keep(
                        session.nameFor(repository), "*", "no tag is pruned that is gone at the source: " + why)));
        due.removeIf(comesFromElsewhere(works));
        if (noting) {
            // A tag that is there again and not noted so would have no grace time when it is gone the next time.
            journal.flush(lostBefore);
        }
        if (isTooMuch(due.size(), brought.size())) {
            steps.add(PruneStep.keep(
                    due.getFirst().tag().repository(),
                    "*",
                    "nothing is pruned: " + due.size() + " of " + brought.size() + " tags are gone at the source, "
                            + tooMuch()));
            return Map.of();
        }
        Map<RepositoryName, List<CompletedTag>> tags = new LinkedHashMap<>();
        for (Map.Entry<RepositoryName, List<DueTag>> entry :
                byRepository(due, each -> each.tag().repository()).entrySet()) {
            Map<Tag, String> reasons = new HashMap<>();
            entry.getValue().forEach(each -> reasons.put(each.tag().tag(), each.why()));
            List<CompletedTag> here = GraphDeletion.inOrder(
                    entry.getValue().stream().map(DueTag::tag).toList());
            tags.put(entry.getKey(), here);
            GraphDeletion deletion = new GraphDeletion(session, pruned(entry.getKey()), here);
            for (CompletedTag tag : here) {
                String why = reasons.getOrDefault(tag.tag(), "");
                steps.add(foreseen(entry.getKey(), tag.tag().value(), () -> List.of(deletion.foresee(tag, why)))
                        .getFirst());
            }
        }
        return tags;
    }

    // Another repository of the source may have the tag by now, under the same name at the target. It is there for that
    // one then, also if it cannot be copied in this run.
    private static Predicate<DueTag> comesFromElsewhere(List<ImageWork> works) {
        record Place(RepositoryName repository, String tag) {}
        Map<Place, Set<RepositoryName>> sources = new HashMap<>();
        works.stream()
                .map(ImageWork::plan)
                .forEach(plan -> sources.computeIfAbsent(
                                new Place(plan.repository(), plan.tag()), place -> new HashSet<>())
                        .add(plan.source()));
        return due ->
                sources
                        .getOrDefault(
                                new Place(
                                        due.tag().repository(), due.tag().tag().value()),
                                Set.of())
                        .stream()
                        .anyMatch(source -> !source.equals(due.tag().source()));
    }

    private Map<RepositoryName, List<Leftover>> planLeftovers(
            List<CompletedTag> brought,
            List<Leftover> left,
            List<ImageWork> works,
            boolean noting,
            List<PruneStep> steps)
            throws IOException {
        List<Leftover> due = left.stream()
                .filter(leftover -> !session.services()
                        .time()
                        .clock()
                        .instant()
                        .isBefore(leftover.since().plus(rule.prune().grace())))
                .toList();
        long all = manifests(brought, left);
        Optional<String> counted =
                isTooMuch(due.size(), all) ? session.leftoverPauses().against(rule) : Optional.empty();
        if (counted.isPresent()) {
            steps.add(PruneStep.keep(due.getFirst().repository(), "*", counted.get()));
            return Map.of();
        }
        Map<RepositoryName, Set<Digest>> wanted = due.isEmpty() ? Map.of() : wanted(works);
        Map<RepositoryName, List<Leftover>> leftovers = new LinkedHashMap<>();
        List<PruneStep> found = new ArrayList<>();
        for (Map.Entry<RepositoryName, List<Leftover>> entry :
                byRepository(due, Leftover::repository).entrySet()) {
            RepositoryName name = entry.getKey();
            Optional<String> refusal = session.leftoverPauses().against(rule, name);
            if (refusal.isPresent()) {
                found.add(PruneStep.keep(
                        name, "*", kept(refusal.get(), entry.getValue().size())));
                continue;
            }
            List<Decision> decisions = new ArrayList<>();
            found.addAll(foreseen(name, "*", () -> {
                decisions.addAll(new LeftoverDeletion(session, pruned(name), noted(name), noting)
                        .decide(entry.getValue(), wanted.getOrDefault(name, Set.of())));
                return steps(name, decisions);
            }));
            if (decisions.stream().anyMatch(decision -> decision.fate() != Fate.STAYS)) {
                leftovers.put(name, entry.getValue());
            }
        }
        long going = found.stream()
                .filter(step -> step.action() == PruneStep.Action.DELETE)
                .count();
        if (isTooMuch(going, all)) {
            String reason = "nothing that is left over is pruned: " + going + " of " + all
                    + " manifests are withdrawn at the source or belong to no tag any more, " + tooMuch();
            if (noting) {
                session.leftoverPauses().tooMuch(rule, reason);
            }
            steps.add(PruneStep.keep(due.getFirst().repository(), "*", reason));
            return Map.of();
        }
        steps.addAll(found);
        return leftovers;
    }

    private Withdrawals noted(RepositoryName name) {
        Set<Withdrawals.Question> asked = questions.computeIfAbsent(name, key -> new LinkedHashSet<>());
        return new Withdrawals() {
            @Override
            public Optional<String> against(Question question) throws IOException {
                asked.add(question);
                return evidence.against(question);
            }

            @Override
            public Optional<ManifestEdges> edges(Leftover leftover) throws IOException {
                return evidence.edges(leftover);
            }
        };
    }

    private boolean isTooMuch(long due, long all) {
        return due * 100L > all * rule.prune().maxShare().value();
    }

    private String tooMuch() {
        return "more than " + rule.prune().maxShare() + "; if that is right, raise max-share in the rule's prune";
    }

    // What the rule has there, each manifest once.
    private static long manifests(List<CompletedTag> brought, List<Leftover> left) {
        record Key(RepositoryName repository, Digest digest) {}
        Set<Key> all = new HashSet<>();
        brought.forEach(tag -> tag.nodes().forEach(node -> all.add(new Key(tag.repository(), node.digest()))));
        left.forEach(leftover -> all.add(new Key(leftover.repository(), leftover.digest())));
        return all.size();
    }

    private static Map<RepositoryName, Set<Digest>> wanted(List<ImageWork> works) {
        Map<RepositoryName, Set<Digest>> wanted = new HashMap<>();
        for (ImageWork work : works) {
            work.graph()
                    .ifPresent(graph -> graph.nodes().stream()
                            .map(GraphNode::digest)
                            .forEach(wanted.computeIfAbsent(work.plan().repository(), name -> new HashSet<>())::add));
        }
        return wanted;
    }

    private interface Steps {
        List<PruneStep> find() throws IOException;
    }

    // A target that gives no answer is no reason to copy nothing.
    private List<PruneStep> foreseen(RepositoryName repository, String reference, Steps steps) throws IOException {
        try {
            return CopyException.at(
                    Side.TARGET,
                    reference,
                    "finding out what is to be pruned of " + session.name() + "/"
                            + ItemReport.name(repository, reference),
                    steps::find);
        } catch (InterruptedIOException e) {
            throw e;
        } catch (CopyException e) {
            return List.of(new PruneStep(
                    repository, reference, PruneStep.Action.FAIL, e.failure().cause(), List.of()));
        }
    }

    private static List<PruneStep> steps(RepositoryName repository, List<Decision> decisions) {
        List<PruneStep> steps = new ArrayList<>();
        for (Decision decision : decisions) {
            switch (decision.fate()) {
                case GOES ->
                    steps.add(PruneStep.delete(
                            repository,
                            decision.reference(),
                            decision.reason(),
                            List.of(decision.leftover().digest())));
                case STAYS, GONE -> {}
            }
        }
        kept(kept(decisions)).forEach(reason -> steps.add(PruneStep.keep(repository, "*", reason)));
        return steps;
    }

    // Many stay for one reason.
    private static Map<String, Integer> kept(List<Decision> decisions) {
        Map<String, Integer> reasons = new LinkedHashMap<>();
        decisions.stream()
                .filter(decision -> decision.fate() == Fate.STAYS)
                .forEach(decision -> reasons.merge(decision.reason(), 1, Integer::sum));
        return reasons;
    }

    /**
     * Says why some of what is left over stays, in one line for each reason, and in one for all that come after the
     * first {@value #REASONS}: there may be one for each manifest.
     *
     * @param reasons how many stay for each
     */
    static List<String> kept(Map<String, Integer> reasons) {
        List<String> lines = new ArrayList<>();
        int others = 0;
        for (Map.Entry<String, Integer> entry : reasons.entrySet()) {
            if (lines.size() < REASONS) {
                lines.add(kept(entry.getKey(), entry.getValue()));
            } else {
                others += entry.getValue();
            }
        }
        if (others > 0) {
            lines.add(kept((reasons.size() - REASONS) + " other reasons", others));
        }
        return lines;
    }

    private static String kept(String reason, int count) {
        return count + (count == 1 ? " manifest" : " manifests") + " left over stay: " + reason;
    }

    private PrunedRepository pruned(RepositoryName name) {
        return new PrunedRepository(session, session.repository(name));
    }

    private static <T> Map<RepositoryName, List<T>> byRepository(
            List<T> items, Function<T, RepositoryName> repository) {
        Map<RepositoryName, List<T>> result = new LinkedHashMap<>();
        items.forEach(item -> result.computeIfAbsent(repository.apply(item), key -> new ArrayList<>())
                .add(item));
        return result;
    }
}
