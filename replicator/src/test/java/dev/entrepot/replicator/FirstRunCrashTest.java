package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.TestRegistry;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The first run of all, killed while its target still says that it does not know the repositories: it does so until
 * they have a tag.
 */
class FirstRunCrashTest {
    private static final Predicate<Request> PUTS_MANIFEST =
            request -> request.method().equals("PUT") && request.path().contains("/manifests/");
    private static final Predicate<Request> LISTS_TAGS =
            request -> request.path().endsWith("/tags/list");
    private static final Predicate<Request> PUTS_BLOB =
            request -> request.method().equals("PUT") && request.path().contains("/blobs/uploads/");

    @TempDir
    private Path folder;

    @Test
    void whatAKilledFirstRunHasSentIsNotSentAgain() throws Exception {
        CrashFleet fleet = new CrashFleet();
        try (TestRegistry source = TestRegistry.started();
                TestRegistry target = TestRegistry.started()) {
            fleet.loadInto(source);
            target.faults().always(LISTS_TAGS, Fault.error(404, "NAME_UNKNOWN"));
            killAtFirstManifest(source, target);
            target.calls().awaitIdle();
            int there = blobsAt(target);
            target.calls().clear();
            target.faults().clear();
            target.faults().always(LISTS_TAGS, Fault.error(404, "NAME_UNKNOWN"));

            ReplicationReport report = CrashFleet.run(folder, source.uri(), List.of(target.uri()));

            assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(ReplicationReport.Outcome.COMPLETE);
            assertThat(there).isPositive();
            int sent = target.requests(PUTS_BLOB).size();
            long mounted = report.items().stream()
                    .mapToLong(item -> item.tally().blobsMounted())
                    .sum();
            assertThat(there + sent + mounted).isEqualTo(blobsAt(target));
            assertThat(fleet.lackingUnderTags(target)).isEmpty();
            assertThat(fleet.tagsAt(target)).isEqualTo(fleet.size());
        }
    }

    private static int blobsAt(TestRegistry target) {
        return target.blobs("mirror/app").size()
                + target.blobs("mirror/team/base").size();
    }

    private void killAtFirstManifest(TestRegistry source, TestRegistry target) throws Exception {
        CompletableFuture<CrashProcess> victim = new CompletableFuture<>();
        new KillPoint(target, "target", PUTS_MANIFEST, 1, 0, false).arm(victim);
        try (CrashProcess process = CrashProcess.start(
                RandomCrashTest.Program.class,
                folder.toString(),
                source.uri().toString(),
                target.uri().toString())) {
            victim.complete(process);
            assertThat(process.awaitExit()).as("%s", process.output()).isEqualTo(137);
        }
    }
}
