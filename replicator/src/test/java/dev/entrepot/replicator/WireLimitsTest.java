package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.ByteSize;
import dev.entrepot.config.LimitsConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.config.ReplicationRuleConfig.Verify;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import dev.entrepot.replicator.layout.LayoutTargets;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A rule's limits are about what goes over the wire: here one side is a registry over sockets, and the other in memory,
 * where there is none.
 */
class WireLimitsTest {
    private static final int RATE = 10;
    private static final int LAYERS = 20;

    @TempDir
    private Path folder;

    private final TestRegistry registry = TestRegistry.started();
    private final MemoryRegistry memory = new MemoryRegistry("memory.test", MemoryRegistry.Abilities.ALL);
    private final HttpRegistries http = new HttpRegistries();
    private final Rules rules = new Rules(memory);
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
        http.close();
        registry.close();
    }

    private static LimitsConfig limits(Optional<ByteSize> bandwidth, Optional<Integer> requests) {
        return new LimitsConfig(bandwidth, requests, List.of(), ZoneOffset.UTC);
    }

    private void images(MemoryRepository repository, int count) throws IOException {
        Shapes shapes = new Shapes(repository);
        for (int i = 0; i < count; i++) {
            shapes.tag("v" + i, shapes.image("image " + i));
        }
    }

    private Duration timeOf(Rules run) throws IOException {
        Instant start = engine.clock.instant();
        ReplicationReport report = engine.run(run);
        assertThat(report.outcome()).as(ReportWriter.toText(report)).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        return Duration.between(start, engine.clock.instant());
    }

    // One second's worth may be sent at once, and each takes its time when the next is sent.
    private void assertEachOfThem(int requests, Duration took) {
        assertThat(requests).isGreaterThan(3 * RATE);
        assertThat(took.toMillis()).isBetween(1000L * (requests - RATE - 2) / RATE, 1000L * (requests - RATE) / RATE);
    }

    @Test
    void eachRequestToATargetCounts() throws IOException {
        images(memory.repository("app"), LAYERS);
        rules.to(http.target(registry.uri()));
        rules.limits = limits(Optional.empty(), Optional.of(RATE));

        Duration took = timeOf(rules);

        assertEachOfThem(registry.requests(request -> true).size(), took);
    }

    @Test
    void reportCountsAnUploadOnceAndThePlanAsTheTwoRequestsThatItIs() throws IOException {
        images(memory.repository("app"), LAYERS);
        rules.to(http.target(registry.uri()));
        TargetRequests forecast =
                engine.runner.plan(rules.rule()).targets().getFirst().forecast();
        int before = registry.requests(request -> true).size();

        ReplicationReport.TargetSummary sums = engine.run(rules).targets().getFirst();

        int uploads = registry.requests(Requests.uploads()).size();
        assertThat(uploads).isEqualTo(2 * (int) sums.tally().blobsPushed());
        assertThat(forecast.uploads()).isEqualTo(uploads);
        assertThat(registry.requests(request -> true)).hasSize(before + (int) sums.requests() + uploads / 2);
    }

    @Test
    void eachRequestToASourceCounts() throws IOException {
        images(memory.repository("app"), LAYERS);
        Rules fill = new Rules(memory).to(http.target(registry.uri()));
        fill.name = "fill";
        timeOf(fill);
        int before = registry.requests(request -> true).size();
        MemoryRegistry target = new MemoryRegistry("target.test", MemoryRegistry.Abilities.ALL);
        rules.source = http.source(registry.uri());
        rules.repositories = List.of(NamePattern.parse("mirror/app"));
        rules.to(target);
        rules.limits = limits(Optional.empty(), Optional.of(RATE));

        Duration took = timeOf(rules);

        assertEachOfThem(registry.requests(request -> true).size() - before, took);
    }

    @Test
    void whatIsInMemoryCountsForNothing() throws IOException {
        images(memory.repository("app"), LAYERS);
        rules.to(new MemoryRegistry("target.test", MemoryRegistry.Abilities.ALL));
        rules.limits = limits(Optional.empty(), Optional.of(1));

        assertThat(timeOf(rules)).isZero();
    }

    @Test
    void whatIsSentIsBoundedUnlessItIsWrittenToADiskOfThisMachine() throws IOException {
        Shapes shapes = new Shapes(memory.repository("app"));
        shapes.tag("v1", shapes.image("x".repeat(100_000)));
        rules.limits = limits(Optional.of(new ByteSize(1000)), Optional.empty());
        Rules byNetwork = new Rules(memory).to(new MemoryRegistry("target.test", MemoryRegistry.Abilities.ALL));
        byNetwork.name = "by network";
        byNetwork.limits = rules.limits;
        rules.to(new LayoutTargets().target("layout", folder.resolve("layout")));

        assertThat(timeOf(rules)).isZero();
        assertThat(timeOf(byNetwork)).isGreaterThan(Duration.ofSeconds(50));
    }

    @Test
    void secondRunOfARuleHasNoSecondShare() throws IOException {
        RuleLimits all = new RuleLimits(engine.clock.time());
        rules.to(http.target(registry.uri()));
        rules.limits = limits(Optional.of(new ByteSize(1000)), Optional.of(RATE));
        ReplicationRule rule = rules.rule();
        assertThat(all.sent(rule))
                .isSameAs(all.sent(rule))
                .isNotSameAs(all.source(rule).bytes());
        assertThat(all.source(rule)).isEqualTo(all.source(rule));
        assertThat(all.target(rule, "one").requests())
                .isNotSameAs(all.target(rule, "other").requests());
        assertThat(all.target(rule, "one").bytes()).isSameAs(all.source(rule).bytes());
        rules.name = "other";
        assertThat(all.sent(rules.rule())).isNotSameAs(all.sent(rule));
    }

    @Test
    void bytesThatAreReadBackFromATargetCount() throws IOException {
        int bytes = 100_000;
        Shapes shapes = new Shapes(memory.repository("app"));
        shapes.tag("v1", shapes.image("x".repeat(bytes)));
        rules.to(http.target(registry.uri()));
        timeOf(rules);
        rules.verify = Verify.DEEP;
        rules.limits = limits(Optional.of(new ByteSize(1000)), Optional.empty());

        assertThat(timeOf(rules)).isGreaterThan(Duration.ofSeconds(bytes / 1000 / 2));
    }
}
