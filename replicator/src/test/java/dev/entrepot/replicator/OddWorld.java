package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A source and a target that are both of WireMock, and whole runs between them as in production: through a cache, by
 * the registry's client, over sockets, repeating what failed. Time passes only when somebody waits.
 */
final class OddWorld implements AutoCloseable {
    static final String MIRROR = "mirror/app";

    final OddRegistry source;
    final OddRegistry target;
    final MemoryRepository app;
    final MemoryRepository mirror;
    final Shapes shapes;
    final Engine engine;
    final Rules rules;
    private final HttpRegistries http;

    /** Between these, which begin anew; others close them. */
    OddWorld(Path folder, OddRegistry source, Abilities ofSource, OddRegistry target, Abilities ofTarget)
            throws IOException {
        this.source = source;
        this.target = target;
        source.begin(ofSource);
        target.begin(ofTarget);
        app = source.content().repository("app");
        mirror = target.content().repository(MIRROR);
        shapes = new Shapes(app);
        engine = new Engine(folder.resolve("journal"), RetryPolicy.DEFAULT);
        http = new HttpRegistries(engine.clock);
        rules = new Rules(http.cached(source.uri(), folder.resolve("cache"))).to(http.target(target.uri()));
    }

    /** An image with an SBOM that is signed, under a tag. */
    Descriptor tagged(String tag) {
        Descriptor image = shapes.image(tag);
        shapes.referrer(shapes.referrer(image, "x/sbom", "sbom of " + tag), "x/signature", "signature of " + tag);
        shapes.tag(tag, image);
        return image;
    }

    /** The target knows the repository: else it is asked for nothing in it. */
    void targetHasAnother(String tag) {
        Shapes there = new Shapes(mirror);
        there.tag(tag, there.image(tag));
    }

    ReplicationReport run() throws IOException {
        return engine.run(rules);
    }

    /** A run that copies everything. */
    ReplicationReport completes() throws IOException {
        ReplicationReport report = run();
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        return report;
    }

    /** The one failure of a run that does not write the tag. */
    ItemReport.Failure failsToCopy(String tag) throws IOException {
        ReplicationReport report = run();
        List<ItemReport> failed = report.items().stream()
                .filter(item -> item.failure().isPresent())
                .toList();
        assertThat(failed)
                .as(ReportWriter.toText(report))
                .singleElement()
                .satisfies(item -> assertThat(item.tag()).isEqualTo(tag));
        assertThat(mirror.tags).doesNotContainKey(new Tag(tag));
        return failed.getFirst().failure().orElseThrow();
    }

    /**
     * Both are as others from now on, and all is complete after the next run, though no tag may be asked for again
     * before.
     */
    void completesOnceNobodyIsOdd(String... tags) throws IOException {
        source.beAsOthers();
        target.beAsOthers();
        engine.clock.pass(Duration.ofHours(1));
        completes();
        for (String tag : tags) {
            isComplete(tag);
        }
    }

    /** The tag and everything under it and attached to any of it is at the target. */
    void isComplete(String tag) {
        Completeness.assertComplete(app, tag, target.content(), MIRROR);
    }

    /** What was waited for, by the client and by the engine, longest first. */
    List<Duration> waits() {
        return engine.clock.slept().stream().sorted((a, b) -> b.compareTo(a)).toList();
    }

    @Override
    public void close() throws IOException {
        http.close();
        engine.close();
    }
}
