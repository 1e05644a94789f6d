package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.journal.CompletedTag;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What prune deletes, and what keeps it from that. Long, because each is one case over the same pair of registries. */
class PrunerTest {
    @TempDir
    private Path folder;

    private final MemoryRegistry source = new MemoryRegistry("source.test", Abilities.ALL);
    private final MemoryRepository app = source.repository("app");
    private final Shapes shapes = new Shapes(app);
    private final MemoryRegistry target = new MemoryRegistry("target.test", Abilities.NO_API);
    private final MemoryRepository mirror = target.repository("mirror/app");
    private final Rules rules = new Rules(source).to(target);
    private Engine engine;
    private Descriptor gone;
    private Descriptor goneImage;
    private Descriptor goneSignature;

    @BeforeEach
    void copyTenTags() throws IOException {
        engine = new Engine(folder);
        for (int i = 0; i < 10; i++) {
            Descriptor image = shapes.image("image " + i);
            Descriptor index = shapes.index(List.of(image));
            shapes.tag("v" + i, index);
            if (i == 3) {
                gone = index;
                goneImage = image;
                goneSignature = shapes.referrer(index, "x/sig", "signature");
                shapes.tag(Shapes.stem(index) + ".sig", shapes.image("cosign"));
            }
        }
        rules.prune = new PruneConfig(true, Duration.ofDays(7), new Percent(10));
        engine.run(rules);
    }

    @AfterEach
    void close() throws IOException {
        engine.close();
    }

    @Test
    void tagThatIsGoneIsDeletedAfterTheGraceTimeWithItsReferrers() throws IOException {
        app.tags.remove(new Tag("v3"));
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(6));
        engine.run(rules);
        assertThat(mirror.tags).containsKey(new Tag("v3"));
        engine.clock.pass(Duration.ofDays(2));

        assertThat(engine.runner.plan(rules.rule()).targets().getFirst().prune())
                .containsExactly("mirror/app:v3");
        ReplicationReport report = engine.run(rules);

        assertThat(report.targets().getFirst().pruned()).isEqualTo(1);
        assertThat(mirror.tags.keySet())
                .hasSize(9)
                .allMatch(tag -> tag.value().startsWith("v"))
                .doesNotContain(new Tag("v3"));
        assertThat(mirror.manifests).doesNotContainKeys(gone.digest(), goneSignature.digest());
        for (int i = 0; i < 10; i++) {
            if (i != 3) {
                Completeness.assertComplete(app, "v" + i, target, "mirror/app");
            }
        }
        assertThat(engine.run(rules).targets().getFirst().pruned()).isZero();
    }

    @Test
    void manifestThatAnotherTagNeedsStays() throws IOException {
        shapes.tag("again", gone);
        engine.run(rules);
        app.tags.remove(new Tag("v3"));
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(8));

        assertThat(engine.run(rules).targets().getFirst().pruned()).isEqualTo(1);
        assertThat(mirror.tags).doesNotContainKey(new Tag("v3"));
        Completeness.assertComplete(app, "again", target, "mirror/app");
    }

    @Test
    void foreignTagKeepsAllManifests() throws IOException {
        new Shapes(mirror).tag("theirs", gone);
        app.tags.remove(new Tag("v3"));
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(8));
        engine.run(rules);

        assertThat(mirror.tags).doesNotContainKey(new Tag("v3"));
        assertThat(mirror.manifests).containsKeys(gone.digest(), goneSignature.digest());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void manifestThatABackupOfACosignTagKeepsStays(boolean comesMeanwhile) throws IOException {
        Tag signatures = new Tag(Shapes.stem(gone) + ".sig");
        Digest signature = mirror.tags.get(signatures);
        Tag backup = ImagePlan.Backup.name(signatures, signature);
        app.tags.remove(new Tag("v3"));
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(8));
        if (comesMeanwhile) {
            target.gate((index, request) -> {
                if (request.equals("HEAD manifest mirror/app v3")) {
                    engine.clock.pass(Duration.ofMinutes(1));
                    mirror.tags.put(backup, signature);
                }
            });
        } else {
            mirror.tags.put(backup, signature);
        }

        assertThat(engine.run(rules).targets().getFirst().pruned()).isEqualTo(1);

        assertThat(mirror.tags).doesNotContainKey(new Tag("v3")).containsEntry(backup, signature);
        assertThat(mirror.manifests).doesNotContainKey(gone.digest()).containsKey(signature);
    }

    @Test
    void tagThatSomebodyMovedAtTheTargetIsLeftAlone() throws IOException {
        Descriptor theirs = new Shapes(mirror).image("theirs");
        new Shapes(mirror).tag("v3", theirs);
        app.tags.remove(new Tag("v3"));
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(8));
        engine.run(rules);

        assertThat(mirror.tags).containsEntry(new Tag("v3"), theirs.digest());
    }

    @Test
    void manifestThatAnotherTagWasMovedToAtTheTargetStays() throws IOException {
        rules.prune = new PruneConfig(true, Duration.ofDays(7), new Percent(100));
        rules.onConflict = OnConflict.KEEP;
        mirror.tags.put(new Tag("v5"), gone.digest());
        app.tags.remove(new Tag("v3"));
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(8));
        engine.run(rules);

        assertThat(mirror.tags).doesNotContainKey(new Tag("v3")).containsEntry(new Tag("v5"), gone.digest());
        assertThat(mirror.manifests).containsKeys(gone.digest(), goneSignature.digest());
    }

    @Test
    void tagThatWasMovedToWhatIsPrunedBeforeItIsLeftAloneAndNotReportedAsPruned() throws IOException {
        rules.prune = new PruneConfig(true, Duration.ofDays(7), new Percent(100));
        mirror.tags.put(new Tag("v5"), gone.digest());
        app.tags.remove(new Tag("v3"));
        app.tags.remove(new Tag("v5"));
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(8));
        ReplicationReport report = engine.run(rules);

        assertThat(mirror.tags).doesNotContainKey(new Tag("v3")).containsEntry(new Tag("v5"), gone.digest());
        assertThat(mirror.manifests).containsKeys(gone.digest(), goneSignature.digest());
        assertThat(report.targets().getFirst().pruned()).isEqualTo(1);
        assertThat(report.items()).anySatisfy(item -> {
            assertThat(item.tag()).isEqualTo("v5");
            assertThat(item.state()).isEqualTo(ItemReport.State.SKIPPED);
            assertThat(item.reason()).startsWith("left alone");
        });
    }

    @Test
    void tagThatCannotBeDeletedKeepsWhatItSharesWithOneThatIsPrunedBeforeIt() throws IOException {
        rules.prune = new PruneConfig(true, Duration.ofDays(7), new Percent(100));
        shapes.tag("again", gone);
        engine.run(rules);
        app.tags.remove(new Tag("again"));
        app.tags.remove(new Tag("v3"));
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(8));
        target.gate((index, request) -> {
            if (request.equals("DELETE manifest mirror/app v3")) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "500");
            }
        });
        engine.run(rules);
        assertThat(mirror.tags).doesNotContainKey(new Tag("again")).containsEntry(new Tag("v3"), gone.digest());
        assertThat(mirror.manifests).containsKeys(gone.digest(), goneSignature.digest());

        target.gate((index, request) -> {});
        engine.run(rules);
        assertThat(mirror.tags).doesNotContainKey(new Tag("v3"));
        assertThat(mirror.manifests).doesNotContainKeys(gone.digest(), goneSignature.digest());
    }

    @Test
    void planStartsNoGraceTime() throws IOException {
        app.tags.remove(new Tag("v3"));
        engine.runner.plan(rules.rule());
        engine.clock.pass(Duration.ofDays(8));

        assertThat(engine.runner.plan(rules.rule()).targets().getFirst().prune())
                .isEmpty();
        assertThat(engine.run(rules).targets().getFirst().pruned()).isZero();

        assertThat(mirror.tags).containsKey(new Tag("v3"));
        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void withoutAGraceTimeWhatIsGoneIsDueAtOnceAlthoughTimePasses() throws IOException, RuleBusyException {
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(10));
        app.tags.remove(new Tag("v3"));
        Time passing = new Time(
                () -> {
                    engine.clock.pass(Duration.ofMillis(1));
                    return engine.clock.instant();
                },
                engine.clock,
                new SplittableRandom(7));
        ReplicationRunner runner = new ReplicationRunner(engine.journal, passing, Engine.NO_RETRIES);

        assertThat(runner.plan(rules.rule()).targets().getFirst().prune()).containsExactly("mirror/app:v3");
        assertThat(runner.run(rules.rule(), "test", ProgressListener.NONE)
                        .targets()
                        .getFirst()
                        .pruned())
                .isEqualTo(1);
    }

    @Test
    void whatAFailedPruneLeftGoesWithTheNext() throws IOException {
        app.tags.remove(new Tag("v3"));
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(8));
        target.gate((index, request) -> {
            if (request.equals("DELETE manifest mirror/app " + gone.digest())) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "500");
            }
        });
        assertThat(engine.run(rules).targets().getFirst().failed()).isEqualTo(1);
        assertThat(mirror.tags).doesNotContainKey(new Tag("v3"));
        assertThat(mirror.manifests).containsKey(gone.digest());

        target.gate((index, request) -> {});
        assertThat(engine.run(rules).targets().getFirst().pruned()).isEqualTo(1);

        assertThat(mirror.manifests).doesNotContainKeys(gone.digest(), goneSignature.digest());
        assertThat(engine.run(rules).targets().getFirst().pruned()).isZero();
    }

    // Registries that delete less than others

    private void isDue(String... tags) throws IOException {
        rules.prune = new PruneConfig(true, Duration.ofDays(7), new Percent(100));
        for (String tag : tags) {
            app.tags.remove(new Tag(tag));
        }
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(8));
    }

    private void refuseToDelete(Predicate<String> reference) {
        target.gate((index, request) -> {
            String start = "DELETE manifest mirror/app ";
            if (request.startsWith(start) && reference.test(request.substring(start.length()))) {
                throw new RefusedException(405, "UNSUPPORTED", "the operation is unsupported");
            }
        });
    }

    private static boolean isTag(String reference) {
        return !reference.startsWith("sha256:");
    }

    @Test
    void whereOnlyManifestsAreDeletedTheTagGoesWithItsOwn() throws IOException {
        isDue("v3");
        refuseToDelete(PrunerTest::isTag);

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        assertThat(report.targets().getFirst().pruned()).isEqualTo(1);
        assertThat(mirror.tags.keySet())
                .hasSize(9)
                .allMatch(tag -> tag.value().startsWith("v"))
                .doesNotContain(new Tag("v3"));
        assertThat(mirror.manifests).doesNotContainKeys(gone.digest(), goneSignature.digest());
        assertThat(target.requests(line -> line.startsWith("DELETE") && isTag(line.substring(27))))
                .as("asked once")
                .hasSize(1);
        for (int i = 4; i < 10; i++) {
            Completeness.assertComplete(app, "v" + i, target, "mirror/app");
        }
    }

    @Test
    void whereOnlyManifestsAreDeletedTagsOfOneManifestGoTogether() throws IOException {
        shapes.tag("again", gone);
        engine.run(rules);
        isDue("v3");
        refuseToDelete(PrunerTest::isTag);

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        assertThat(report.items()).anySatisfy(item -> {
            assertThat(item.state()).isEqualTo(ItemReport.State.SKIPPED);
            assertThat(item.reason()).contains("is needed by another tag");
        });
        assertThat(mirror.tags).containsKey(new Tag("v3"));
        Completeness.assertComplete(app, "again", target, "mirror/app");

        isDue("again");
        assertThat(engine.run(rules).targets().getFirst().pruned()).isEqualTo(2);
        assertThat(mirror.tags).doesNotContainKeys(new Tag("v3"), new Tag("again"));
        assertThat(mirror.manifests).doesNotContainKeys(gone.digest(), goneSignature.digest());
    }

    @Test
    void whereOnlyManifestsAreDeletedForeignTagKeepsTheTag() throws IOException {
        new Shapes(mirror).tag("theirs", gone);
        isDue("v3");
        refuseToDelete(PrunerTest::isTag);

        assertThat(engine.run(rules).outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);

        assertThat(mirror.tags).containsKeys(new Tag("v3"), new Tag("theirs"));
        assertThat(mirror.manifests).containsKeys(gone.digest(), goneSignature.digest());
    }

    // Both repositories have the same name at the target.
    private MemoryRepository movesTo() {
        rules.targets.clear();
        rules.targets.add(
                new ReplicationRule.Placement(target.asTarget(), name -> new RepositoryName("mirror/app"), 4));
        rules.repositories = List.of(NamePattern.parse("app"), NamePattern.parse("renamed"));
        return source.repository("renamed");
    }

    @Test
    void whereOnlyManifestsAreDeletedTagThatComesFromAnotherRepositoryKeepsItsManifest() throws IOException {
        Shapes renamed = new Shapes(movesTo());
        Descriptor image = shapes.image("shared");
        shapes.tag("a", image);
        shapes.tag("b", image);
        renamed.tag("other", renamed.image("other"));
        engine.run(rules);
        isDue("a", "b");
        renamed.image("shared");
        renamed.tag("a", image);
        refuseToDelete(PrunerTest::isTag);

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        assertThat(report.items()).anySatisfy(item -> {
            assertThat(item.tag()).isEqualTo("b");
            assertThat(item.reason()).contains("is needed by another tag");
        });
        assertThat(mirror.tags).containsEntry(new Tag("a"), image.digest());
        assertThat(mirror.manifests).containsKey(image.digest());
    }

    @Test
    void tagThatAnotherRepositoryHasByNowStaysAlsoIfItCannotBeCopied() throws IOException {
        Shapes renamed = new Shapes(movesTo());
        renamed.tag("other", renamed.image("other"));
        engine.run(rules);
        isDue("v3");
        renamed.tag("v3", renamed.image("anew"));
        target.gate((index, request) -> {
            if (request.equals("PUT manifest mirror/app v3")) {
                throw new RefusedException(403, "DENIED", "not this one");
            }
        });

        assertThat(engine.runner.plan(rules.rule()).targets().getFirst().prune())
                .isEmpty();
        engine.run(rules);

        assertThat(mirror.tags).containsEntry(new Tag("v3"), gone.digest());
        assertThat(mirror.manifests).containsKeys(gone.digest(), goneSignature.digest());
    }

    @Test
    void whereOnlyManifestsAreDeletedTagThatAnotherTargetOfTheRuleBroughtMeanwhileKeepsItsManifest()
            throws IOException {
        Descriptor image = shapes.image("shared");
        shapes.tag("a", image);
        shapes.tag("b", image);
        engine.run(rules);
        isDue("a", "b");
        CompletedTag known = engine.journal
                .tags()
                .completed("target.test", new RepositoryName("mirror/app"), new Tag("a"))
                .getFirst();
        shapes.tag("new", shapes.image("new"));
        target.gate((index, request) -> {
            if (request.equals("PUT manifest mirror/app new")) {
                engine.journal
                        .tags()
                        .complete(new CompletedTag(
                                known.rule(),
                                known.target(),
                                known.registry(),
                                new RepositoryName("renamed"),
                                known.repository(),
                                known.tag(),
                                known.sourceDigest(),
                                known.targetDigest(),
                                known.scope(),
                                known.nodes(),
                                known.kept(),
                                known.at()));
            } else if (request.startsWith("DELETE") && isTag(request.substring(27))) {
                throw new RefusedException(405, "UNSUPPORTED", "the operation is unsupported");
            }
        });

        ReplicationReport report = engine.run(rules);

        assertThat(report.items()).anySatisfy(item -> {
            assertThat(item.tag()).isEqualTo("a");
            assertThat(item.reason()).isEqualTo("left alone: another run has brought it meanwhile");
        });
        assertThat(mirror.tags).containsEntry(new Tag("a"), image.digest());
        assertThat(mirror.manifests).containsKey(image.digest());
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "z"})
    void whereOnlyManifestsAreDeletedTagThatAnotherRuleMovedKeepsWhatItNamesNow(String moved) throws IOException {
        shapes.tag(moved, shapes.image("before"));
        engine.run(rules);
        MemoryRegistry theirs = new MemoryRegistry("theirs.test", Abilities.ALL);
        Shapes copies = new Shapes(theirs.repository("app"));
        copies.tag(moved, copies.index(List.of(copies.image("image 3"))));
        copies.referrer(gone, "x/sig", "signature");
        Rules other = new Rules(theirs).to(target);
        other.name = "other";
        engine.run(other);
        assertThat(mirror.tags).containsEntry(new Tag(moved), gone.digest());
        rules.onConflict = OnConflict.KEEP;
        isDue("v3", moved);
        refuseToDelete(PrunerTest::isTag);

        engine.run(rules);

        assertThat(mirror.tags).containsEntry(new Tag(moved), gone.digest());
        assertThat(mirror.manifests).containsKeys(gone.digest(), goneSignature.digest());
    }

    @Test
    void targetThatDeletesNothingIsAFailureWithARemedy() throws IOException {
        isDue("v3");
        refuseToDelete(reference -> true);

        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.PARTLY);
        assertThat(report.items()).anySatisfy(item -> {
            assertThat(item.state()).isEqualTo(ItemReport.State.FAILED);
            assertThat(item.failure().orElseThrow().cause()).contains("REGISTRY_STORAGE_DELETE_ENABLED=true");
        });
        assertThat(mirror.tags).containsKey(new Tag("v3"));

        target.gate((index, request) -> {});
        assertThat(engine.run(rules).targets().getFirst().pruned())
                .as("when it is allowed")
                .isEqualTo(1);
    }

    @Test
    void moreThanTheShareMeansNone() throws IOException {
        app.tags.remove(new Tag("v3"));
        app.tags.remove(new Tag("v4"));
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(8));

        ReplicationReport report = engine.run(rules);

        assertThat(report.items()).anySatisfy(item -> assertThat(item.reason()).contains("2 of 10 tags are gone"));
        assertThat(mirror.tags).containsKeys(new Tag("v3"), new Tag("v4"));
    }

    @Test
    void emptyOrFailedListDeletesNothing() throws IOException {
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        app.tags.clear();
        engine.run(rules);
        source.gate((index, request) -> {
            if (request.startsWith("GET tags")) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "500");
            }
        });
        engine.run(rules);

        assertThat(mirror.tags.keySet().stream().filter(tag -> tag.value().startsWith("v")))
                .hasSize(10);
        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void listThatMayBeCutDeletesNothingAndSaysSo() throws IOException {
        isDue("v3");
        app.listMayBeCut = true;

        assertThat(engine.runner.plan(rules.rule()).targets().getFirst().pruning())
                .singleElement()
                .satisfies(step -> {
                    assertThat(step.action()).isEqualTo(PruneStep.Action.KEEP);
                    assertThat(step.repository()).isEqualTo(new RepositoryName("mirror/app"));
                    assertThat(step.reason()).contains("the source's list of tags may be cut");
                });
        shapes.tag("v10", shapes.image("new"));
        ReplicationReport report = engine.run(rules);

        assertThat(report.outcome()).isEqualTo(ReplicationReport.Outcome.COMPLETE);
        assertThat(report.items())
                .anySatisfy(item -> assertThat(item.reason()).contains("the source's list of tags may be cut"));
        assertThat(target.requests("DELETE")).isEmpty();
        assertThat(mirror.tags).containsKey(new Tag("v3"));
        Completeness.assertComplete(app, "v10", target, "mirror/app");

        app.listMayBeCut = false;
        assertThat(engine.run(rules).targets().getFirst().pruned()).isEqualTo(1);
    }

    @Test
    void whereTheTargetMayHaveMoreTagsThanItListsNoManifestGoes() throws IOException {
        isDue("v3");
        mirror.listMayBeCut = true;

        assertThat(engine.run(rules).targets().getFirst().pruned()).isEqualTo(1);

        assertThat(mirror.tags).doesNotContainKey(new Tag("v3"));
        assertThat(mirror.manifests).containsKeys(gone.digest(), goneSignature.digest());
    }

    @Test
    void whereTheTargetRefusesToListItsTagsOnlyTheTagGoes() throws IOException {
        isDue("v3");
        target.gate((index, request) -> {
            if (request.startsWith("GET tags")) {
                throw new RefusedException(403, "DENIED", "no lists for you");
            }
        });

        assertThat(engine.runner.plan(rules.rule()).targets().getFirst().pruning())
                .singleElement()
                .satisfies(step -> {
                    assertThat(step.reason()).contains("the tag only: the target refuses to list its tags");
                    assertThat(step.manifests()).isEmpty();
                });
        ReplicationReport report = engine.run(rules);

        assertThat(report.targets().getFirst().pruned()).isEqualTo(1);
        assertThat(report.items())
                .anySatisfy(item ->
                        assertThat(item.reason()).startsWith("the tag only: the target refuses to list its tags"));
        assertThat(mirror.tags).doesNotContainKey(new Tag("v3"));
        assertThat(mirror.manifests).containsKeys(gone.digest(), goneSignature.digest());
    }

    @Test
    void whereOnlyManifestsAreDeletedTagStaysIfTheTargetRefusesToListOthers() throws IOException {
        isDue("v3");
        target.gate((index, request) -> {
            if (request.startsWith("GET tags") || request.equals("DELETE manifest mirror/app v3")) {
                throw new RefusedException(405, "UNSUPPORTED", "the operation is unsupported");
            }
        });

        ReplicationReport report = engine.run(rules);

        assertThat(report.targets().getFirst().pruned()).isZero();
        assertThat(mirror.tags).containsEntry(new Tag("v3"), gone.digest());
        assertThat(mirror.manifests).containsKeys(gone.digest(), goneSignature.digest());
    }

    @Test
    void imagesOfAnIndexThatTheTargetRefusesToDeleteStayWithIt() throws IOException {
        isDue("v3");
        refuseToDelete(reference -> reference.equals(gone.digest().toString()));

        ReplicationReport report = engine.run(rules);

        assertThat(report.targets().getFirst().pruned()).isEqualTo(1);
        assertThat(mirror.tags).doesNotContainKey(new Tag("v3"));
        assertThat(mirror.manifests)
                .doesNotContainKey(goneSignature.digest())
                .containsKeys(gone.digest(), goneImage.digest());
        assertThat(report.items())
                .anySatisfy(item -> assertThat(item.reason())
                        .contains("it refuses to delete 1 others", "2 that belong to those stay with them"));
    }

    @Test
    void imagesOfAnIndexThatTheTargetKeepsStayWithItAndGoWithItLater() throws IOException {
        isDue("v3");
        mirror.undeletable.add(gone.digest());

        assertThat(engine.run(rules).items())
                .anySatisfy(item -> assertThat(item.reason()).contains("stay: the target has it still"));
        assertThat(mirror.tags).doesNotContainKey(new Tag("v3"));
        assertThat(mirror.manifests).containsKeys(gone.digest(), goneImage.digest());

        mirror.undeletable.clear();
        engine.clock.pass(Duration.ofDays(8));
        engine.run(rules);
        assertThat(mirror.manifests).doesNotContainKeys(gone.digest(), goneImage.digest());
    }

    @Test
    void whatStayedForAForeignTagGoesWhenThatIsGone() throws IOException {
        new Shapes(mirror).tag("theirs", gone);
        isDue("v3");
        engine.run(rules);
        assertThat(mirror.manifests).containsKeys(gone.digest(), goneImage.digest(), goneSignature.digest());

        mirror.tags.remove(new Tag("theirs"));
        engine.clock.pass(Duration.ofDays(8));
        engine.run(rules);
        assertThat(mirror.manifests).doesNotContainKeys(gone.digest(), goneImage.digest(), goneSignature.digest());
    }

    @Test
    void whatCouldNotBeForeseenToGoIsLeftOver() throws IOException {
        isDue("v3");
        // The plan does not know what that needs, and the run brings back what it was at.
        Digest right = mirror.tags.get(new Tag("v5"));
        mirror.tags.put(new Tag("v5"), mirror.tags.get(new Tag("v6")));
        engine.run(rules);
        assertThat(mirror.tags).containsEntry(new Tag("v5"), right).doesNotContainKey(new Tag("v3"));
        assertThat(mirror.manifests).containsKeys(gone.digest(), goneImage.digest(), goneSignature.digest());

        engine.clock.pass(Duration.ofDays(8));
        engine.run(rules);
        assertThat(mirror.manifests).doesNotContainKeys(gone.digest(), goneImage.digest(), goneSignature.digest());
    }

    @Test
    void whatStaysBecauseTheTargetRefusesToListItsTagsIsLeftOver() throws IOException {
        isDue("v3");
        target.gate((index, request) -> {
            if (request.startsWith("GET tags")) {
                throw new RefusedException(403, "DENIED", "no lists for you");
            }
        });
        engine.run(rules);
        assertThat(mirror.tags).doesNotContainKey(new Tag("v3"));

        target.gate((index, request) -> {});
        engine.clock.pass(Duration.ofDays(8));
        engine.run(rules);
        assertThat(mirror.manifests).doesNotContainKeys(gone.digest(), goneImage.digest(), goneSignature.digest());
    }

    @Test
    void nothingIsPrunedUnlessTheRuleSaysSo() throws IOException {
        rules.prune = PruneConfig.OFF;
        app.tags.remove(new Tag("v3"));
        engine.run(rules);
        engine.clock.pass(Duration.ofDays(99));
        engine.run(rules);

        assertThat(target.requests("DELETE")).isEmpty();
    }
}
