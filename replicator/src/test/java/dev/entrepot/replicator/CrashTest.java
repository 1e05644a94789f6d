package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.BlobSource;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.PushedManifest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.RepositoryTarget;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.graph.ArtifactGraph;
import dev.entrepot.replicator.graph.GraphNode;
import dev.entrepot.replicator.journal.RunRecord;
import dev.entrepot.replicator.layout.LayoutTargets;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CrashTest {
    @TempDir
    private Path folder;

    /** Copies three images into a layout, and stops for ever before one of its writes. */
    static final class Program {
        private Program() {}

        public static void main(String[] arguments) throws IOException {
            Path folder = Path.of(arguments[0]);
            int stopBefore = Integer.parseInt(arguments[1]);
            AtomicInteger writes = new AtomicInteger();
            TargetRegistry layout = new LayoutTargets().target("layout", folder.resolve("layout"));
            TargetRegistry stopping = new TargetRegistry() {
                @Override
                public String name() {
                    return layout.name();
                }

                @Override
                public RepositoryTarget target(RepositoryName name) {
                    return new Stopping(layout.target(name), () -> {
                        if (writes.incrementAndGet() >= stopBefore) {
                            IO.println("stopped");
                            new Semaphore(0).acquireUninterruptibly();
                        }
                    });
                }

                @Override
                public String place() {
                    return layout.place();
                }

                @Override
                public RepositorySource reader(RepositoryName name) {
                    return layout.reader(name);
                }
            };
            try (Engine engine = new Engine(folder.resolve("journal"))) {
                engine.run(new Rules(source()).to(stopping));
            }
            IO.println("ended after " + writes.get() + " writes");
        }
    }

    private record Stopping(RepositoryTarget target, Runnable before) implements RepositoryTarget {
        @Override
        public boolean containsBlob(Digest digest) throws IOException {
            return target.containsBlob(digest);
        }

        @Override
        public void pushBlob(Descriptor blob, BlobSource content) throws IOException {
            before.run();
            target.pushBlob(blob, content);
        }

        @Override
        public boolean mountBlob(Digest digest, RepositoryName from) throws IOException {
            before.run();
            return target.mountBlob(digest, from);
        }

        @Override
        public PushedManifest pushManifest(ManifestBytes manifest, ManifestReference reference) throws IOException {
            before.run();
            return target.pushManifest(manifest, reference);
        }

        @Override
        public void settle() throws IOException {
            before.run();
            target.settle();
        }

        @Override
        public boolean deleteManifest(ManifestReference reference) throws IOException {
            before.run();
            return target.deleteManifest(reference);
        }
    }

    private static MemoryRegistry source() {
        MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
        Shapes shapes = new Shapes(source.repository("app"));
        for (int i = 0; i < 3; i++) {
            Descriptor root = shapes.index(List.of(shapes.image("amd64 " + i), shapes.image("arm64 " + i)));
            shapes.tag("v" + i, root);
            shapes.referrer(shapes.referrer(root, "x/sbom", "sbom " + i), "x/sig", "sig " + i);
        }
        return source;
    }

    @ParameterizedTest(name = "killed before write {0}")
    @ValueSource(ints = {1, 12, 24, 36})
    void killedRunShowsNoIncompleteTagAndTheNextCompletes(int write) throws Exception {
        try (CrashProcess process = CrashProcess.start(Program.class, folder.toString(), Integer.toString(write))) {
            process.awaitLine(line -> line.equals("stopped"));
            process.kill();
        }
        assertTagsComplete(0);

        try (Engine engine = new Engine(folder.resolve("journal"))) {
            assertThat(engine.journal.runs().last(1).getFirst().outcome()).isEqualTo("interrupted");
            ReplicationReport report =
                    engine.run(new Rules(source()).to(new LayoutTargets().target("layout", folder.resolve("layout"))));
            assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
            assertThat(engine.journal.runs().last(9))
                    .extracting(RunRecord::outcome)
                    .containsExactly("complete", "interrupted");
        }
        assertTagsComplete(3);
    }

    @Test
    void whatAKilledRunCompletedIsNotDoneAgain() throws Exception {
        try (CrashProcess process = CrashProcess.start(Program.class, folder.toString(), "9999")) {
            process.awaitLine(line -> line.startsWith("ended"));
            process.kill();
        }
        try (Engine engine = new Engine(folder.resolve("journal"))) {
            MemoryRegistry source = source();
            ReplicationReport report =
                    engine.run(new Rules(source).to(new LayoutTargets().target("layout", folder.resolve("layout"))));
            assertThat(report.targets().getFirst().upToDate()).isEqualTo(3);
            assertThat(source.requests("GET manifest")).isEmpty();
        }
    }

    private void assertTagsComplete(int atLeast) throws IOException {
        MemoryRepository app = source().repository("app");
        RepositorySource there = new LayoutTargets()
                .source("layout", folder.resolve("layout"))
                .repository(new RepositoryName("mirror/app"));
        int complete = 0;
        for (int i = 0; i < 3; i++) {
            if (there.resolve(new Tag("v" + i)).isEmpty()) {
                continue;
            }
            complete++;
            ArtifactGraph graph = Completeness.graph(app, "v" + i);
            for (Descriptor blob : graph.blobs()) {
                assertThat(there.statBlob(blob.digest())).isPresent();
            }
            for (GraphNode node : graph.nodes()) {
                assertThat(there.resolve(node.digest())).isPresent();
                assertThat(there.referrers(node.digest()).descriptors())
                        .extracting(Descriptor::digest)
                        .containsAll(node.referrers());
            }
        }
        assertThat(complete).isGreaterThanOrEqualTo(atLeast);
    }
}
