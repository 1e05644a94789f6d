package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.config.ReplicationRuleConfig.OnSparseRefused;
import dev.entrepot.config.TagSelectionConfig;
import dev.entrepot.config.TagSelectionConfig.Newest;
import dev.entrepot.config.TagSelectionConfig.Order;
import dev.entrepot.oci.BlockedException;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ItemReport.State;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.journal.BroughtTag;
import dev.entrepot.replicator.layout.LayoutTargets;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Rules that share a target, and rules that are edited: each takes for its own what it brought, and nothing else. Long,
 * because each is one case over the same target.
 */
class SharedTargetTest {
    private static final Duration GRACE = Duration.ofDays(7);

    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.ALL);
    private final MemoryRepository mirror = target.repository("mirror/app");
    private final Descriptor arm = on(shapes.image("arm64"), "linux/arm64");
    private Engine engine;

    @BeforeEach
    void tagTwoImagesThatShareAPlatform() throws IOException {
        engine = new Engine(folder);
        shapes.tag("v1", shapes.index(List.of(on(shapes.image("amd64 one"), "linux/amd64"), arm)));
        shapes.tag("v2", shapes.index(List.of(on(shapes.image("amd64 two"), "linux/amd64"), arm)));
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    private static Descriptor on(Descriptor descriptor, String platform) {
        return new Descriptor(
                descriptor.mediaType(),
                descriptor.digest(),
                descriptor.sizeBytes(),
                Optional.empty(),
                Optional.of(Platform.parse(platform)),
                Map.of(),
                List.of(),
                Optional.empty());
    }

    private Rules rule(String name, String... tags) {
        Rules rules = new Rules(source).to(target);
        rules.name = name;
        rules.tags = TagSelectionConfig.including(
                Stream.of(tags).map(NamePattern::parse).toList());
        return rules;
    }

    private Rules pruning(String name, String... tags) {
        Rules rules = rule(name, tags);
        rules.prune = new PruneConfig(true, GRACE, new Percent(100));
        return rules;
    }

    private static Rules amdOnly(Rules rules) {
        rules.platforms = List.of(Platform.parse("linux/amd64"));
        return rules;
    }

    private void goneFor(Rules rules, String tag) throws IOException {
        app.tags.remove(new Tag(tag));
        engine.run(rules);
        engine.clock.pass(GRACE.plusDays(1));
    }

    private static long pruned(ReplicationReport report) {
        return report.targets().getFirst().pruned();
    }

    private static State state(ReplicationReport report) {
        return report.items().getFirst().state();
    }

    @Test
    void whatAnotherTagNeedsStaysThoughARuleOfLessHasComparedThat() throws IOException {
        engine.run(pruning("full", "*"));
        Rules narrow = amdOnly(rule("narrow", "v1"));
        assertThat(state(engine.run(narrow))).isEqualTo(State.UP_TO_DATE);

        Rules rest = pruning("full", "v2", "v3");
        goneFor(rest, "v2");
        assertThat(pruned(engine.run(rest))).isEqualTo(1);

        assertThat(mirror.tags.keySet()).containsExactly(new Tag("v1"));
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void whatAnotherTagNeedsStaysThoughTheRuleWantsLessNow() throws IOException {
        Rules rules = pruning("rule", "*");
        engine.run(rules);
        app.tags.remove(new Tag("v2"));
        engine.run(rules);
        engine.run(amdOnly(rules));
        engine.clock.pass(GRACE.plusDays(1));
        assertThat(pruned(engine.run(rules))).isEqualTo(1);

        assertThat(mirror.tags.keySet()).containsExactly(new Tag("v1"));
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void whatSomebodyElsesTagNeedsStaysThoughTheRulesKnowAPartOfIt() throws IOException {
        engine.run(pruning("full", "v2"));
        // Somebody copies v1 by other means.
        try (Engine other = new Engine(folder.resolve("other"))) {
            other.run(rule("theirs", "v1"));
        }
        assertThat(state(engine.run(amdOnly(rule("narrow", "v1"))))).isEqualTo(State.UP_TO_DATE);
        Rules rest = pruning("full", "v2", "v3");
        goneFor(rest, "v2");
        assertThat(pruned(engine.run(rest))).isEqualTo(1);

        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void whatTheRuleOnlyFoundAtTheTargetIsNotPruned() throws IOException {
        try (Engine other = new Engine(folder.resolve("other"))) {
            other.run(rule("theirs", "*"));
        }
        Rules rules = pruning("rule", "*");
        assertThat(engine.run(rules).targets().getFirst().upToDate()).isEqualTo(2);
        goneFor(rules, "v2");
        assertThat(pruned(engine.run(rules))).isZero();
        assertThat(mirror.tags).containsKey(new Tag("v2"));
    }

    @Test
    void whoComparesATagTakesItFromNobody() throws IOException {
        Rules brings = pruning("brings", "*");
        engine.run(brings);
        Rules finds = amdOnly(pruning("finds", "*"));
        engine.run(finds);
        app.tags.remove(new Tag("v2"));
        engine.run(brings);
        engine.run(finds);
        engine.clock.pass(GRACE.plusDays(1));

        assertThat(pruned(engine.run(finds))).isZero();
        assertThat(mirror.tags).containsKey(new Tag("v2"));
        assertThat(pruned(engine.run(brings))).isEqualTo(1);
        assertThat(mirror.tags).doesNotContainKey(new Tag("v2"));
    }

    @Test
    void whatAWiderRuleBroughtUnderATagThatAnotherPrunesGoesWithItsOwnPrune() throws IOException {
        Descriptor armThree = on(shapes.image("arm64 three"), "linux/arm64");
        shapes.tag("v3", shapes.index(List.of(on(shapes.image("amd64 three"), "linux/amd64"), armThree)));
        Rules narrow = amdOnly(pruning("narrow", "*"));
        engine.run(narrow);
        // Each finds the tag missing and writes it.
        mirror.tags.remove(new Tag("v3"));
        Rules wide = pruning("wide", "*");
        engine.run(wide);
        goneFor(narrow, "v3");
        assertThat(pruned(engine.run(narrow))).isEqualTo(1);
        assertThat(mirror.tags).doesNotContainKey(new Tag("v3"));
        assertThat(mirror.manifests).as("not for the narrow rule to delete").containsKey(armThree.digest());

        engine.run(wide);
        assertThat(mirror.manifests).as("its time begins then").containsKey(armThree.digest());
        engine.clock.pass(GRACE.plusDays(1));
        engine.run(wide);
        assertThat(mirror.manifests).doesNotContainKey(armThree.digest());
        Completeness.assertComplete(app, "v1", target, "mirror/app");
        Completeness.assertComplete(app, "v2", target, "mirror/app");
    }

    @Test
    void rulesOfDifferentScopeDoNotCompareAnewAfterEachOther() throws IOException {
        Rules whole = rule("whole", "*");
        Rules part = amdOnly(rule("part", "*"));
        for (Rules rules : List.of(whole, part, whole, part)) {
            engine.run(rules);
        }
        target.forgetRequests();
        engine.run(whole);
        engine.run(part);
        assertThat(target.requests()).hasSize(4).allMatch(request -> request.startsWith("HEAD manifest mirror/app v"));
    }

    @Test
    void aTagThatAnotherRuleMovedIsNobodyElsesAnyMore() throws IOException {
        Rules first = rule("first", "*");
        first.onConflict = OnConflict.FAIL;
        engine.run(first);
        shapes.tag("v1", shapes.image("moved"));
        engine.run(rule("second", "*"));
        assertThat(engine.run(first).outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        shapes.tag("v1", shapes.image("moved again"));
        ReplicationReport report = engine.run(first);
        assertThat(report.targets().getFirst().failed()).isEqualTo(1);
        assertThat(report.targets().getFirst().upToDate()).isEqualTo(1);
    }

    @Test
    void copyOfATagByHandLeavesTheRuleWhatItBrought() throws IOException {
        Rules rules = rule("rule", "*");
        rules.onConflict = OnConflict.FAIL;
        engine.run(rules);
        engine.run(amdOnly(rule("copy", "v1")));
        shapes.tag("v1", shapes.image("moved"));
        assertThat(engine.run(rules).outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
    }

    @Test
    void graceBeginsAnewWhenPruneComesBack() throws IOException {
        Rules rules = pruning("rule", "*");
        engine.run(rules);
        Descriptor image = shapes.image("plain");
        shapes.tag("v3", image);
        engine.run(rules);
        app.tags.remove(new Tag("v3"));
        engine.run(rules);
        rules.prune = PruneConfig.OFF;
        shapes.tag("v3", image);
        engine.run(rules);
        engine.clock.pass(GRACE.plusDays(1));
        app.tags.remove(new Tag("v3"));
        rules.prune = new PruneConfig(true, GRACE, new Percent(100));

        assertThat(pruned(engine.run(rules))).isZero();
        assertThat(mirror.tags).containsKey(new Tag("v3"));
        engine.clock.pass(GRACE.plusDays(1));
        assertThat(pruned(engine.run(rules))).isEqualTo(1);
    }

    @Test
    void graceBeginsAnewWithAnotherSource() throws IOException {
        MemoryRegistry second = new MemoryRegistry("second.test", Abilities.ALL);
        Shapes there = new Shapes(second.repository("app"));
        there.tag("v1", there.image("one"));
        there.tag("v2", there.image("two"));
        Rules rules = pruning("rule", "*");
        engine.run(rules);
        app.tags.remove(new Tag("v2"));
        engine.run(rules);
        engine.clock.pass(GRACE.plusDays(1));
        rules.source = second.asSource();
        engine.run(rules);
        second.repository("app").tags.remove(new Tag("v2"));

        assertThat(pruned(engine.run(rules))).isZero();
        assertThat(mirror.tags).containsKey(new Tag("v2"));
    }

    private Rules at(Rules rules, String name, String prefix) {
        rules.targets.add(new ReplicationRule.Placement(
                target.asTarget(name), repository -> new RepositoryName(prefix + "/" + repository), 4));
        return rules;
    }

    @Test
    void whatARuleBroughtIsItsOwnWhateverOtherTargetsItHas() throws IOException {
        Rules rules = pruning("rule", "*");
        rules.onConflict = OnConflict.FAIL;
        rules.targets.clear();
        at(at(rules, "target.test", "a"), "target.test#b", "b");
        engine.run(rules);
        rules.targets.clear();
        at(rules, "target.test", "b");
        shapes.tag("v1", shapes.image("moved"));

        assertThat(engine.run(rules).outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        goneFor(rules, "v2");
        assertThat(pruned(engine.run(rules)))
                .as("v2, and the two manifests that v1 has left")
                .isEqualTo(3);
        assertThat(target.repository("b/app").tags).doesNotContainKey(new Tag("v2"));
        assertThat(target.repository("a/app").tags)
                .as("the rule names this place no more")
                .containsKeys(new Tag("v1"), new Tag("v2"));
    }

    @Test
    void repositoriesThatGetOneNameAtTheTargetAreRefusedWhereBothHaveTheTag() throws IOException {
        Shapes other = new Shapes(source.repository("other"));
        other.tag("v1", other.image("of another repository"));
        other.tag("only-here", other.image("fine"));
        Rules rules = rule("rule", "*");
        rules.repositories = List.of(NamePattern.parse("*"));
        rules.targets.clear();
        rules.targets.add(
                new ReplicationRule.Placement(target.asTarget(), repository -> new RepositoryName("all/web"), 4));

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.PARTLY);
        assertThat(report.items())
                .filteredOn(item -> item.state() == State.FAILED)
                .hasSize(2)
                .allSatisfy(item -> assertThat(item.failure().orElseThrow().cause())
                        .startsWith("app and other both have the tag v1, and both are all/web at target.test")
                        .contains("map"));
        assertThat(target.repository("all/web").tags).containsOnlyKeys(new Tag("v2"), new Tag("only-here"));
    }

    private Descriptor withConfiguration(String text) {
        return shapes.manifest(
                DigestAlgorithm.SHA256,
                MediaType.OCI_MANIFEST,
                shapes.blob(new MediaType("application/vnd.oci.image.config.v1+json"), text),
                List.of(),
                Optional.empty(),
                Optional.empty());
    }

    @Test
    void imageWhoseConfigurationIsGoneKeepsNoOtherTagFromBeingChosen() throws IOException {
        shapes.tag("gone", withConfiguration("{\"gone\":true}"));
        app.blobs.remove(Digest.sha256("{\"gone\":true}".getBytes(StandardCharsets.UTF_8)));
        shapes.tag("unreadable", withConfiguration("no JSON"));
        shapes.tag("dated", withConfiguration("{\"created\":\"" + engine.clock.instant() + "\"}"));
        Rules rules = new Rules(source).to(target);
        rules.tags = new TagSelectionConfig(
                List.of(NamePattern.parse("*")),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(Duration.ofDays(1)),
                List.of(),
                0);
        assertThat(engine.run(rules).outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        assertThat(mirror.tags).containsOnlyKeys(new Tag("dated"));
    }

    @ParameterizedTest
    @EnumSource
    void imageThatIsNotPassedOnKeepsNoOtherTagFromBeingChosen(BlockedException.Kind kind) throws IOException {
        shapes.tag("refused", withConfiguration("{}"));
        shapes.tag("dated", withConfiguration("{\"created\":\"" + engine.clock.instant() + "\"}"));
        source.gate((index, request) -> {
            if (request.endsWith("manifest app refused")) {
                throw new BlockedException(kind, "refused");
            }
        });
        for (boolean newest : List.of(true, false)) {
            Rules rules = new Rules(source).to(target);
            rules.tags = new TagSelectionConfig(
                    List.of(NamePattern.parse("*")),
                    List.of(),
                    Optional.empty(),
                    Optional.empty(),
                    newest ? Optional.of(new Newest(2, Order.TIME)) : Optional.empty(),
                    newest ? Optional.empty() : Optional.of(Duration.ofDays(1)),
                    List.of(),
                    0);
            mirror.tags.clear();
            assertThat(engine.run(rules).outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
            assertThat(mirror.tags).containsOnlyKeys(new Tag("dated"));
        }
    }

    private void signedAfterwards(Runnable sign) throws IOException {
        shapes.tag("1.0.0", shapes.image("signed later"));
        Rules rules = pruning("rule", "*");
        rules.immutable = List.of(NamePattern.parse("1.*"));
        engine.run(rules);
        sign.run();
        shapes.tag("candidate", shapes.image("signed later"));
        engine.run(rules);
        goneFor(rules, "candidate");
        assertThat(pruned(engine.run(rules))).isEqualTo(1);
        assertThat(mirror.tags).containsKey(new Tag("1.0.0")).doesNotContainKey(new Tag("candidate"));
    }

    @Test
    void signatureOfALivingTagStaysThoughThatWasNotedBeforeItCame() throws IOException {
        Descriptor image = shapes.image("signed later");
        Descriptor signature = shapes.referrer(image, "x/sig", "signature");
        Descriptor ofThat = shapes.referrer(signature, "x/sig", "of the signature");
        app.manifests.keySet().removeAll(List.of(signature.digest(), ofThat.digest()));
        signedAfterwards(() -> {
            shapes.referrer(image, "x/sig", "signature");
            shapes.referrer(signature, "x/sig", "of the signature");
        });
        assertThat(mirror.manifests).containsKeys(signature.digest(), ofThat.digest());
    }

    @Test
    void cosignTagOfALivingTagStaysThoughThatWasNotedBeforeItCame() throws IOException {
        Tag signature = new Tag(Shapes.stem(shapes.image("signed later")) + ".sig");
        signedAfterwards(() -> shapes.tag(signature.value(), shapes.image("cosign")));
        assertThat(mirror.tags).containsKey(signature);
    }

    // A run wrote the tag, and its process was killed before more was noted.
    private void killedAfterWriting(String tag, Descriptor image) throws IOException {
        shapes.tag(tag, image);
        try (Engine other = new Engine(folder.resolve("killed"))) {
            other.run(rule("rule", tag));
        }
        engine.journal
                .tags()
                .bring(new BroughtTag(
                        "rule",
                        "target.test",
                        "source.test",
                        new RepositoryName("app"),
                        new RepositoryName("mirror/app"),
                        new Tag(tag),
                        image.digest()));
        app.tags.remove(new Tag(tag));
    }

    @Test
    void whatAKilledRunWroteIsTheRulesThoughTheSourceHasItNoMore() throws IOException {
        Rules rules = pruning("rule", "*");
        engine.run(rules);
        killedAfterWriting("late", shapes.image("late"));
        killedAfterWriting("v1", shapes.image("v1 has moved"));
        engine.run(rules);
        engine.clock.pass(GRACE.plusDays(1));

        assertThat(pruned(engine.run(rules)))
                .as("both tags, and the two manifests that v1 alone had before it moved")
                .isEqualTo(4);
        assertThat(mirror.tags).containsOnlyKeys(new Tag("v2"));
        assertThat(mirror.manifests).hasSize(3);
        assertThat(engine.journal.tags().broughtIn("target.test", new RepositoryName("mirror/app")))
                .hasSize(1);
    }

    @Test
    void whatARunWasAboutToWriteAndDidNotIsNotTheRules() throws IOException {
        Rules rules = pruning("rule", "*");
        engine.run(rules);
        engine.journal
                .tags()
                .bring(new BroughtTag(
                        "rule",
                        "target.test",
                        "source.test",
                        new RepositoryName("app"),
                        new RepositoryName("mirror/app"),
                        new Tag("v2"),
                        shapes.image("never written").digest()));
        engine.run(rules);
        assertThat(engine.journal.tags().broughtIn("target.test", new RepositoryName("mirror/app"), new Tag("v2")))
                .extracting(BroughtTag::digest)
                .containsExactly(mirror.tags.get(new Tag("v2")));
    }

    @Test
    void whatAnotherTargetOfTheRuleIsAboutToWriteIsLeftToThatOne() throws IOException {
        Rules rules = pruning("rule", "*");
        rules.targets.clear();
        at(rules, "target.test", "a");
        BroughtTag ofTheOther = new BroughtTag(
                "rule",
                "target.test",
                "source.test",
                new RepositoryName("app"),
                new RepositoryName("b/app"),
                new Tag("v1"),
                shapes.image("not written yet").digest());
        engine.journal.tags().bring(ofTheOther);
        engine.run(rules);
        assertThat(engine.journal.tags().broughtIn("target.test", new RepositoryName("b/app")))
                .containsExactly(ofTheOther);
    }

    @Test
    void trimmedTagStaysTheRulesWhenTheWholeIndexComesToTheTarget() throws IOException {
        MemoryRegistry strict = new MemoryRegistry("strict.test", Abilities.NO_SPARSE);
        Rules narrow = amdOnly(rule("narrow", "v1"));
        narrow.targets.clear();
        narrow.to(strict);
        narrow.onSparseRefused = OnSparseRefused.TRIM;
        narrow.onConflict = OnConflict.FAIL;
        engine.run(narrow);
        Digest root = app.tags.get(new Tag("v1"));
        Digest trimmed = strict.repository("mirror/app").tags.get(new Tag("v1"));
        assertThat(trimmed).isNotNull().isNotEqualTo(root);
        app.tags.put(new Tag("full"), root);
        Rules wide = rule("wide", "full");
        wide.targets.clear();
        engine.run(wide.to(strict));
        shapes.referrer(Shapes.plain(app.manifests.get(root).descriptor()), "x/sig", "signature");

        engine.run(narrow);
        assertThat(engine.run(narrow).outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        assertThat(strict.repository("mirror/app").tags).containsEntry(new Tag("v1"), trimmed);
    }

    @Test
    void graceBeginsAnewWhenTheFormerSourceComesBack() throws IOException {
        MemoryRegistry second = new MemoryRegistry("second.test", Abilities.ALL);
        Shapes there = new Shapes(second.repository("app"));
        there.tag("v9", there.image("nine"));
        Rules rules = pruning("rule", "*");
        engine.run(rules);
        app.tags.remove(new Tag("v2"));
        engine.run(rules);
        rules.source = second.asSource();
        engine.run(rules);
        engine.clock.pass(GRACE.plusDays(1));
        rules.source = source.asSource();

        assertThat(pruned(engine.run(rules))).isZero();
        assertThat(mirror.tags).containsKey(new Tag("v2"));
    }

    @Test
    void immutableTagsAreWrittenAgainWhereTheFileWasCarriedAway() throws IOException {
        Path tar = folder.resolve("image.tar");
        Rules rules = rule("rule", "*");
        rules.immutable = List.of(NamePattern.parse("v*"));
        rules.targets.clear();
        rules.to(new LayoutTargets().target("image.tar", tar));
        engine.run(rules);
        source.forgetRequests();
        assertThat(engine.run(rules).targets().getFirst().upToDate()).isEqualTo(2);
        assertThat(source.requests("HEAD")).isEmpty();

        Files.move(tar, folder.resolve("carried away.tar"));
        assertThat(engine.run(rules).targets().getFirst().copied()).isEqualTo(2);
        assertThat(tar).exists();
    }
}
