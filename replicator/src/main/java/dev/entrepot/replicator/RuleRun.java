package dev.entrepot.replicator;

import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.replicator.graph.Concurrently;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** One run of one rule: the source is surveyed once, then each target is planned and copied on its own. For one use. */
final class RuleRun {
    // Questions in hand at once; the gate of the target lets fewer through.
    private static final int ASKED_AT_ONCE = 128;

    private final ReplicationRule rule;
    private final RunServices services;
    private final ProgressListener progress;
    private final HostGate sourceGate;
    private final SourceSurveyor surveyor;
    private final List<TargetSession> sessions = new ArrayList<>();

    RuleRun(ReplicationRule rule, RunServices services, ProgressListener progress) {
        this.rule = rule;
        this.services = services;
        this.progress = progress;
        this.sourceGate = SourceSurveyor.gate(
                rule, services.hosts(), services.limits().source(rule), services.retries(), services.time());
        this.surveyor = new SourceSurveyor(rule, sourceGate, services.time());
        for (ReplicationRule.Placement placement : rule.targets()) {
            sessions.add(new TargetSession(rule, placement, sourceGate, services, progress));
        }
    }

    /** What came of one target. */
    record TargetResult(ReplicationReport.TargetSummary summary, List<ItemReport> items) {}

    SourceSurvey survey() throws IOException {
        return surveyor.survey();
    }

    RepositoryDiscovery discovery(RepositoryName repository) {
        return surveyor.discovery(repository);
    }

    /** Plans all targets and changes nothing. */
    ReplicationPlan plan(SourceSurvey survey) throws IOException {
        List<ReplicationPlan.TargetPlan> targets = Concurrently.map(sessions, session -> {
            List<ImageWork> works = works(session, survey);
            long asked = session.gate().requestCount();
            List<PruneStep> pruning =
                    new PrunePlanner(session, survey).plan(works, false).steps();
            List<ImagePlan> images = works.stream().map(ImageWork::plan).toList();
            return new ReplicationPlan.TargetPlan(
                    session.name(), images, pruning, TargetRequests.of(asked, images, rule));
        });
        return new ReplicationPlan(
                rule.name(),
                rule.source().name(),
                services.time().clock().instant(),
                survey.choices(),
                targets,
                surveyor.tally().sent(),
                forecast(targets),
                List.of());
    }

    // What changes is asked again, as it was for the plan. Content is read again only of a source that does not keep
    // it.
    private SourceRequests forecast(List<ReplicationPlan.TargetPlan> targets) {
        SourceRequests sent = surveyor.tally().sent();
        List<Digest> pushed = targets.stream()
                .flatMap(target -> target.images().stream())
                .flatMap(image -> image.nodes().stream())
                .filter(node -> node.step() == ImagePlan.Step.PUSH && !node.manifest())
                .map(node -> node.descriptor().digest())
                .toList();
        if (!rule.source().keepsWhatIsRead()) {
            return sent.reading(sent.manifests(), sent.blobs() + pushed.size());
        }
        long blobs = pushed.stream()
                .distinct()
                .filter(digest -> !rule.source().keeps(digest, false))
                .count();
        return sent.reading(surveyor.tally().manifestsNotKept(), blobs);
    }

    /**
     * Plans and copies at each target.
     *
     * @param ended is told of each target when nothing more is done there
     */
    List<TargetResult> execute(SourceSurvey survey, Consumer<String> ended) throws IOException {
        return Concurrently.map(sessions, session -> {
            try {
                return execute(session, survey);
            } finally {
                ended.accept(session.name());
            }
        });
    }

    /** Brings blobs to each target that no manifest there names yet. */
    List<ReplicationRunner.Brought> bring(List<ReplicationRunner.Wanted> blobs, boolean looks) throws IOException {
        return Concurrently.map(sessions, session -> new EarlyBlobs(session, progress, looks).bring(blobs));
    }

    /** Which of these the only target has now; where the rule verifies deep, all of each is read. */
    Set<ReplicationRunner.Wanted> present(Collection<ReplicationRunner.Wanted> nodes) throws IOException {
        TargetSession session = sessions.getFirst();
        Set<ReplicationRunner.Wanted> found = ConcurrentHashMap.newKeySet();
        Concurrently.map(nodes, ASKED_AT_ONCE, wanted -> {
            TargetRepository repository = session.repository(session.nameFor(wanted.repository()));
            boolean there = CopyException.at(
                    Side.TARGET,
                    wanted.node().digest(),
                    "asking " + session.name() + " for " + wanted.node().digest(),
                    () -> isThere(repository, wanted));
            return there && found.add(wanted);
        });
        return found;
    }

    private boolean isThere(TargetRepository repository, ReplicationRunner.Wanted wanted) throws IOException {
        boolean deep = rule.verify() == Verify.DEEP;
        return wanted.manifest()
                ? repository.hasManifestNow(wanted.node()) && (!deep || repository.isWholeManifest(wanted.node()))
                : repository.hasBlobNow(wanted.node()) && (!deep || repository.isWhole(wanted.node()));
    }

    /** Which of these tags at the only target name now what they are to name. */
    Set<ReplicationRunner.Tagged> tagged(Collection<ReplicationRunner.Tagged> tags) throws IOException {
        TargetSession session = sessions.getFirst();
        Set<ReplicationRunner.Tagged> found = ConcurrentHashMap.newKeySet();
        Concurrently.map(tags, ASKED_AT_ONCE, wanted -> {
            TargetRepository repository = session.repository(session.nameFor(wanted.repository()));
            boolean right = CopyException.at(
                    Side.TARGET,
                    wanted.manifest(),
                    "asking " + session.name() + " what " + wanted.repository() + ":" + wanted.tag() + " names",
                    () -> repository
                            .reader()
                            .resolve(wanted.tag())
                            .filter(there -> there.digest().equals(wanted.manifest()))
                            .isPresent());
            return right && found.add(wanted);
        });
        return found;
    }

    /** Of which of these the only target lists all referrers now. */
    Set<ReplicationRunner.Listed> listed(Collection<ReplicationRunner.Listed> lists) throws IOException {
        TargetSession session = sessions.getFirst();
        Set<ReplicationRunner.Listed> found = ConcurrentHashMap.newKeySet();
        Concurrently.map(lists, ASKED_AT_ONCE, wanted -> {
            TargetRepository repository = session.repository(session.nameFor(wanted.repository()));
            boolean all = CopyException.at(
                    Side.TARGET,
                    wanted.subject(),
                    "asking " + session.name() + " what refers to " + wanted.subject(),
                    () -> ReferrerKeeper.missing(repository, wanted.subject(), wanted.referrers())
                            .isEmpty());
            return all && found.add(wanted);
        });
        return found;
    }

    long sourceRequests() {
        return sourceGate.requestCount();
    }

    private TargetResult execute(TargetSession session, SourceSurvey survey) throws IOException {
        List<ItemReport> items;
        try {
            CopyException.at(Side.TARGET, session.name(), "beginning to write to " + session.name(), () -> {
                session.registry().begin();
                return session;
            });
        } catch (CopyException e) {
            items = refused(session, survey, e);
            return new TargetResult(
                    ReplicationReport.TargetSummary.of(
                            session.name(), items, session.gate().requestCount()),
                    items);
        }
        try {
            items = write(session, survey);
        } catch (IOException | RuntimeException e) {
            try {
                session.registry().end(false);
            } catch (IOException also) {
                e.addSuppressed(also);
            }
            throw e;
        }
        try {
            boolean complete = items.stream().noneMatch(item -> item.state() == ItemReport.State.FAILED);
            session.registry().end(complete);
            if (complete) {
                session.notes().targetIsPacked();
            }
        } catch (IOException e) {
            items.add(failed(
                    session,
                    items.isEmpty()
                            ? someRepository(survey, e)
                            : items.getFirst().source(),
                    "*",
                    new ItemReport.Failure(Side.TARGET, session.name(), e.toString())));
        }
        return new TargetResult(
                ReplicationReport.TargetSummary.of(
                        session.name(), items, session.gate().requestCount()),
                items);
    }

    // Of all tags alike, so that a report says it once.
    private static List<ItemReport> refused(TargetSession session, SourceSurvey survey, CopyException e)
            throws CopyException {
        ItemReport.Failure cause = e.failure();
        ItemReport.Failure failure = new ItemReport.Failure(cause.side(), cause.node(), cause.cause(), cause.cause());
        List<ItemReport> items = new ArrayList<>();
        survey.tags()
                .forEach(tag ->
                        items.add(failed(session, tag.repository(), tag.tag().value(), failure)));
        survey.failures().forEach(failed -> items.add(failed(session, failed.repository(), "*", failed.failure())));
        if (items.isEmpty()) {
            items.add(failed(session, someRepository(survey, e), "*", failure));
        }
        return items;
    }

    // Where there is none, the run as a whole has failed.
    private static <E extends IOException> RepositoryName someRepository(SourceSurvey survey, E cause) throws E {
        return survey.asked().stream()
                .findFirst()
                .orElseThrow(() -> cause)
                .source()
                .repository()
                .name();
    }

    private static RepositoryName targetName(TargetSession session, RepositoryName source) {
        try {
            return session.nameFor(source);
        } catch (InvalidNameException e) {
            return source; // none can be made
        }
    }

    private static ItemReport failed(
            TargetSession session, RepositoryName repository, String tag, ItemReport.Failure failure) {
        return new ItemReport(
                session.name(),
                repository,
                targetName(session, repository),
                tag,
                Optional.empty(),
                ItemReport.State.FAILED,
                "",
                Optional.of(failure),
                Tally.NONE);
    }

    private List<ItemReport> write(TargetSession session, SourceSurvey survey) throws IOException {
        List<ItemReport> items = new ArrayList<>();
        PrunePlan pruning;
        // From the comparison to the journal: what is found present must not be pruned before a tag holds on to it.
        RepositoryClaims.Claim claim = services.claims().copying(session.place(), repositories(session, survey));
        try {
            List<ImageWork> works = works(session, survey);
            pruning = new PrunePlanner(session, survey).plan(works, true);
            progress.planned(
                    session.name(),
                    works.size(),
                    works.stream().mapToLong(work -> work.plan().blobBytes()).sum());
            items.addAll(new GraphCopier(session, progress).copy(works));
        } finally {
            claim.close();
        }
        items.addAll(new Pruner(session, survey).prune(pruning));
        return items;
    }

    // A repository whose name is not valid at the target is reported when it is planned.
    private static List<RepositoryName> repositories(TargetSession session, SourceSurvey survey) {
        if (session.registry().isAtHand()) {
            return List.of(RepositoryClaims.ALL);
        }
        List<RepositoryName> names = new ArrayList<>();
        for (RepositoryName source :
                survey.tags().stream().map(SourceTag::repository).distinct().toList()) {
            try {
                names.add(session.nameFor(source));
            } catch (InvalidNameException e) {
                continue;
            }
        }
        return names;
    }

    private static List<ImageWork> works(TargetSession session, SourceSurvey survey) throws IOException {
        List<ImageWork> works = new ArrayList<>(new TargetPlanner(session).plan(survey.tags()));
        for (SourceSurvey.Unlisted failed : survey.failures()) {
            works.add(new ImageWork(
                    ImagePlan.failed(
                            failed.repository(), targetName(session, failed.repository()), "*", failed.failure()),
                    Optional.empty(),
                    Optional.empty()));
        }
        return works;
    }
}
