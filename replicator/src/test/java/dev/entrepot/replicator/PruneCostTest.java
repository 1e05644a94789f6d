package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Referrers;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.RepositorySource;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What it costs to prune many tags, and that it is not bought with the manifests of strangers. */
class PruneCostTest {
    private static final int KEPT = 10;

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final MemoryRepository mirror = target.repository("mirror/app");
    private final Rules rules = new Rules(source).to(target);
    private final Map<String, Digest> images = new HashMap<>();
    private Engine engine;

    @BeforeEach
    void open() throws IOException {
        engine = new Engine(folder);
        rules.prune = new PruneConfig(true, Duration.ofDays(7), new Percent(100));
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private void areDue(int count) throws IOException {
        for (int i = 0; i < KEPT + count; i++) {
            String name = (i < KEPT ? "stays" : "gone") + i;
            var image = shapes.image(name);
            shapes.tag(name, image);
            images.put(name, image.digest());
        }
        engine.run(rules);
        app.tags.keySet().removeIf(tag -> tag.value().startsWith("gone"));
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(8));
        target.forgetRequests();
    }

    private void assertAllWent(ReplicationReport report, int count) {
        assertThat(report.targets().getFirst().pruned()).isEqualTo(count);
        assertThat(mirror.tags).hasSize(KEPT);
        assertThat(mirror.manifests).hasSize(KEPT);
    }

    @Test
    void listsTheTagsOnceToPlanAndOnceToDeleteHoweverManyGo() throws IOException {
        areDue(50);
        engine.runner.plan(rules.rule());
        assertThat(target.requests("GET tags")).hasSize(1);
        target.forgetRequests();

        assertAllWent(engine.run(rules), 50);

        assertThat(target.requests("GET tags")).hasSize(2);
        assertThat(target.requests("HEAD manifest mirror/app gone"))
                .as("for the plan, for the deletion, and just before each goes")
                .hasSize(3 * 50);
        assertThat(target.requests("HEAD manifest mirror/app stays"))
                .as("compared, for the plan, and for the deletion")
                .hasSize(3 * KEPT);
        assertThat(target.requests("GET manifest"))
                .as("what goes, for what it refers to; for the plan and the deletion together")
                .hasSize(50);
        assertThat(target.requests("DELETE manifest")).hasSize(2 * 50);
    }

    @Test
    void asksForEachTagThatBelongsToADigestOnceToPlanAndOnceToDelete() throws IOException {
        for (int i = 0; i < 30; i++) {
            Descriptor signed = shapes.image("signed" + i);
            shapes.tag("stays-signed" + i, signed);
            shapes.tag(Shapes.stem(signed) + ".sig", shapes.image("cosign" + i));
            Shapes theirs = new Shapes(mirror);
            theirs.tag(signed.digest().referrersTag().value(), theirs.index(List.of()));
        }
        areDue(50);
        target.gate((index, request) -> {
            if (request.startsWith("DELETE")) {
                engine.clock.pass(TagNeeds.LIST_AGE);
            }
        });

        assertThat(engine.run(rules).targets().getFirst().pruned()).isEqualTo(50);

        assertThat(target.requests(
                        line -> line.startsWith("HEAD manifest mirror/app sha256-") && line.endsWith(".sig")))
                .as("compared, for the plan, and for the deletion")
                .hasSize(3 * 30);
        assertThat(target.requests("GET manifest mirror/app sha256-"))
                .as("for the plan, and for the deletion")
                .hasSize(2 * 30);
    }

    @Test
    void asksTheRegistryBehindMirrorsOnceForAListOfReferrersHoweverManyOfThemGo() throws IOException {
        Descriptor image = shapes.image("signed");
        shapes.tag("v1", image);
        shapes.referrer(image, "x/sig", "stays");
        List<Descriptor> withdrawn = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            withdrawn.add(shapes.referrer(image, "x/sig", "goes " + i));
        }
        List<Digest> asked = new ArrayList<>();
        SourceRegistry itself = source.asSource();
        rules.source = new SourceRegistry() {
            @Override
            public String name() {
                return itself.name();
            }

            @Override
            public RepositorySource repository(RepositoryName name) {
                return itself.repository(name);
            }

            @Override
            public List<RepositoryName> catalog() throws IOException {
                return itself.catalog();
            }

            @Override
            public Optional<Referrers> ownReferrers(RepositoryName repository, Digest subject) throws IOException {
                asked.add(subject);
                return Optional.of(app.referrers(subject));
            }
        };
        engine.run(rules);
        withdrawn.forEach(referrer -> app.manifests.remove(referrer.digest()));
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(8));

        ReplicationReport report = engine.run(rules);

        assertThat(report.targets().getFirst().pruned()).isEqualTo(50);
        assertThat(asked).as("for the plan, and for the deletion").containsExactly(image.digest(), image.digest());
    }

    @Test
    void tagThatAStrangerWritesWhileOthersGoKeepsItsManifest() throws IOException {
        areDue(50);
        target.gate((index, request) -> {
            if (request.startsWith("DELETE manifest")) {
                engine.clock.pass(TagNeeds.LIST_AGE);
            }
            if (request.equals("DELETE manifest mirror/app gone20")) {
                mirror.tags.put(new Tag("theirs"), images.get("gone40"));
            }
        });

        ReplicationReport report = engine.run(rules);

        assertThat(report.targets().getFirst().pruned()).isEqualTo(50);
        assertThat(mirror.tags).hasSize(KEPT + 1).containsEntry(new Tag("theirs"), images.get("gone40"));
        assertThat(mirror.manifests).doesNotContainKey(images.get("gone10")).containsKey(images.get("gone40"));
    }

    @Test
    void tagThatAStrangerPutsBackWhileOthersGoKeepsItsManifest() throws IOException {
        areDue(50);
        target.gate((index, request) -> {
            if (request.startsWith("DELETE manifest")) {
                engine.clock.pass(TagNeeds.LIST_AGE);
            }
            if (request.equals("DELETE manifest mirror/app gone20")) {
                mirror.tags.put(new Tag("gone10"), images.get("gone40"));
            }
        });

        engine.run(rules);

        assertThat(mirror.tags).hasSize(KEPT + 1).containsEntry(new Tag("gone10"), images.get("gone40"));
        assertThat(mirror.manifests).containsKey(images.get("gone40"));
    }

    @Test
    void tagThatAStrangerMovesToWhatIsDeletedAfterItKeepsThat() throws IOException {
        areDue(50);
        target.gate((index, request) -> {
            if (request.equals("DELETE manifest mirror/app gone20")) {
                mirror.tags.put(new Tag("gone30"), images.get("gone40"));
            }
        });

        engine.run(rules);

        assertThat(mirror.tags).hasSize(KEPT + 1).containsEntry(new Tag("gone30"), images.get("gone40"));
        assertThat(mirror.manifests).containsKey(images.get("gone40"));
    }

    @Test
    void listsTakeAFixedShareOfTheTimeAtMost() throws IOException {
        areDue(50);
        AtomicLong seconds = new AtomicLong();
        target.gate((index, request) -> {
            seconds.incrementAndGet();
            engine.clock.pass(Duration.ofSeconds(1));
        });

        assertAllWent(engine.run(rules), 50);

        assertThat(target.requests("GET tags").size()).isGreaterThan(2).isLessThan((int)
                (seconds.get() / TagNeeds.LIST_SHARE));
    }

    @Test
    void targetThatDoesNotTellOfOneTagLosesNone() throws IOException {
        areDue(5);
        target.gate((index, request) -> {
            if (request.equals("HEAD manifest mirror/app stays3")) {
                throw new RefusedException(403, "DENIED", "not this one");
            }
        });

        ReplicationReport report = engine.run(rules);

        assertThat(report.targets().getFirst().pruned()).isZero();
        assertThat(mirror.tags).hasSize(KEPT + 5);
        assertThat(mirror.manifests).hasSize(KEPT + 5);
        assertThat(target.requests("GET tags"))
                .as("asked again for none of them")
                .hasSizeLessThanOrEqualTo(2);
    }

    // What is left over, each under what was a tag of its own.
    private List<Digest> areLeftOver(int count) throws IOException {
        List<Digest> old = new ArrayList<>();
        for (String which : List.of("old", "new")) {
            for (int i = 0; i < count; i++) {
                Descriptor image = shapes.image(which + i);
                shapes.tag("moves" + i, image);
                if (which.equals("old")) {
                    old.add(image.digest());
                }
            }
            engine.run(rules);
        }
        engine.clock.pass(Duration.ofDays(8));
        target.forgetRequests();
        return old;
    }

    @Test
    void tagsThatAStrangerPutsOnWhatIsLeftOverWhileOthersGoKeepIt() throws IOException {
        List<Digest> old = areLeftOver(20);
        Map<Tag, Digest> theirs = new HashMap<>();
        target.gate((index, request) -> {
            if (request.startsWith("DELETE manifest") && theirs.isEmpty()) {
                engine.clock.pass(TagNeeds.LIST_AGE);
                old.stream()
                        .filter(digest -> !request.contains(digest.toString()))
                        .forEach(digest -> theirs.put(new Tag("theirs" + theirs.size()), digest));
                mirror.tags.putAll(theirs);
            }
        });

        ReplicationReport report = engine.run(rules);

        assertThat(theirs).hasSize(19);
        assertThat(mirror.tags).containsAllEntriesOf(theirs);
        assertThat(mirror.manifests).containsKeys(theirs.values().toArray(Digest[]::new));
        assertThat(report.targets().getFirst().pruned()).isEqualTo(1);
        assertThat(report.items())
                .anySatisfy(item -> assertThat(item.reason()).contains("19 manifests left over stay"));
    }

    @Test
    void backupOrTagOfCosignThatAStrangerPutsOnWhatIsLeftOverWhileOthersGoKeepsThatAlone() throws IOException {
        List<Digest> old = areLeftOver(20);
        Map<Tag, Digest> theirs = new HashMap<>();
        target.gate((index, request) -> {
            if (request.startsWith("DELETE manifest") && theirs.isEmpty()) {
                engine.clock.pass(TagNeeds.LIST_AGE);
                List<Digest> others = old.stream()
                        .filter(digest -> !request.contains(digest.toString()))
                        .toList();
                theirs.put(ImagePlan.Backup.name(new Tag("moves1"), others.getFirst()), others.getFirst());
                theirs.put(new Tag("sha256-" + "0".repeat(64) + ".sig"), others.getLast());
                mirror.tags.putAll(theirs);
            }
        });

        assertThat(engine.run(rules).targets().getFirst().pruned()).isEqualTo(18);

        assertThat(mirror.tags).containsAllEntriesOf(theirs);
        assertThat(mirror.manifests)
                .hasSize(20 + 2)
                .containsKeys(theirs.values().toArray(Digest[]::new));
    }

    @Test
    void tagOfCosignThatAStrangerPutsOnAnIndexWhileOthersGoKeepsWhatIsUnderIt() throws IOException {
        Map<Digest, Digest> children = new HashMap<>();
        for (String which : List.of("old", "new")) {
            for (int i = 0; i < 2; i++) {
                Descriptor child = shapes.image(which + i);
                Descriptor index = shapes.index(List.of(child));
                shapes.tag("moves" + i, index);
                if (which.equals("old")) {
                    children.put(index.digest(), child.digest());
                }
            }
            engine.run(rules);
        }
        engine.clock.pass(Duration.ofDays(8));
        Tag theirs = new Tag("sha256-" + "0".repeat(64) + ".sig");
        List<Digest> named = new ArrayList<>();
        target.gate((index, request) -> {
            if (request.startsWith("DELETE manifest") && named.isEmpty()) {
                engine.clock.pass(TagNeeds.LIST_AGE);
                children.keySet().stream()
                        .filter(digest -> !request.contains(digest.toString()))
                        .forEach(named::add);
                mirror.tags.put(theirs, named.getFirst());
            }
        });

        assertThat(engine.run(rules).targets().getFirst().pruned()).isEqualTo(2);

        Digest kept = named.getFirst();
        assertThat(mirror.tags).containsEntry(theirs, kept);
        assertThat(mirror.manifests).hasSize(4 + 2).containsKeys(kept, children.get(kept));
    }

    @Test
    void nothingLeftOverGoesAfterTheTargetRefusedToListItsTagsAgain() throws IOException {
        areLeftOver(20);
        AtomicBoolean refuses = new AtomicBoolean();
        target.gate((index, request) -> {
            if (request.startsWith("DELETE manifest")) {
                engine.clock.pass(TagNeeds.LIST_AGE);
                refuses.set(true);
            }
            if (refuses.get() && request.startsWith("GET tags")) {
                throw new RefusedException(403, "DENIED", "no more lists for you");
            }
        });

        ReplicationReport report = engine.run(rules);

        assertThat(report.targets().getFirst().pruned()).isEqualTo(1);
        assertThat(report.items())
                .anySatisfy(item -> assertThat(item.reason())
                        .contains("19 manifests left over stay: the target refuses to tell of its tags"));
        assertThat(mirror.manifests).hasSize(20 + 19);
    }

    @Test
    void listsTheTagsAtMostOnceForEachThatIsLeftOverHoweverLongItTakes() throws IOException {
        areLeftOver(20);
        target.gate((index, request) -> {
            if (request.startsWith("DELETE manifest")) {
                engine.clock.pass(Duration.ofHours(1));
            }
        });

        assertThat(engine.run(rules).targets().getFirst().pruned()).isEqualTo(20);

        assertThat(target.requests("GET tags"))
                .as("for the plan, for the deletion, and again before each but the first")
                .hasSize(2 + 19);
        target.gate((index, request) -> {});
        areLeftOver(20);
        engine.run(rules);
        assertThat(target.requests("GET tags")).as("where no time passes").hasSize(2);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void nothingLeftOverGoesAfterATagThatCameMeanwhileCouldNotBeLookedAt(boolean cosign) throws IOException {
        List<Digest> old = areLeftOver(20);
        Map<Tag, Digest> theirs = new HashMap<>();
        AtomicBoolean out = new AtomicBoolean();
        target.gate((index, request) -> {
            if (request.startsWith("DELETE manifest") && theirs.isEmpty()) {
                engine.clock.pass(TagNeeds.LIST_AGE);
                Digest last = old.stream()
                        .filter(digest -> !request.contains(digest.toString()))
                        .sorted()
                        .toList()
                        .getLast();
                Tag tag = cosign
                        ? new Tag("sha256-" + "0".repeat(64) + ".sig")
                        : ImagePlan.Backup.name(new Tag("moves1"), last);
                theirs.put(tag, last);
                mirror.tags.putAll(theirs);
            }
            boolean asked = !theirs.isEmpty()
                    && request.startsWith("HEAD manifest")
                    && request.contains(theirs.keySet().iterator().next().value());
            if (asked && out.compareAndSet(false, true)) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "503 for a moment");
            }
        });

        ReplicationReport report = engine.run(rules);

        assertThat(out).isTrue();
        assertThat(report.targets().getFirst().failed()).isPositive();
        assertThat(mirror.manifests).containsKeys(theirs.values().toArray(Digest[]::new));
        assertThat(mirror.tags).containsAllEntriesOf(theirs);
    }
}
