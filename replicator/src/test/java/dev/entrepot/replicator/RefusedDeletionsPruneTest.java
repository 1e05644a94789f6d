package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What prune makes of what a target refuses to delete, or keeps for itself. */
class RefusedDeletionsPruneTest extends LeftoverFixture {
    private static RegistryException refusal(int status) {
        return status == 403
                ? new UnauthorizedException(403, "these credentials may not delete")
                : new RefusedException(status, "", "it is locked");
    }

    private void refuse(int status, Predicate<String> request) {
        target.gate((index, line) -> {
            if (request.test(line)) {
                throw refusal(status);
            }
        });
    }

    private static String deletionOf(Descriptor manifest) {
        return "DELETE manifest mirror/app " + manifest.digest();
    }

    private void isDue() throws IOException {
        shapes.tag("v2", shapes.image("other"));
        complete();
        app.tags.remove(new Tag("v1"));
        complete();
        engine.clock.pass(PAST);
    }

    // Under a tag that is pruned

    @ParameterizedTest
    @ValueSource(ints = {403, 405, 409})
    void subjectUnderAPrunedTagStaysWithAReferrerThatTheTargetRefusesToDelete(int status) throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor signature = shapes.referrer(image, "x/sig", "signature");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", image);
        isDue();
        refuse(status, deletionOf(signature)::equals);

        complete();

        assertThat(mirror.tags).doesNotContainKey(new Tag("v1"));
        assertThat(mirror.manifests)
                .containsKeys(image.digest(), signature.digest())
                .doesNotContainKey(sbom.digest());
        assertThat(listed(mirror, image)).containsExactly(signature.digest());

        target.gate((index, request) -> {});
        engine.clock.pass(PAST);
        complete();
        assertThat(mirror.manifests).doesNotContainKeys(image.digest(), signature.digest());
        assertThat(mirror.tags).doesNotContainKey(image.digest().referrersTag());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void imageUnderAPrunedTagThatTheTargetRefusesToDeleteKeepsItsSignatures(boolean deletesTags) throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor referrer = shapes.referrer(image, "x/sig", "signature");
        Tag cosign = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(cosign.value(), shapes.image("cosign"));
        Descriptor index = shapes.index(List.of(image));
        shapes.tag("v1", index);
        isDue();
        Digest signature = mirror.tags.get(cosign);
        refuse(
                405,
                line -> line.equals(deletionOf(image))
                        || !deletesTags && line.startsWith("DELETE") && !line.contains(" sha256:"));

        complete();

        assertThat(mirror.manifests)
                .containsKeys(image.digest(), signature)
                .doesNotContainKeys(index.digest(), referrer.digest());
        assertThat(mirror.tags).containsEntry(cosign, signature);
        assertThat(listed(mirror, image)).as("what has gone").isEmpty();

        target.gate((index1, request) -> {});
        engine.clock.pass(PAST);
        complete();
        assertThat(mirror.manifests).doesNotContainKeys(image.digest(), signature);
        assertThat(mirror.tags).containsOnlyKeys(new Tag("v2"));
    }

    @ParameterizedTest
    @ValueSource(ints = {403, 405, 409})
    void targetThatRefusesEveryDeletionIsToldToDeleteTwoScoreOfTheTagsThatAreDue(int status) throws IOException {
        IntStream.range(0, 200).forEach(i -> shapes.tag("gone" + i, shapes.image("image " + i)));
        shapes.tag("stays", shapes.image("stays"));
        complete();
        app.tags.keySet().removeIf(tag -> tag.value().startsWith("gone"));
        complete();
        engine.clock.pass(PAST);
        refuse(status, line -> line.startsWith("DELETE"));
        target.forgetRequests();

        ReplicationReport report = engine.run(rules);

        assertThat(report.targets().getFirst().failed()).isEqualTo(200);
        assertThat(target.requests("DELETE manifest").stream().distinct()).hasSizeBetween(40, 41);
        assertThat(mirror.tags).hasSize(201);

        target.gate((index, request) -> {});
        complete();
        assertThat(mirror.tags).containsOnlyKeys(new Tag("stays"));
        assertThat(mirror.manifests).hasSize(1);
    }

    @Test
    void manyTagsThatAreLockedDoNotKeepTheOthersForGood() throws IOException {
        IntStream.range(100, 200).forEach(i -> shapes.tag("gone" + i, shapes.image("image " + i)));
        shapes.tag("stays", shapes.image("stays"));
        complete();
        app.tags.keySet().removeIf(tag -> tag.value().startsWith("gone"));
        complete();
        engine.clock.pass(PAST);
        refuse(409, line -> line.matches("DELETE manifest mirror/app gone1[0-8].*"));

        for (int i = 0; i < 10; i++) {
            engine.run(rules);
            engine.clock.pass(Duration.ofSeconds(61));
        }

        assertThat(mirror.tags).hasSize(91).doesNotContainKey(new Tag("gone195"));
    }

    @Test
    void tagThatIsLockedDoesNotMakeTheTargetOneThatDeletesNone() throws IOException {
        Descriptor shared = shapes.image("shared");
        shapes.tag("a", shapes.image("first"));
        shapes.tag("b", shapes.image("locked"));
        shapes.tag("c", shared);
        shapes.tag("stays", shared);
        complete();
        List.of("a", "b", "c").forEach(tag -> app.tags.remove(new Tag(tag)));
        complete();
        engine.clock.pass(PAST);
        refuse(405, "DELETE manifest mirror/app b"::equals);

        ReplicationReport report = engine.run(rules);

        assertThat(report.targets().getFirst().failed()).isEqualTo(1);
        assertThat(mirror.tags).containsOnlyKeys(new Tag("b"), new Tag("stays"));
    }

    @ParameterizedTest
    @MethodSource("abilities")
    void signatureOfASignatureGoesAfterIt(Abilities abilities) throws IOException {
        use(abilities);
        Descriptor image = shapes.image("amd64");
        Descriptor cosign = shapes.image("cosign");
        Descriptor second = shapes.image("cosign of cosign");
        Descriptor referrer = shapes.referrer(cosign, "x/sig", "signature of cosign");
        shapes.tag(Shapes.stem(image) + ".sig", cosign);
        shapes.tag(Shapes.stem(cosign) + ".sig", second);
        shapes.tag("v1", image);
        isDue();
        target.forgetRequests();

        complete();

        assertThat(target.requests("DELETE manifest mirror/app sha256:"))
                .filteredOn(line -> List.of(image, cosign, second, referrer).stream()
                        .anyMatch(manifest -> line.equals(deletionOf(manifest))))
                .containsExactly(deletionOf(referrer), deletionOf(image), deletionOf(cosign), deletionOf(second));
        assertThat(mirror.tags).containsOnlyKeys(new Tag("v2"));
    }

    @Test
    void restOfAGraphStaysWithAnIndexThatTheTargetNeitherDeletesNorShows() throws IOException {
        Descriptor child = shapes.image("amd64");
        Descriptor index = shapes.index(List.of(child));
        shapes.tag("v1", index);
        isDue();
        refuse(403, line -> line.equals(deletionOf(index)) || line.equals("GET manifest mirror/app " + index.digest()));

        assertThat(complete().items())
                .anySatisfy(item ->
                        assertThat(item.reason()).contains("it refuses to delete 1 others: these credentials may not"));

        assertThat(mirror.manifests).containsKeys(index.digest(), child.digest());
    }

    @Test
    void manifestsOfAPrunedTagThatCannotBeReadStayBesideWhatAnotherTagNeedsAndTheTagGoes() throws IOException {
        Descriptor shared = shapes.image("amd64");
        Descriptor own = shapes.image("arm64");
        Descriptor index = shapes.index(List.of(shared, own));
        shapes.tag("v1", index);
        shapes.tag("v3", shared);
        isDue();
        refuse(403, ("GET manifest mirror/app " + own.digest())::equals);

        assertThat(complete().targets().getFirst().pruned()).isEqualTo(1);

        assertThat(mirror.tags).doesNotContainKey(new Tag("v1"));
        assertThat(mirror.manifests).containsKeys(index.digest(), own.digest(), shared.digest());

        target.gate((number, request) -> {});
        engine.clock.pass(PAST);
        complete();
        assertThat(mirror.manifests)
                .doesNotContainKeys(index.digest(), own.digest())
                .containsKey(shared.digest());
    }

    // Of what is left over

    private void move(Descriptor from) throws IOException {
        shapes.tag("v1", from);
        complete();
        shapes.tag("v1", shapes.image("new"));
        complete();
        engine.clock.pass(PAST);
    }

    @Test
    void targetThatDeletesNothingIsToldSoOnceADayHoweverMuchIsLeftOver() throws IOException {
        int tags = LeftoverDeletion.REFUSALS + 2;
        for (int i = 0; i < tags; i++) {
            shapes.tag("v" + i, shapes.index(List.of(shapes.image("old " + i))));
        }
        complete();
        for (int i = 0; i < tags; i++) {
            shapes.tag("v" + i, shapes.image("new " + i));
        }
        complete();
        engine.clock.pass(PAST);
        refuseDeletes();
        target.forgetRequests();

        ReplicationReport first = complete();

        assertThat(target.requests("DELETE")).hasSize(LeftoverDeletion.REFUSALS);
        assertThat(first.items())
                .filteredOn(item -> item.reason().contains("left over"))
                .allSatisfy(item -> assertThat(item.state()).isEqualTo(ItemReport.State.SKIPPED))
                .anySatisfy(item -> assertThat(item.reason())
                        .startsWith((LeftoverDeletion.REFUSALS + 5) + " manifests left over stay: the target refuses")
                        .contains("REGISTRY_STORAGE_DELETE_ENABLED=true", "the operation is unsupported"));

        target.forgetRequests();
        ReplicationReport second = complete();

        assertThat(target.requests("DELETE")).isEmpty();
        assertThat(target.requests("GET")).isEmpty();
        assertThat(second.items())
                .filteredOn(item -> item.reason().contains("left over"))
                .singleElement()
                .satisfies(item -> assertThat(item.reason())
                        .startsWith(2 * tags + " manifests left over stay: the target refuses to delete it")
                        .contains("it is told to again by a run after"));
        assertThat(planned())
                .singleElement()
                .satisfies(step -> assertThat(step.action()).isEqualTo(PruneStep.Action.KEEP));

        target.gate((index, request) -> {});
        engine.clock.pass(LeftoverPauses.MEMORY);
        assertThat(complete().targets().getFirst().pruned())
                .as("when it is allowed")
                .isEqualTo(2 * tags);
    }

    private void leaveOver(int count) throws IOException {
        for (String which : List.of("old", "new")) {
            for (int i = 0; i < count; i++) {
                shapes.tag("v" + i, shapes.image(which + " " + i));
            }
            complete();
        }
        engine.clock.pass(PAST);
    }

    private void lock(int status, Set<String> locked, int count) {
        target.gate((index, request) -> {
            if (request.startsWith("DELETE manifest mirror/app sha256:")
                    && (locked.contains(request) || locked.size() < count && locked.add(request))) {
                throw status == 405
                        ? new RefusedException(405, "UNSUPPORTED", "the operation is disallowed on this image")
                        : refusal(status);
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {403, 405, 409})
    void someThatAreLockedDoNotKeepTheOthers(int status) throws IOException {
        leaveOver(20);
        Set<String> locked = new HashSet<>();
        lock(status, locked, 10);

        assertThat(complete().targets().getFirst().pruned()).isEqualTo(10);

        assertThat(locked).hasSize(10);
        assertThat(mirror.manifests).hasSize(20 + 10);
    }

    @ParameterizedTest
    @ValueSource(ints = {403, 405})
    void whereManyAreLockedOthersGetTheirTurnTheNextDay(int status) throws IOException {
        leaveOver(LeftoverDeletion.REFUSALS + 10);
        Set<String> locked = new HashSet<>();
        lock(status, locked, LeftoverDeletion.REFUSALS);
        target.forgetRequests();

        assertThat(complete().targets().getFirst().pruned()).isZero();
        assertThat(complete().targets().getFirst().pruned()).isZero();
        assertThat(target.requests("DELETE")).as("in one day").hasSize(LeftoverDeletion.REFUSALS);

        engine.clock.pass(LeftoverPauses.MEMORY);
        assertThat(complete().targets().getFirst().pruned()).isEqualTo(10);
    }

    @Test
    void oneThatIsLockedDoesNotKeepTheOthers() throws IOException {
        Descriptor locked = shapes.image("amd64");
        Descriptor other = shapes.image("arm64");
        move(shapes.index(List.of(locked, other)));
        refuse(403, deletionOf(locked)::equals);

        assertThat(complete().targets().getFirst().pruned()).isEqualTo(2);
        assertThat(mirror.manifests).containsKey(locked.digest()).doesNotContainKey(other.digest());

        target.gate((index, request) -> {});
        assertThat(complete().targets().getFirst().pruned()).isEqualTo(1);
        assertThat(mirror.manifests).doesNotContainKey(locked.digest());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void imageLeftOverThatTheTargetRefusesToDeleteKeepsItsSignatures(boolean deletesTags) throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor referrer = shapes.referrer(image, "x/sig", "signature");
        Tag cosign = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(cosign.value(), shapes.image("cosign"));
        Descriptor index = shapes.index(List.of(image));
        move(index);
        Digest signature = mirror.tags.get(cosign);
        refuse(
                405,
                line -> line.equals(deletionOf(image))
                        || !deletesTags && line.startsWith("DELETE") && !line.contains(" sha256:"));

        assertThat(complete().targets().getFirst().pruned()).isEqualTo(2);

        assertThat(mirror.manifests)
                .containsKeys(image.digest(), signature)
                .doesNotContainKeys(index.digest(), referrer.digest());
        assertThat(mirror.tags).containsEntry(cosign, signature);
        assertThat(listed(mirror, image)).as("what has gone").isEmpty();

        target.gate((index1, request) -> {});
        complete();
        assertThat(mirror.manifests).doesNotContainKeys(image.digest(), signature);
        assertThat(mirror.tags).containsOnlyKeys(new Tag("v1"));
    }

    @Test
    void whatACosignTagOfTheImageNamesStaysWhereAnotherTagNamesIt() throws IOException {
        Descriptor image = shapes.image("amd64");
        Tag cosign = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(cosign.value(), shapes.image("cosign"));
        move(image);
        Digest signature = mirror.tags.get(cosign);
        Tag odd = new Tag("sha512-" + "a".repeat(64) + ".sig");
        mirror.tags.put(odd, signature);
        refuseTagDeletes();

        complete();

        assertThat(mirror.manifests).containsKey(signature).doesNotContainKey(image.digest());
        assertThat(mirror.tags).containsEntry(odd, signature);
    }

    // As what an index was that the source does not have any more, and the target does not give.
    private Descriptor unreadable(Descriptor... children) throws IOException {
        Descriptor index = shapes.index(List.of(children));
        shapes.tag("v1", index);
        complete();
        app.manifests.remove(index.digest());
        refuse(403, ("GET manifest mirror/app " + index.digest())::equals);
        return index;
    }

    private void thenIs(Descriptor next) throws IOException {
        engine.clock.pass(Duration.ofDays(1));
        shapes.tag("v1", next);
        complete();
    }

    @Test
    void whatIsLeftOverAndCannotBeReadStaysWithWhatItMayNameAndIsReadOnceADay() throws IOException {
        Descriptor child = shapes.image("amd64");
        Descriptor before = shapes.image("before");
        shapes.tag("v1", before);
        complete();
        Descriptor index = unreadable(child);
        thenIs(shapes.image("new"));
        engine.clock.pass(PAST);
        target.forgetRequests();

        assertThat(complete().items())
                .anySatisfy(item -> assertThat(item.reason()).contains("what it names cannot be read"))
                .anySatisfy(item -> assertThat(item.reason())
                        .contains("it was under v1 with " + index.digest() + ", which cannot be read"));
        assertThat(mirror.manifests)
                .containsKeys(index.digest(), child.digest())
                .doesNotContainKey(before.digest());

        target.gate((number, request) -> {});
        assertThat(complete().items())
                .anySatisfy(item -> assertThat(item.reason()).contains("it is read again by a run after"));
        assertThat(target.requests(("GET manifest mirror/app " + index.digest())::equals))
                .hasSize(1);
        assertThat(mirror.manifests).containsKeys(index.digest(), child.digest());

        engine.clock.pass(LeftoverPauses.MEMORY);
        complete();
        assertThat(mirror.manifests).doesNotContainKeys(index.digest(), child.digest());
    }

    @Test
    void onlyWhatItNamesStaysWithWhatCannotBeReadWhereTheSourceHasIt() throws IOException {
        Descriptor child = shapes.image("amd64");
        Descriptor shared = shapes.image("arm64");
        Descriptor index = unreadable(child, shared);
        Descriptor next = shapes.index(List.of(shared, shapes.image("other")));
        assertThat(shapes.index(List.of(child, shared)).digest()).isEqualTo(index.digest());
        thenIs(next);
        thenIs(shapes.image("new"));
        engine.clock.pass(PAST);

        complete();
        complete();

        assertThat(mirror.manifests)
                .containsKeys(index.digest(), child.digest(), shared.digest())
                .doesNotContainKey(next.digest())
                .hasSize(3 + 1);
    }

    @Test
    void listOfAnImageThatWentBeforeTheDeletionWasBrokenOffGoesWithTheNextRun() throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.referrer(image, "x/sig", "signature");
        Tag list = image.digest().referrersTag();
        move(image);
        target.gate((index, request) -> {
            if (request.equals("DELETE manifest mirror/app " + list)) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "503 for a moment");
            }
        });
        assertThat(engine.run(rules).targets().getFirst().failed()).isEqualTo(1);
        assertThat(mirror.manifests).doesNotContainKey(image.digest());
        assertThat(mirror.tags).containsKey(list);

        target.gate((index, request) -> {});
        complete();

        assertThat(mirror.tags).doesNotContainKey(list);
        assertThat(planned()).isEmpty();
    }

    @Test
    void signatureLeftOverGoesThoughItsImageWentBeforeTheDeletionWasBrokenOff() throws IOException {
        Descriptor image = shapes.image("amd64");
        Tag cosign = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(cosign.value(), shapes.image("cosign"));
        move(image);
        Digest signature = mirror.tags.get(cosign);
        target.gate((index, request) -> {
            if (request.equals("DELETE manifest mirror/app " + signature)) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "503 for a moment");
            }
        });
        assertThat(engine.run(rules).targets().getFirst().failed()).isEqualTo(1);
        assertThat(mirror.manifests).doesNotContainKey(image.digest()).containsKey(signature);
        // As where the process ended before the tag went.
        mirror.tags.put(cosign, signature);

        target.gate((index, request) -> {});
        complete();

        assertThat(mirror.manifests).doesNotContainKey(signature);
        assertThat(mirror.tags).containsOnlyKeys(new Tag("v1"));
    }

    @Test
    void oneThatIsLockedDoesNotKeepTheOthersWhereTheTargetAnswersAsIfItDeletedNothing() throws IOException {
        Descriptor one = shapes.image("amd64");
        Descriptor other = shapes.image("arm64");
        Descriptor index = shapes.index(List.of(one, other));
        move(index);
        mirror.manifests.remove(index.digest());
        AtomicReference<String> locked = new AtomicReference<>();
        target.gate((number, request) -> {
            if ((request.equals(deletionOf(one)) || request.equals(deletionOf(other)))
                    && (locked.compareAndSet(null, request) || request.equals(locked.get()))) {
                // As some registries answer for what is locked.
                throw new RefusedException(405, "UNSUPPORTED", "the operation is disallowed on this image");
            }
        });

        assertThat(complete().targets().getFirst().pruned()).isEqualTo(1);

        Descriptor free = deletionOf(one).equals(locked.get()) ? other : one;
        assertThat(mirror.manifests).doesNotContainKey(free.digest());
    }

    @Test
    void refusalsOfOneRuleDoNotKeepAnotherFromDeletingItsOwn() throws IOException {
        shapes.tag("theirs", shapes.image("their old"));
        Rules others = new Rules(source).to(target);
        others.name = "others";
        others.tags = named("theirs");
        others.prune = rules.prune;
        rules.tags = named("v1");
        Descriptor theirs = shapes.image("their old");
        Descriptor ours = shapes.image("our old");
        engine.run(others);
        shapes.tag("v1", ours);
        complete();
        shapes.tag("v1", shapes.image("our new"));
        shapes.tag("theirs", shapes.image("their new"));
        engine.run(others);
        complete();
        engine.clock.pass(PAST);
        // The credentials of one of them may not.
        refuse(403, line -> line.startsWith("DELETE"));
        complete();
        target.gate((index, request) -> {});

        assertThat(engine.run(others).targets().getFirst().pruned()).isEqualTo(1);

        assertThat(mirror.manifests).containsKey(ours.digest()).doesNotContainKey(theirs.digest());
    }

    @Test
    void whatNobodyAnsweredIsTriedAgainByTheNextRunThoughAnotherWasRefused() throws IOException {
        Descriptor locked = shapes.image("amd64");
        Descriptor other = shapes.image("arm64");
        Descriptor index = shapes.index(List.of(locked, other));
        move(index);
        mirror.manifests.remove(index.digest());
        target.gate((number, request) -> {
            if (request.equals(deletionOf(locked))) {
                throw refusal(409);
            }
            if (request.equals(deletionOf(other))) {
                throw new OutageException(OutageException.Reason.SERVER_ERROR, "503 for a moment");
            }
        });
        assertThat(engine.run(rules).targets().getFirst().failed()).isEqualTo(1);

        refuse(409, deletionOf(locked)::equals);

        assertThat(complete().targets().getFirst().pruned()).isEqualTo(1);
        assertThat(mirror.manifests).containsKey(locked.digest()).doesNotContainKey(other.digest());
    }

    @Test
    void subjectLeftOverStaysWithAReferrerThatATagOfCosignNames() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        Descriptor signature = shapes.referrer(image, "x/sig", "signature");
        move(image);
        Tag theirs = new Tag("sha512-" + "a".repeat(64) + ".sbom");
        mirror.tags.put(theirs, sbom.digest());

        asPlanned();

        assertThat(mirror.manifests).containsKeys(image.digest(), sbom.digest(), signature.digest());
        assertThat(listed(mirror, image)).contains(sbom.digest());

        mirror.tags.remove(theirs);
        asPlanned();
        assertThat(mirror.manifests).doesNotContainKeys(image.digest(), sbom.digest(), signature.digest());
    }

    @Test
    void subjectLeftOverStaysWithAReferrerThatATagOfCosignComesToName() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        move(image);
        Tag theirs = new Tag("sha512-" + "a".repeat(64) + ".sbom");
        target.forgetRequests();
        target.gate((index, request) -> {
            // For the deletion, not for the plan.
            if (request.equals("GET manifest mirror/app " + sbom.digest())
                    && target.requests("GET tags").size() == 2) {
                engine.clock.pass(TagNeeds.LIST_AGE);
                mirror.tags.put(theirs, sbom.digest());
            }
        });

        complete();

        assertThat(mirror.tags).containsEntry(theirs, sbom.digest());
        assertThat(mirror.manifests).containsKeys(image.digest(), sbom.digest());
    }

    @Test
    void reasonsAreNamedUpToANumberHoweverManyThereAre() {
        Map<String, Integer> reasons = new LinkedHashMap<>();
        IntStream.range(0, 15).forEach(i -> reasons.put("reason " + i, 2));

        assertThat(PrunePlanner.kept(reasons))
                .hasSize(11)
                .contains("2 manifests left over stay: reason 9", "10 manifests left over stay: 5 other reasons");
    }
}
