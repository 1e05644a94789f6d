package dev.entrepot.replicator;

import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.journal.CopyJournal;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Plans and runs rules, and forgets the history of runs after 90 days. One for the process: it knows which rules are running and who writes the referrers of which subject. A run belongs to the
 * calling thread, which may be interrupted to end it. Safe for all threads.
 */
public final class ReplicationRunner {
    private static final Duration RECHECK = Duration.ofDays(1);
    private static final Duration HISTORY = Duration.ofDays(90);
    private static final Duration MOUNT_PATIENCE = Duration.ofSeconds(60);

    private final RunServices services;
    private final Set<String> running = ConcurrentHashMap.newKeySet();

    /**
     * A runner that nothing runs in yet.
     *
     * @param journal stays open as long as the runner is used; the caller closes it
     */
    public ReplicationRunner(CopyJournal journal, Time time, RetryPolicy retries) {
        this(new RunServices(journal, new SubjectLocks(), time, retries, RECHECK, MOUNT_PATIENCE));
    }

    ReplicationRunner(RunServices services) {
        this.services = services;
    }

    /**
     * What a run of the rule would do now. Nothing is changed anywhere.
     *
     * @throws IOException if the repositories of the source cannot be known, or none is selected and the rule asks for tags, or the journal fails
     */
    public ReplicationPlan plan(ReplicationRule rule) throws IOException {
        WatchedSource source = new WatchedSource(rule.source());
        RuleRun run = new RuleRun(rule.from(source), services, ProgressListener.NONE);
        SourceSurvey survey = run.survey();
        refuseNothing(rule, survey);
        return run.plan(survey).withWarnings(SelectionWarnings.of(rule, survey, source.seen()));
    }

    /**
     * Runs the rule now: plans each target and does that plan. What fails is in the report.
     *
     * @param trigger why it runs, for the report, for example {@code schedule}
     * @throws RuleBusyException if it is running already
     * @throws IOException if the journal fails or the thread is interrupted
     */
    public ReplicationReport run(ReplicationRule rule, String trigger, ProgressListener progress)
            throws IOException, RuleBusyException {
        return run(rule, trigger, progress, RuleRun::survey);
    }

    /**
     * Copies one image of the rule's source to its targets, whatever the rule selects. What arrives counts as brought by the rule of that name: one that
     * prunes would delete it when its source no longer has the tag.
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
        return run(
                rule,
                "copy",
                progress,
                run -> new SourceSurvey(
                        List.of(), List.of(new SourceTag(run.discovery(repository), reference, tag)), List.of()));
    }

    /** Whether a run of this rule is in progress. */
    public boolean isRunning(String rule) {
        return running.contains(rule);
    }

    /** The journal that runs are noted in. */
    public CopyJournal journal() {
        return services.journal();
    }

    private interface Selection {
        SourceSurvey of(RuleRun run) throws IOException;
    }

    private ReplicationReport run(ReplicationRule rule, String trigger, ProgressListener progress, Selection selection)
            throws IOException, RuleBusyException {
        if (!running.add(rule.name())) {
            throw new RuleBusyException(rule.name());
        }
        try {
            services.journal().forgetRuns(HISTORY);
            Instant started = services.time().clock().instant();
            long number = services.journal().startRun(rule.name(), trigger);
            ReplicationReport report = execute(rule, trigger, progress, selection, number, started);
            services.journal().flush();
            services.journal().finishRun(number, report.outcome().toString(), ReportWriter.toJson(report));
            return report;
        } finally {
            running.remove(rule.name());
        }
    }

    private ReplicationReport execute(
            ReplicationRule rule,
            String trigger,
            ProgressListener progress,
            Selection selection,
            long number,
            Instant started)
            throws IOException {
        WatchedSource source = new WatchedSource(rule.source());
        RuleRun run = new RuleRun(rule.from(source), services, progress);
        List<RuleRun.TargetResult> results = List.of();
        List<String> warnings = List.of();
        Optional<ItemReport.Failure> failure = Optional.empty();
        try {
            SourceSurvey survey = selection.of(run);
            warnings = SelectionWarnings.of(rule, survey, source.seen());
            refuseNothing(rule, survey);
            results = run.execute(survey, number);
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
                warnings);
    }

    // Of a repository with too few tags the surveyor says so.
    private static void refuseNothing(ReplicationRule rule, SourceSurvey survey) throws CopyException {
        boolean nothing = survey.tags().isEmpty() && survey.failures().isEmpty();
        if (nothing && rule.tags().atLeast() > 0) {
            throw new CopyException(
                    Side.SOURCE,
                    rule.source().name(),
                    "rule " + rule.name() + " asks for at-least " + rule.tags().atLeast()
                            + " tags, and no repository of " + rule.source().name()
                            + " is selected; none is copied and none is deleted");
        }
    }
}
