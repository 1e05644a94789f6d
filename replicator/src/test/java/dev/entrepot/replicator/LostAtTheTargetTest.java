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
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a target took and does not have is found, whatever is noted of it. */
class LostAtTheTargetTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final MemoryRepository mirror = target.repository("mirror/app");

    /** Takes cosign tags, says so, and forgets them; or all of what it took, and says so when it is to be lasting. */
    private record Forgetful(RepositoryTarget target, boolean settles) implements RepositoryTarget {
        @Override
        public boolean containsBlob(Digest digest) throws IOException {
            return target.containsBlob(digest);
        }

        @Override
        public void pushBlob(Descriptor blob, BlobSource content) throws IOException {
            target.pushBlob(blob, content);
        }

        @Override
        public boolean mountBlob(Digest digest, RepositoryName from) throws IOException {
            return target.mountBlob(digest, from);
        }

        @Override
        public PushedManifest pushManifest(ManifestBytes manifest, ManifestReference reference) throws IOException {
            return reference instanceof Tag tag && tag.value().endsWith(".sig")
                    ? new PushedManifest(Optional.empty(), true)
                    : target.pushManifest(manifest, reference);
        }

        @Override
        public void settle() throws IOException {
            if (!settles) {
                throw new FileSystemException("images", null, "No space left on device");
            }
        }

        @Override
        public boolean deleteManifest(ManifestReference reference) throws IOException {
            return target.deleteManifest(reference);
        }
    }

    private TargetRegistry forgetful(boolean settles) {
        TargetRegistry registry = target.asTarget();
        return new TargetRegistry() {
            @Override
            public String name() {
                return registry.name();
            }

            @Override
            public RepositoryTarget target(RepositoryName name) {
                return new Forgetful(registry.target(name), settles);
            }

            @Override
            public RepositorySource reader(RepositoryName name) {
                return registry.reader(name);
            }
        };
    }

    @Test
    void cosignTagThatIsTakenAndLostFailsItsImageAndIsWrittenByTheNextRun() throws IOException {
        Descriptor image = shapes.image("one");
        shapes.tag("v1", image);
        Tag signature = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(signature.value(), shapes.image("cosign"));
        try (Engine engine = new Engine(folder)) {
            ReplicationReport report = engine.run(new Rules(source).to(forgetful(true)));
            assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.FAILED);
            assertThat(report.items().getFirst().failure().orElseThrow().cause())
                    .contains("for the tag " + signature)
                    .contains("names nothing there");
            assertThat(mirror.tags).doesNotContainKey(new Tag("v1"));

            assertThat(engine.run(new Rules(source).to(target)).outcome())
                    .isEqualTo(ReplicationReport.Outcome.COMPLETE);
            assertThat(mirror.tags).containsKeys(new Tag("v1"), signature);
        }
    }

    @Test
    void imageThatIsNotLastingAtItsTargetIsNotNotedAsComplete() throws IOException {
        shapes.tag("v1", shapes.image("one"));
        try (Engine engine = new Engine(folder)) {
            ReplicationReport report = engine.run(new Rules(source).to(forgetful(false)));
            assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.FAILED);
            assertThat(report.items().getFirst().failure().orElseThrow())
                    .extracting(ItemReport.Failure::side, ItemReport.Failure::cause)
                    .satisfies(failure -> assertThat(failure.toString()).contains("TARGET", "No space left"));
            mirror.tags.clear();

            engine.run(new Rules(source).to(target));

            assertThat(mirror.tags).containsKey(new Tag("v1"));
        }
    }

    @Test
    void whatWasNotedByAClockThatWasAheadDoesNotCount() throws IOException {
        shapes.tag("v1", shapes.image("one"));
        try (Engine engine = new Engine(folder)) {
            engine.clock.pass(Duration.ofDays(365));
            engine.run(new Rules(source).to(target));
        }
        Digest lost = mirror.blobs.keySet().iterator().next();
        mirror.blobs.remove(lost);
        try (Engine engine = new Engine(folder)) {
            ReplicationReport report = engine.run(new Rules(source).to(target));
            assertThat(report.targets().getFirst().copied()).isEqualTo(1);
            assertThat(mirror.blobs).containsKey(lost);
        }
    }
}
