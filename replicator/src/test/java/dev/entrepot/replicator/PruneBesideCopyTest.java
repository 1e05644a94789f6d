package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that prunes, and another that has found there what it is about to put a tag on. */
class PruneBesideCopyTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.NO_API);
    private final MemoryRepository mirror = target.repository("mirror/app");

    private Rules rule(String name, String tags) {
        Rules rules = new Rules(source).to(target);
        rules.name = name;
        rules.tags = new TagSelectionConfig(
                List.of(NamePattern.parse(tags)),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                0);
        return rules;
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new InterruptedIOException();
        }
    }

    @Test
    void tagThatAnotherRuleIsAboutToWriteIsNotRobbedOfItsGraph() throws Exception {
        Descriptor image = shapes.image("amd64");
        shapes.referrer(image, "x/sig", "signature");
        shapes.tag(Shapes.stem(image) + ".sig", shapes.image("cosign"));
        shapes.tag("v1", image);
        shapes.tag("v2", shapes.image("arm64"));
        Rules versions = rule("versions", "v*");
        versions.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        try (Engine engine = new Engine(folder)) {
            engine.run(versions);
            app.tags.remove(new Tag("v1"));
            shapes.tag("stable", image);
            CountDownLatch writes = new CountDownLatch(1);
            CountDownLatch goesOn = new CountDownLatch(1);
            target.gate((index, request) -> {
                if (request.equals("PUT manifest mirror/app stable")) {
                    writes.countDown();
                    await(goesOn);
                }
            });
            CompletableFuture<ReplicationReport> other = new CompletableFuture<>();
            Thread.ofVirtual().start(() -> {
                try {
                    other.complete(engine.run(rule("aliases", "stable")));
                } catch (IOException e) {
                    other.completeExceptionally(e);
                }
            });
            await(writes);
            ReplicationReport meanwhile = engine.run(versions);
            goesOn.countDown();

            assertThat(other.get(30, TimeUnit.SECONDS).outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
            Completeness.assertComplete(app, "stable", target, "mirror/app");
            assertThat(meanwhile.outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
            assertThat(meanwhile.items())
                    .anySatisfy(item -> assertThat(item.reason()).contains("another run is writing to mirror/app"));

            assertThat(engine.run(versions).targets().getFirst().pruned()).isEqualTo(1);
            assertThat(mirror.tags).doesNotContainKey(new Tag("v1"));
            Completeness.assertComplete(app, "stable", target, "mirror/app");
        }
    }

    @Test
    void whoCopiesWaitsForWhoPrunes() throws Exception {
        RepositoryClaims claims = new RepositoryClaims(Duration.ZERO);
        RepositoryName name = new RepositoryName("app");
        RepositoryClaims.Claim prune = claims.pruning("target", name).orElseThrow();
        assertThat(claims.pruning("target", name)).isEmpty();
        claims.pruning("elsewhere", name).orElseThrow().close();
        CompletableFuture<RepositoryClaims.Claim> copy = new CompletableFuture<>();
        Thread waiting = Thread.ofVirtual().start(() -> {
            try {
                copy.complete(claims.copying("target", List.of(name, new RepositoryName("other"))));
            } catch (InterruptedIOException e) {
                copy.completeExceptionally(e);
            }
        });
        while (waiting.getState() != Thread.State.WAITING) {
            assertThat(copy).isNotDone();
            Thread.onSpinWait();
        }
        prune.close();

        RepositoryClaims.Claim first = copy.get(30, TimeUnit.SECONDS);
        RepositoryClaims.Claim second = claims.copying("target", List.of(name));
        assertThat(claims.pruning("target", name)).isEmpty();
        first.close();
        assertThat(claims.pruning("target", name)).as("one still copies").isEmpty();
        second.close();
        assertThat(claims.pruning("target", name)).isPresent();
    }

    @Test
    void whoPrunesWaitsForWhoCopies() throws Exception {
        RepositoryClaims claims = new RepositoryClaims(Duration.ofSeconds(30));
        RepositoryName name = new RepositoryName("app");
        RepositoryClaims.Claim copy = claims.copying("target", List.of(name));
        assertThat(claims.pruning("target", name, Duration.ofMillis(1))).isEmpty();
        CompletableFuture<Optional<RepositoryClaims.Claim>> prune = new CompletableFuture<>();
        Thread waiting = Thread.ofVirtual().start(() -> {
            try {
                prune.complete(claims.pruning("target", name, claims.patience()));
            } catch (InterruptedIOException e) {
                prune.completeExceptionally(e);
            }
        });
        while (waiting.getState() != Thread.State.TIMED_WAITING) {
            assertThat(prune).isNotDone();
            Thread.onSpinWait();
        }
        copy.close();
        assertThat(prune.get(30, TimeUnit.SECONDS)).isPresent();
    }

    @Test
    void ruleThatIsCopiedBesidePrunesWhenThatIsDone() throws Exception {
        shapes.tag("v1", shapes.image("amd64"));
        shapes.tag("v2", shapes.image("arm64"));
        RepositoryClaims claims = new RepositoryClaims(Duration.ofSeconds(30));
        Rules versions = rule("versions", "v*");
        versions.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        try (Engine engine = new Engine(folder, Engine.NO_RETRIES, claims)) {
            engine.run(versions);
            app.tags.remove(new Tag("v1"));
            RepositoryClaims.Claim copy =
                    claims.copying(target.asTarget().place(), List.of(new RepositoryName("mirror/app")));
            CompletableFuture<ReplicationReport> prune = new CompletableFuture<>();
            Thread.ofVirtual().start(() -> {
                try {
                    prune.complete(engine.run(versions));
                } catch (IOException e) {
                    prune.completeExceptionally(e);
                }
            });
            // Where nobody waits, that is all that it takes.
            assertThatThrownBy(() -> prune.get(200, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
            assertThat(mirror.tags).containsKey(new Tag("v1"));
            copy.close();

            assertThat(prune.get(30, TimeUnit.SECONDS).targets().getFirst().pruned())
                    .isEqualTo(1);
            assertThat(mirror.tags).doesNotContainKey(new Tag("v1"));
        }
    }
}
