package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.config.Percent;
import dev.entrepot.config.PruneConfig;
import dev.entrepot.config.ReferrersConfig;
import dev.entrepot.config.ReplicationRuleConfig.OnConflict;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What prune makes of what a tag was at before it moved. */
class MovedTagPruneTest extends LeftoverFixture {
    private record Moved(Descriptor old, Descriptor child, Descriptor signature) {}

    private Moved moved() throws IOException {
        Descriptor child = shapes.image("old amd64");
        Descriptor shared = shapes.image("shared arm64");
        Descriptor old = shapes.index(List.of(child, shared));
        Descriptor signature = shapes.referrer(old, "x/sig", "signature");
        shapes.tag("latest", old);
        complete();
        shapes.tag("latest", shapes.index(List.of(shapes.image("new amd64"), shared)));
        complete();
        return new Moved(old, child, signature);
    }

    @ParameterizedTest
    @MethodSource("abilities")
    void whatATagWasAtBeforeItMovedGoesAfterTheGraceTime(Abilities abilities) throws IOException {
        use(abilities);
        Moved moved = moved();
        engine.clock.pass(Duration.ofDays(6));
        complete();
        assertThat(mirror.manifests)
                .containsKeys(moved.old().digest(), moved.signature().digest());
        engine.clock.pass(Duration.ofDays(2));

        assertThat(planned())
                .extracting(PruneStep::name)
                .containsExactly(
                        "mirror/app@" + moved.signature().digest(),
                        "mirror/app@" + moved.old().digest(),
                        "mirror/app@" + moved.child().digest());
        assertThat(planned().getLast().reason()).startsWith("left over: it has not belonged to latest since");
        assertThat(asPlanned().targets().getFirst().pruned()).isEqualTo(3);

        assertThat(mirror.manifests)
                .doesNotContainKeys(
                        moved.old().digest(),
                        moved.child().digest(),
                        moved.signature().digest());
        assertThat(mirror.tags).doesNotContainKey(moved.old().digest().referrersTag());
        Completeness.assertComplete(app, "latest", target, "mirror/app");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatATagWasAtNotLongAgoStaysThoughItIsUnderATagThatIsDueToo(boolean deletesTags) throws IOException {
        Descriptor child = shapes.image("old amd64");
        Descriptor signature = shapes.referrer(child, "x/sig", "signature");
        Descriptor old = shapes.index(List.of(child));
        shapes.tag("latest", old);
        shapes.tag("v1", child);
        complete();
        app.tags.remove(new Tag("v1"));
        complete();
        engine.clock.pass(Duration.ofDays(6));
        shapes.tag("latest", shapes.image("new"));
        complete();
        engine.clock.pass(Duration.ofDays(2));
        if (!deletesTags) {
            refuseTagDeletes();
        }

        asPlanned();
        assertThat(mirror.tags.containsKey(new Tag("v1"))).isNotEqualTo(deletesTags);
        assertThat(mirror.manifests).containsKeys(old.digest(), child.digest(), signature.digest());

        engine.clock.pass(PAST);
        complete();
        engine.clock.pass(PAST);
        complete();
        assertThat(mirror.tags).doesNotContainKey(new Tag("v1"));
        assertThat(mirror.manifests).doesNotContainKeys(old.digest(), child.digest(), signature.digest());
    }

    @Test
    void indexGoesBeforeTheImagesThatItNames() throws IOException {
        List<Descriptor> children = IntStream.range(0, 8)
                .mapToObj(i -> shapes.image("platform " + i))
                .toList();
        Descriptor old = shapes.index(children);
        // As the journal has them.
        assertThat(children).anyMatch(child -> child.digest().compareTo(old.digest()) < 0);
        shapes.tag("latest", old);
        complete();
        shapes.tag("latest", shapes.image("new"));
        complete();
        engine.clock.pass(PAST);

        assertThat(planned()).hasSize(9).first().returns("mirror/app@" + old.digest(), PruneStep::name);
        asPlanned();
        assertThat(target.requests("DELETE manifest mirror/app sha256:"))
                .hasSize(9)
                .first()
                .isEqualTo("DELETE manifest mirror/app " + old.digest());
    }

    @Test
    void whatIsUnderAnIndexThatTheTargetKeepsStays() throws IOException {
        Moved moved = moved();
        engine.clock.pass(PAST);
        mirror.undeletable.add(moved.old().digest());

        ReplicationReport report = complete();

        assertThat(report.targets().getFirst().pruned()).isEqualTo(1);
        assertThat(report.items())
                .anySatisfy(item -> assertThat(item.reason()).contains("the target has it still"))
                .anySatisfy(item -> assertThat(item.reason())
                        .contains("it belongs to " + moved.old().digest()));
        assertThat(mirror.manifests)
                .containsKeys(moved.old().digest(), moved.child().digest());

        mirror.undeletable.clear();
        complete();
        assertThat(mirror.manifests)
                .doesNotContainKeys(moved.old().digest(), moved.child().digest());
    }

    @Test
    void whatIsUnderAnIndexThatCannotBeDeletedStays() throws IOException {
        Moved moved = moved();
        engine.clock.pass(PAST);
        AtomicBoolean out = new AtomicBoolean(true);
        target.gate((index, request) -> {
            if (out.get()
                    && request.equals(
                            "DELETE manifest mirror/app " + moved.old().digest())) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "503 for a moment");
            }
        });

        ReplicationReport report = engine.run(rules);

        assertThat(report.targets().getFirst().failed()).isEqualTo(1);
        assertThat(report.targets().getFirst().pruned()).isEqualTo(1);
        assertThat(mirror.manifests)
                .containsKeys(moved.old().digest(), moved.child().digest());

        out.set(false);
        assertThat(complete().targets().getFirst().pruned()).isEqualTo(2);
        assertThat(mirror.manifests)
                .doesNotContainKeys(moved.old().digest(), moved.child().digest());
    }

    @Test
    void targetThatRefusesToListItsTagsKeepsAllThatIsLeftOverAndTheReportSaysSo() throws IOException {
        Moved moved = moved();
        engine.clock.pass(PAST);
        target.gate((index, request) -> {
            if (request.startsWith("GET tags")) {
                throw new RefusedException(403, "DENIED", "no lists for you");
            }
        });

        assertThat(complete().items())
                .anySatisfy(item -> assertThat(item.reason())
                        .contains("3 manifests left over stay: the target refuses to list its tags"));
        assertThat(mirror.manifests)
                .containsKeys(
                        moved.old().digest(),
                        moved.child().digest(),
                        moved.signature().digest());
    }

    @Test
    void whatCameFromAnotherSourceIsNotPrunedByWhatThisOneHas() throws IOException {
        Moved moved = moved();
        MemoryRegistry second = new MemoryRegistry("second.test", Abilities.ALL);
        Shapes there = new Shapes(second.repository("app"));
        there.tag("latest", there.image("of the second"));
        rules.source = second.asSource();
        complete();
        engine.clock.pass(PAST);

        assertThat(planned().stream().flatMap(step -> step.manifests().stream()))
                .doesNotContain(moved.old().digest(), moved.child().digest());
        complete();
        assertThat(mirror.manifests)
                .containsKeys(
                        moved.old().digest(),
                        moved.child().digest(),
                        moved.signature().digest());
    }

    @Test
    void whatMovedInARunIsNotDeletedByThatRunEvenWithoutAGraceTime() throws IOException {
        rules.prune = new PruneConfig(true, Duration.ZERO, new Percent(100));
        Moved moved = moved();
        assertThat(mirror.manifests).containsKey(moved.old().digest());
        asPlanned();
        assertThat(mirror.manifests).doesNotContainKey(moved.old().digest());
    }

    @Test
    void whatAnotherTagNeedsStays() throws IOException {
        Moved moved = moved();
        shapes.tag("v1", moved.old());
        complete();
        engine.clock.pass(PAST);

        assertThat(planned()).isEmpty();
        complete();
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void whatIsAboutToBeCopiedAgainStays() throws IOException {
        Moved moved = moved();
        engine.clock.pass(PAST);
        shapes.tag("v1", moved.old());

        assertThat(planned()).isEmpty();
        asPlanned();
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void whatAnotherRuleHasStays() throws IOException {
        Moved moved = moved();
        shapes.tag("stable", moved.old());
        Rules other = new Rules(source).to(target);
        other.name = "other";
        other.tags = named("stable");
        engine.run(other);
        rules.tags = named("latest");
        engine.clock.pass(PAST);

        assertThat(planned()).isEmpty();
        complete();
        Completeness.assertComplete(app, "stable", target, "mirror/app");
    }

    @Test
    void whatABackupTagNeedsStays() throws IOException {
        Moved moved = moved();
        Tag backup = ImagePlan.Backup.name(new Tag("latest"), moved.old().digest());
        mirror.tags.put(backup, moved.old().digest());
        engine.clock.pass(PAST);
        asPlanned();

        assertThat(mirror.tags).containsKey(backup);
        assertThat(mirror.manifests)
                .containsKeys(
                        moved.old().digest(),
                        moved.child().digest(),
                        moved.signature().digest());
    }

    @Test
    void foreignTagKeepsAllThatIsLeftOverAndTheReportSaysSo() throws IOException {
        Moved moved = moved();
        mirror.tags.put(new Tag("theirs"), moved.old().digest());
        engine.clock.pass(PAST);

        assertThat(planned()).singleElement().satisfies(step -> {
            assertThat(step.action()).isEqualTo(PruneStep.Action.KEEP);
            assertThat(step.reason()).contains("3 manifests left over stay").contains("not brought by this process");
        });
        assertThat(asPlanned().items())
                .anySatisfy(item -> assertThat(item.reason()).contains("3 manifests left over stay"));
        assertThat(mirror.manifests)
                .containsKeys(moved.old().digest(), moved.signature().digest());
    }

    @Test
    void whatTheRuleDidNotBringItselfIsNoLeftover() throws IOException {
        Descriptor theirs = new Shapes(mirror).image("theirs");
        new Shapes(mirror).tag("latest", theirs);
        shapes.tag("latest", shapes.image("ours"));
        rules.onConflict = OnConflict.OVERWRITE;
        complete();
        engine.clock.pass(PAST);

        assertThat(planned()).isEmpty();
        complete();
        assertThat(mirror.manifests).containsKey(theirs.digest());
    }

    @Test
    void whatTheRuleWantsNoLongerIsNotGoneAtTheSource() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", image);
        complete();
        rules.referrers = new ReferrersConfig(List.of(), List.of(NamePattern.parse("x/sbom")), List.of());
        complete();
        engine.clock.pass(PAST);

        assertThat(planned()).isEmpty();
        complete();
        assertThat(mirror.manifests).containsKey(sbom.digest());
    }

    // Guards

    @Test
    void nothingIsLeftOverWhileTheRuleDoesNotPrune() throws IOException {
        rules.prune = PruneConfig.OFF;
        Moved moved = moved();
        engine.clock.pass(Duration.ofDays(99));
        complete();
        assertThat(target.requests("DELETE")).isEmpty();

        prune(100);
        complete();
        assertThat(mirror.manifests)
                .as("what was left before")
                .containsKey(moved.old().digest());
    }

    @Test
    void moreThanTheShareMeansNone() throws IOException {
        moved();
        prune(10);
        engine.clock.pass(PAST);

        assertThat(planned()).singleElement().satisfies(step -> {
            assertThat(step.action()).isEqualTo(PruneStep.Action.KEEP);
            assertThat(step.reason()).contains("3 of 6 manifests").contains("raise max-share");
        });
        assertThat(asPlanned().items())
                .anySatisfy(item -> assertThat(item.reason()).contains("3 of 6 manifests"));
        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void whatIsMoreThanTheShareIsReadOnceADayOrWithAnotherShare() throws IOException {
        Moved moved = moved();
        prune(10);
        engine.clock.pass(PAST);
        complete();
        target.forgetRequests();

        assertThat(complete().items())
                .anySatisfy(item ->
                        assertThat(item.reason()).contains("3 of 6 manifests", "it is counted again by a run after"));
        assertThat(target.requests("GET manifest")).isEmpty();

        prune(60);
        assertThat(complete().targets().getFirst().pruned()).isEqualTo(3);
        assertThat(mirror.manifests).doesNotContainKey(moved.old().digest());
    }

    @Test
    void whatWasMoreThanTheShareGoesWhenItIsLess() throws IOException {
        Moved moved = moved();
        prune(40);
        engine.clock.pass(PAST);
        complete();
        for (int i = 0; i < 5; i++) {
            shapes.tag("another" + i, shapes.image("another " + i));
        }
        complete();

        assertThat(complete().targets().getFirst().pruned()).isEqualTo(3);
        assertThat(mirror.manifests).doesNotContainKey(moved.old().digest());
    }

    @Test
    void targetThatGivesNoAnswerFailsAndThePlanSaysSo() throws IOException {
        moved();
        engine.clock.pass(PAST);
        target.gate((index, request) -> {
            if (request.startsWith("GET tags")) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "500");
            }
        });

        assertThat(planned())
                .singleElement()
                .satisfies(step -> assertThat(step.action()).isEqualTo(PruneStep.Action.FAIL));
        assertThat(engine.run(rules).outcome()).isEqualTo(Outcome.PARTLY);
        assertThat(target.requests("DELETE")).isEmpty();
    }

    @Test
    void planSaysWhatGoesAndWhy() throws IOException {
        Moved moved = moved();
        engine.clock.pass(PAST);
        ReplicationPlan plan = engine.runner.plan(rules.rule());

        assertThat(PlanWriter.toText(plan))
                .contains("  prune   mirror/app@" + moved.old().digest()
                        + "  left over: it has not belonged to latest since");
        assertThat(PlanWriter.toJson(plan))
                .contains("\"prune\":[\"mirror/app@" + moved.signature().digest())
                .contains("\"pruning\":[{\"repository\":\"mirror/app\",\"reference\":\""
                        + moved.signature().digest() + "\",\"action\":\"delete\",\"reason\":\"left over");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatATagWasAtGoesAlsoWhereTheAnswerToItsMoveWasLost(boolean staysAtTheSource) throws IOException {
        use(Abilities.ALL);
        Descriptor before = shapes.image("before");
        Descriptor signature = shapes.referrer(before, "x/sig", "signature of before");
        Descriptor after = shapes.image("after");
        shapes.tag("v1", before);
        shapes.tag("v2", shapes.image("other"));
        complete();
        shapes.tag("v1", after);
        target.gate((index, request) -> {
            if (request.equals("PUT manifest mirror/app v1")) {
                mirror.tags.put(new Tag("v1"), after.digest());
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "504");
            }
        });
        assertThat(engine.run(rules).outcome()).isNotEqualTo(Outcome.COMPLETE);
        target.gate((index, request) -> {});
        if (!staysAtTheSource) {
            app.tags.remove(new Tag("v1"));
        }
        complete();
        engine.clock.pass(Duration.ofDays(6));
        complete();
        assertThat(mirror.manifests).containsKeys(before.digest(), signature.digest());
        engine.clock.pass(Duration.ofDays(2));

        assertThat(asPlanned().outcome()).isEqualTo(Outcome.COMPLETE);

        assertThat(mirror.manifests).doesNotContainKeys(before.digest(), signature.digest());
        assertThat(mirror.manifests.containsKey(after.digest())).isEqualTo(staysAtTheSource);
    }

    private record Referred(Descriptor old, Descriptor first, Descriptor second) {}

    private Referred referred() throws IOException {
        Descriptor old = shapes.image("old");
        Descriptor first = shapes.referrer(old, "x/sig", "signature");
        Descriptor second = shapes.referrer(old, "x/sbom", "packages");
        shapes.tag("latest", old);
        complete();
        shapes.tag("latest", shapes.image("new"));
        complete();
        engine.clock.pass(PAST);
        return new Referred(old, first, second);
    }

    @ParameterizedTest
    @MethodSource("abilities")
    void subjectStaysUntilItsReferrersAreGone(Abilities abilities) throws IOException {
        use(abilities);
        Referred referred = referred();
        target.gate((index, request) -> {
            if (request.equals("DELETE manifest mirror/app " + referred.first().digest())) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "503 for a moment");
            }
        });

        ReplicationReport report = engine.run(rules);

        assertThat(report.targets().getFirst().failed()).isEqualTo(1);
        assertThat(report.targets().getFirst().pruned()).isEqualTo(1);
        assertThat(report.items())
                .anySatisfy(item -> assertThat(item.reason())
                        .contains("it goes after " + referred.first().digest()));
        assertThat(mirror.manifests)
                .containsKeys(referred.old().digest(), referred.first().digest())
                .doesNotContainKey(referred.second().digest());
        if (!abilities.referrersApi()) {
            assertThat(listed(mirror, referred.old()))
                    .containsExactly(referred.first().digest());
        }

        target.gate((index, request) -> {});
        assertThat(complete().targets().getFirst().pruned()).isEqualTo(2);
        assertThat(mirror.manifests)
                .doesNotContainKeys(referred.old().digest(), referred.first().digest());
        assertThat(mirror.tags).doesNotContainKey(referred.old().digest().referrersTag());
    }

    @Test
    void subjectStaysWhileTheTargetKeepsAReferrer() throws IOException {
        Referred referred = referred();
        mirror.undeletable.add(referred.first().digest());

        assertThat(complete().targets().getFirst().pruned()).isEqualTo(1);
        assertThat(mirror.manifests)
                .containsKeys(referred.old().digest(), referred.first().digest());

        mirror.undeletable.clear();
        assertThat(complete().targets().getFirst().pruned()).isEqualTo(2);
        assertThat(mirror.manifests)
                .doesNotContainKeys(referred.old().digest(), referred.first().digest());
    }
}
