package dev.entrepot.replicator;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.graph.RepositoryDiscovery;
import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Plans and runs rules, and forgets the history of runs after 90 days. One for the process: it knows which rules are
 * running where, who writes the referrers of which subject, who prunes what, and what may be asked of which host when.
 * A run belongs to the calling thread, which may be interrupted to end it. Safe for all threads.
 */
public final class ReplicationRunner {
    private static final Duration RECHECK = Duration.ofDays(1);
    private static final Duration MOUNT_PATIENCE = Duration.ofSeconds(60);

    private final RunServices services;
    private final RunningTargets running = new RunningTargets();

    /**
     * A runner that nothing runs in yet.
     *
     * @param journal stays open as long as the runner is used; the caller closes it
     */
    public ReplicationRunner(CopyJournal journal, Time time, RetryPolicy retries) {
        this(services(journal, time, retries, RECHECK));
    }

    /**
     * A runner that compares every tag in full, whatever the journal says of it.
     *
     * @param journal stays open as long as the runner is used; the caller closes it
     */
    public static ReplicationRunner comparing(CopyJournal journal, Time time, RetryPolicy retries) {
        return new ReplicationRunner(services(journal, time, retries, Duration.ZERO));
    }

    private static RunServices services(CopyJournal journal, Time time, RetryPolicy retries, Duration recheck) {
        return new RunServices(
                journal,
                new SubjectLocks(),
                new RepositoryClaims(RepositoryClaims.PATIENCE),
                new KnownHosts(retries, time),
                new RuleLimits(time),
                time,
                retries,
                recheck,
                MOUNT_PATIENCE);
    }

    ReplicationRunner(RunServices services) {
        this.services = services;
    }

    /**
     * What a run of the rule would do now. Nothing is changed anywhere.
     *
     * @throws IOException if the repositories of the source cannot be known, or none is selected and the rule asks for
     *     tags, or the journal fails
     */
    public ReplicationPlan plan(ReplicationRule rule) throws IOException {
        WatchedSource source = new WatchedSource(rule.source());
        RuleRun run = new RuleRun(rule.from(source), services, ProgressListener.NONE);
        SourceSurvey survey = run.survey();
        ImageDiscovery.refuseNothing(rule, survey);
        ReplicationPlan plan = run.plan(survey);
        List<String> warnings = new ArrayList<>(SelectionWarnings.of(rule, survey, source.seen()));
        warnings.addAll(DanglingWarnings.of(survey));
        warnings.addAll(ImmutableWarnings.of(survey));
        return plan.withWarnings(warnings);
    }

    /**
     * Runs the rule now: plans each target and does that plan. What fails is in the report. Where a run of the rule is
     * in progress, this is another round of it, at the targets that it is done with; the report says of which run, and
     * which targets were left out.
     *
     * @param trigger why it runs, for the report, for example {@code schedule}
     * @throws RuleBusyException if a run is in progress at all its targets
     * @throws IOException if the journal fails or the thread is interrupted
     */
    public ReplicationReport run(ReplicationRule rule, String trigger, ProgressListener progress)
            throws IOException, RuleBusyException {
        return run(rule, trigger, progress, RuleRun::survey, Noted::of);
    }

    /**
     * Copies one image of the rule's source to its targets, whatever the rule selects. What arrives counts as brought
     * by the rule of that name: one that prunes would delete it when its source no longer has the tag.
     *
     * @param reference a tag or digest
     * @param tag the tag at the targets
     * @throws RuleBusyException if a rule of that name is running already
     * @throws IOException if the journal fails or the thread is interrupted
     */
    public ReplicationReport copy(
            ReplicationRule rule,
            RepositoryName repository,
            ManifestReference reference,
            Tag tag,
            ProgressListener progress)
            throws IOException, RuleBusyException {
        return copy(rule, "copy", List.of(new Selected(repository, reference, tag)), progress);
    }

    /**
     * An image that is selected by name.
     *
     * @param repository the repository at the source
     * @param reference what is copied, a tag or digest
     * @param tag the tag at the targets
     */
    public record Selected(RepositoryName repository, ManifestReference reference, Tag tag) {}

    /**
     * What the journal notes of a run.
     *
     * @param outcome how it ended
     * @param reportJson its report, one JSON object
     */
    public record Noted(String outcome, String reportJson) {
        private static Noted of(ReplicationReport kept) {
            return new Noted(kept.outcome().toString(), ReportWriter.toJson(kept));
        }
    }

    /** Says what the journal notes of a run that is a part of something that may not be complete with it. */
    public interface Noting {
        /** What is noted; the report is cut to what the journal keeps, its sums and its outcome are those of all. */
        Noted of(ReplicationReport kept);
    }

    /**
     * Copies these images of the rule's source to its targets, whatever the rule selects.
     *
     * @param trigger why, for the report
     * @throws RuleBusyException if a rule of that name is running already
     * @throws IOException if the journal fails or the thread is interrupted
     */
    public ReplicationReport copy(
            ReplicationRule rule, String trigger, List<Selected> images, ProgressListener progress)
            throws IOException, RuleBusyException {
        return copy(rule, trigger, images, progress, Noted::of);
    }

    /**
     * As above.
     *
     * @param noting what the journal has of it at its end
     */
    public ReplicationReport copy(
            ReplicationRule rule, String trigger, List<Selected> images, ProgressListener progress, Noting noting)
            throws IOException, RuleBusyException {
        return run(rule, trigger, progress, new Named(images), noting);
    }

    /**
     * Something that is wanted in a repository.
     *
     * @param repository the repository at the source; it goes to the one that the rule names for it
     * @param node a manifest or blob
     * @param manifest whether it is wanted as a manifest
     */
    public record Wanted(RepositoryName repository, Descriptor node, boolean manifest) {}

    /**
     * What came of bringing blobs to a target.
     *
     * @param target name of the target
     * @param done what was sent, and what was there
     * @param sent what was sent, and is there
     * @param failures what could not be brought, and why
     */
    public record Brought(String target, Tally done, Set<Wanted> sent, Map<Wanted, ItemReport.Failure> failures) {
        /** Copies the collections. */
        public Brought {
            sent = Set.copyOf(sent);
            failures = Map.copyOf(failures);
        }
    }

    /**
     * Brings blobs to the targets of a rule, before there is a manifest that names them. Of a blob whose beginning an
     * earlier process sent the target is asked for all when it is there.
     *
     * @param looks whether what a target has is read, and sent again if it is not what its digest says
     * @return what came of it, by target
     * @throws IOException if the journal fails or the thread is interrupted
     */
    public List<Brought> bring(ReplicationRule rule, List<Wanted> blobs, boolean looks, ProgressListener progress)
            throws IOException {
        return new RuleRun(rule, services, progress).bring(blobs, looks);
    }

    /**
     * A tag at a target and what it is to name.
     *
     * @param repository the repository, by the source's name
     * @param tag the tag, as the target has it
     * @param manifest what it is to name
     */
    public record Tagged(RepositoryName repository, Tag tag, Digest manifest) {}

    /**
     * Asks the only target of a rule which of these tags name now what they are to name.
     *
     * @throws IOException if it gave no answer
     */
    public Set<Tagged> tagged(ReplicationRule rule, Collection<Tagged> tags) throws IOException {
        return new RuleRun(rule, services, ProgressListener.NONE).tagged(tags);
    }

    /**
     * A manifest at a target, and what is to refer to it there.
     *
     * @param repository the repository, by the source's name
     * @param subject the manifest
     * @param referrers the digests of what refers to it
     */
    public record Listed(RepositoryName repository, Digest subject, Set<Digest> referrers) {
        /** Copies the set. */
        public Listed {
            referrers = Set.copyOf(referrers);
        }
    }

    /**
     * Asks the only target of a rule of which of these it lists all referrers now, by its API or by the fallback tag.
     *
     * @throws IOException if it gave no answer
     */
    public Set<Listed> listed(ReplicationRule rule, Collection<Listed> lists) throws IOException {
        return new RuleRun(rule, services, ProgressListener.NONE).listed(lists);
    }

    /**
     * Asks the only target of a rule, by HEAD, which of these it has now, of the right size. Where the rule verifies
     * deep, what it has is read to its end, and is not there unless it is what its digest says.
     *
     * @throws IOException if it gave no answer
     */
    public Set<Wanted> present(ReplicationRule rule, Collection<Wanted> nodes) throws IOException {
        return new RuleRun(rule, services, ProgressListener.NONE).present(nodes);
    }

    /** Whether a run of this rule is in progress. */
    public boolean isRunning(String rule) {
        return running.isRunning(rule);
    }

    /** The journal that runs are noted in. */
    public CopyJournal journal() {
        return services.journal();
    }

    private interface Selection {
        SourceSurvey of(RuleRun run) throws IOException;

        /** What of it found nothing. */
        default List<String> warnings(
                ReplicationRule rule, SourceSurvey survey, Optional<List<RepositoryName>> catalog) {
            return SelectionWarnings.of(rule, survey, catalog);
        }
    }

    // What is named is looked for by nobody's pattern, so none can have found nothing.
    private record Named(List<Selected> images) implements Selection {
        @Override
        public SourceSurvey of(RuleRun run) {
            Map<RepositoryName, RepositoryDiscovery> discoveries = new HashMap<>();
            List<SourceTag> tags = new ArrayList<>();
            for (Selected image : images) {
                RepositoryDiscovery discovery = discoveries.computeIfAbsent(image.repository(), run::discovery);
                tags.add(new SourceTag(discovery, image.reference(), image.tag()));
            }
            return SourceSurvey.of(tags);
        }

        @Override
        public List<String> warnings(
                ReplicationRule rule, SourceSurvey survey, Optional<List<RepositoryName>> catalog) {
            return List.of();
        }
    }

    private ReplicationReport run(
            ReplicationRule rule, String trigger, ProgressListener progress, Selection selection, Noting noting)
            throws IOException, RuleBusyException {
        RunningTargets.Claim claim = running.claim(rule);
        try {
            services.journal().forgetRuns(CopyJournal.HISTORY);
            Instant started = services.time().clock().instant();
            OptionalLong roundOf = claim.roundOf();
            List<String> leftOut = leftOut(rule, claim);
            progress.leavesOut(leftOut);
            long number = services.journal().runs().start(rule.name(), trigger, roundOf, leftOut.size());
            claim.begun(number);
            progress.begun(number);
            try {
                ReplicationReport report = execute(rule, claim, roundOf, trigger, progress, selection, number, started);
                Noted noted = noting.of(KeptReport.of(report));
                services.journal().runs().finish(number, noted.outcome(), noted.reportJson());
                return report;
            } catch (IOException | RuntimeException e) {
                breakOff(number, e);
                throw e;
            }
        } finally {
            claim.close();
        }
    }

    private static List<String> leftOut(ReplicationRule rule, RunningTargets.Claim claim) {
        return rule.targets().stream()
                .map(target -> target.registry().name())
                .filter(target -> !claim.has(target))
                .toList();
    }

    // The journal takes nothing from a thread that is interrupted, which is how most runs are broken off.
    private void breakOff(long run, Exception cause) {
        boolean interrupted = Thread.interrupted();
        try {
            services.journal().runs().breakOff(run);
        } catch (IOException e) {
            cause.addSuppressed(e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private ReplicationReport execute(
            ReplicationRule rule,
            RunningTargets.Claim claim,
            OptionalLong roundOf,
            String trigger,
            ProgressListener progress,
            Selection selection,
            long number,
            Instant started)
            throws IOException {
        WatchedSource source = new WatchedSource(rule.source());
        RuleRun run = new RuleRun(rule.from(source).only(claim::has), services, progress);
        List<RuleRun.TargetResult> results = List.of();
        List<String> warnings = new ArrayList<>();
        Optional<ItemReport.Failure> failure = Optional.empty();
        try {
            SourceSurvey survey = selection.of(run);
            warnings.addAll(selection.warnings(rule, survey, source.seen()));
            ImageDiscovery.refuseNothing(rule, survey);
            results = run.execute(survey, claim::ended);
            warnings.addAll(DanglingWarnings.of(survey));
            warnings.addAll(ImmutableWarnings.of(survey));
        } catch (CopyException e) {
            failure = Optional.of(e.failure());
        }
        return new ReplicationReport(
                number,
                rule.name(),
                trigger,
                started,
                services.time().clock().instant(),
                results.stream().flatMap(result -> result.items().stream()).toList(),
                results.stream().map(RuleRun.TargetResult::summary).toList(),
                run.sourceRequests(),
                failure,
                warnings,
                leftOut(rule, claim),
                roundOf);
    }
}
