package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What prune leaves because a tag or a manifest that remains, of whatever kind, needs it. */
class RemainingTagsPruneTest extends LeftoverFixture {
    private static final Tag V1 = new Tag("v1");

    // The tag v1 is due then, and v2 stays.
    private Descriptor staysBesideV1() throws IOException {
        Descriptor stays = shapes.image("stays");
        shapes.tag("v2", stays);
        complete();
        app.tags.remove(V1);
        complete();
        engine.clock.pass(PAST);
        return stays;
    }

    private static Tag cosign(Descriptor subject, String suffix) {
        return new Tag(Shapes.stem(subject) + "." + suffix);
    }

    @ParameterizedTest
    @MethodSource("abilities")
    void referrerUnderAPrunedTagStaysWhereACosignTagOfAnotherImageNamesIt(Abilities abilities) throws IOException {
        use(abilities);
        Descriptor image = shapes.image("amd64");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        Descriptor ofSbom = shapes.referrer(sbom, "x/sig", "signature of the packages");
        Descriptor signature = shapes.referrer(image, "x/sig", "signature");
        shapes.tag("v1", image);
        Descriptor stays = staysBesideV1();
        mirror.tags.put(cosign(stays, "sbom"), sbom.digest());

        complete();

        assertThat(mirror.tags).doesNotContainKey(V1).containsEntry(cosign(stays, "sbom"), sbom.digest());
        assertThat(mirror.manifests)
                .containsKeys(sbom.digest(), ofSbom.digest())
                .doesNotContainKeys(image.digest(), signature.digest());

        // Left over from then on, and the source never had that tag.
        engine.clock.pass(PAST);
        complete();
        assertThat(mirror.tags).containsEntry(cosign(stays, "sbom"), sbom.digest());
        assertThat(mirror.manifests).containsKeys(sbom.digest(), ofSbom.digest());

        mirror.tags.remove(cosign(stays, "sbom"));
        List.of(image, sbom, ofSbom, signature).forEach(withdrawn -> app.manifests.remove(withdrawn.digest()));
        complete();
        assertThat(mirror.manifests).doesNotContainKeys(sbom.digest(), ofSbom.digest());
    }

    @Test
    void planNamesNothingThatACosignTagOfAnotherImageKeeps() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", image);
        Descriptor stays = staysBesideV1();
        mirror.tags.put(cosign(stays, "sbom"), sbom.digest());

        assertThat(planned())
                .singleElement()
                .satisfies(step -> assertThat(step.manifests()).containsExactly(image.digest()));
        asPlanned();
    }

    @Test
    void imageUnderAPrunedTagStaysWhereAnIndexBehindACosignTagListsIt() throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.tag("v1", shapes.index(List.of(image)));
        Descriptor stays = staysBesideV1();
        Descriptor theirs = new Shapes(mirror).index(List.of(image));
        mirror.tags.put(
                cosign(stays, "att"), new Shapes(mirror).index(List.of(theirs)).digest());

        complete();

        assertThat(mirror.tags).doesNotContainKey(V1);
        assertThat(mirror.manifests).containsKey(image.digest());

        engine.clock.pass(PAST);
        complete();
        assertThat(mirror.manifests).as("when it is left over").containsKey(image.digest());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void manifestUnderAPrunedTagStaysWhereTheFallbackTagOfAnotherImageListsIt(boolean deletesTags) throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor sbom = shapes.image("packages in the form of an image");
        shapes.tag("v1", shapes.index(List.of(image, sbom)));
        Descriptor stays = staysBesideV1();
        Shapes theirs = new Shapes(mirror);
        theirs.tag(stays.digest().referrersTag().value(), theirs.index(List.of(Shapes.plain(sbom))));
        if (!deletesTags) {
            refuseTagDeletes();
        }

        complete();

        assertThat(mirror.tags).doesNotContainKey(V1);
        assertThat(mirror.manifests).containsKey(sbom.digest()).doesNotContainKey(image.digest());

        engine.clock.pass(PAST);
        complete();
        assertThat(mirror.manifests).as("when it is left over").containsKey(sbom.digest());
        assertThat(listed(mirror, stays)).containsExactly(sbom.digest());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void manifestThatTheFallbackTagOfAnotherImageListsStaysThoughACosignTagOfOneThatGoesNamesIt(boolean brought)
            throws IOException {
        Descriptor listed = (brought ? shapes : new Shapes(mirror)).image("packages in the form of an image");
        Descriptor image = shapes.image("signed");
        Tag first = new Tag("first");
        Descriptor other = shapes.image("other");
        shapes.tag("first", shapes.index(brought ? List.of(listed, other) : List.of(other)));
        shapes.tag("v1", image);
        Descriptor stays = shapes.image("stays");
        shapes.tag("v2", stays);
        complete();
        List.of(first, V1).forEach(app.tags::remove);
        complete();
        engine.clock.pass(PAST);
        Shapes theirs = new Shapes(mirror);
        theirs.tag(stays.digest().referrersTag().value(), theirs.index(List.of(Shapes.plain(listed))));
        mirror.tags.put(cosign(image, "sig"), listed.digest());
        refuseTagDeletes();

        complete();

        assertThat(mirror.tags).doesNotContainKeys(first, V1);
        assertThat(mirror.manifests).doesNotContainKey(image.digest()).containsKey(listed.digest());
    }

    // The tags index and child, and what keeps the index from going.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatAnIndexListsThatStaysAfterAllStaysThoughItsOwnTagGoesNext(boolean named) throws IOException {
        Descriptor child = shapes.image("amd64");
        Descriptor index = childAndIndexAreDue(child);
        if (named) {
            mirror.tags.put(cosign(shapes.image("stays"), "att"), index.digest());
        } else {
            target.gate((number, request) -> {
                if (request.equals("DELETE manifest mirror/app " + index.digest())) {
                    throw new RefusedException(409, "", "it is locked");
                }
            });
        }

        complete();

        assertThat(mirror.tags).doesNotContainKeys(new Tag("child"), new Tag("index"));
        assertThat(mirror.manifests).containsKeys(index.digest(), child.digest());
    }

    @Test
    void onlyTheTagGoesWhereATagThatBelongsToADigestCannotBeRead() throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.tag("v1", image);
        Descriptor stays = staysBesideV1();
        Shapes theirs = new Shapes(mirror);
        Tag list = stays.digest().referrersTag();
        theirs.tag(list.value(), theirs.index(List.of(Shapes.plain(image))));
        target.gate((index, request) -> {
            if (request.equals("GET manifest mirror/app " + list)) {
                throw new RefusedException(403, "DENIED", "not this one");
            }
        });

        assertThat(complete().items())
                .anySatisfy(item -> assertThat(item.reason()).contains("the tag only", list.value()));

        assertThat(mirror.tags).doesNotContainKey(V1);
        assertThat(mirror.manifests).containsKey(image.digest());
    }

    @Test
    void cosignTagThatComesBeforeTheDeletionKeepsWhatItNames() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", image);
        Descriptor stays = staysBesideV1();
        target.gate((index, request) -> {
            if (request.equals("HEAD manifest mirror/app v1")) {
                engine.clock.pass(TagNeeds.LIST_AGE);
                mirror.tags.put(cosign(stays, "sbom"), sbom.digest());
            }
        });

        complete();

        assertThat(mirror.tags).doesNotContainKey(V1).containsEntry(cosign(stays, "sbom"), sbom.digest());
        assertThat(mirror.manifests).containsKey(sbom.digest());
    }

    @Test
    void signatureThatTwoPrunedImagesShareGoesWithTheSecond() throws IOException {
        Descriptor first = shapes.image("first");
        Descriptor second = shapes.image("second");
        Descriptor shared = shapes.image("cosign");
        shapes.tag(cosign(first, "sig").value(), shared);
        shapes.tag(cosign(second, "sig").value(), shared);
        shapes.tag("v1", first);
        shapes.tag("w1", second);
        app.tags.put(new Tag("v2"), shapes.image("stays").digest());
        complete();
        app.tags.remove(new Tag("w1"));
        app.tags.remove(V1);
        complete();
        engine.clock.pass(PAST);

        asPlanned();

        assertThat(mirror.tags).containsOnlyKeys(new Tag("v2"));
        assertThat(mirror.manifests).doesNotContainKeys(first.digest(), second.digest(), shared.digest());
    }

    @Test
    void whereOnlyManifestsAreDeletedWhatTagsOfSeveralImagesNameOrRefersToAnotherStays() throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.tag("v1", image);
        Descriptor stays = staysBesideV1();
        Shapes theirs = new Shapes(mirror);
        Descriptor shared = theirs.image("signed by the region");
        Descriptor sbom = theirs.referrer(stays, "x/sbom", "packages");
        Descriptor own = theirs.image("signed by the region, too");
        mirror.tags.put(cosign(image, "sig"), shared.digest());
        mirror.tags.put(cosign(stays, "sig"), shared.digest());
        mirror.tags.put(cosign(image, "sbom"), sbom.digest());
        mirror.tags.put(cosign(image, "att"), own.digest());
        refuseTagDeletes();

        complete();

        assertThat(mirror.tags).doesNotContainKey(V1).containsEntry(cosign(stays, "sig"), shared.digest());
        assertThat(mirror.manifests)
                .containsKeys(shared.digest(), sbom.digest())
                .doesNotContainKeys(image.digest(), own.digest());
    }

    @Test
    void whatIsLeftOverIsLookedAtOnceADayWhereATagThatBelongsToADigestCannotBeRead() throws IOException {
        Descriptor old = shapes.image("old");
        shapes.tag("v1", old);
        complete();
        Descriptor image = shapes.image("new");
        shapes.tag("v1", image);
        complete();
        engine.clock.pass(PAST);
        Shapes theirs = new Shapes(mirror);
        Tag list = image.digest().referrersTag();
        theirs.tag(list.value(), theirs.index(List.of(Shapes.plain(old))));
        mirror.tags.put(
                cosign(image, "sig"), theirs.image("signed by the region").digest());
        String question = "GET manifest mirror/app " + list;
        target.gate((index, request) -> {
            if (request.equals(question)) {
                throw new RefusedException(403, "DENIED", "not this one");
            }
        });
        target.forgetRequests();

        complete();
        assertThat(complete().items())
                .anySatisfy(item -> assertThat(item.reason())
                        .contains("what the tag " + list + " needs cannot be read", "it is looked at again by a run"));

        assertThat(target.requests(question::equals)).hasSize(1);
        assertThat(mirror.manifests).containsKey(old.digest());
        mirror.tags.remove(list);
        engine.clock.pass(LeftoverPauses.MEMORY);
        complete();
        assertThat(mirror.manifests).doesNotContainKey(old.digest());
    }

    // What a tag names that goes, and an image that stays needs

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void referrerOfAnImageThatStaysOutlivesTheTagThatNamesIt(boolean deletesTags) throws IOException {
        use(Abilities.ALL);
        rules.immutable = List.of(NamePattern.parse("v1"));
        Descriptor image = shapes.image("amd64");
        shapes.tag("v1", image);
        complete();
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        Descriptor ofSbom = shapes.referrer(sbom, "x/sig", "signature");
        Tag tag = new Tag("sbom");
        shapes.tag("sbom", sbom);
        complete();
        assertThat(mirror.manifests).containsKeys(sbom.digest(), ofSbom.digest());
        app.tags.remove(tag);
        complete();
        engine.clock.pass(PAST);
        if (!deletesTags) {
            refuseTagDeletes();
        }

        ReplicationReport report = complete();

        assertThat(mirror.manifests).containsKeys(image.digest(), sbom.digest(), ofSbom.digest());
        if (deletesTags) {
            assertThat(mirror.tags).doesNotContainKey(tag);
        } else {
            assertThat(mirror.tags).containsEntry(tag, sbom.digest());
            assertThat(report.items()).anySatisfy(item -> {
                assertThat(item.tag()).isEqualTo("sbom");
                assertThat(item.state()).isEqualTo(ItemReport.State.SKIPPED);
                assertThat(item.reason()).contains("deletes no tags", "belongs to something that stays");
            });
        }
        engine.clock.pass(PAST);
        complete();
        assertThat(mirror.manifests).as("when it is left over").containsKeys(sbom.digest(), ofSbom.digest());
    }

    @Test
    void referrerThatATagNamesGoesWhereItsImageIsGone() throws IOException {
        use(Abilities.ALL);
        Descriptor image = shapes.image("amd64");
        Descriptor sbom = shapes.referrer(image, "x/sbom", "packages");
        shapes.tag("v1", sbom);
        app.manifests.remove(image.digest());
        staysBesideV1();

        asPlanned();

        assertThat(mirror.tags).doesNotContainKey(V1);
        assertThat(mirror.manifests).doesNotContainKey(sbom.digest());
    }

    @Test
    void whereOnlyManifestsAreDeletedTheTagStaysIfThePlanDidNotKnowThatItsManifestCouldGo() throws IOException {
        Descriptor image = shapes.image("amd64");
        shapes.tag("v1", image);
        staysBesideV1();
        // The plan does not know what that needs, and is told otherwise by the time of the deletion.
        Tag theirs = new Tag("theirs");
        mirror.tags.put(theirs, image.digest());
        target.gate((index, request) -> {
            if (request.startsWith("DELETE manifest mirror/app v1")) {
                throw new RefusedException(405, "UNSUPPORTED", "the operation is unsupported");
            }
            if (request.startsWith("GET tags") && target.requests("GET tags").size() > 1) {
                mirror.tags.remove(theirs);
            }
        });
        target.forgetRequests();

        assertThat(complete().items())
                .anySatisfy(item -> assertThat(item.reason()).contains("deletes no tags", "the plan did not know"));
        assertThat(mirror.tags).containsEntry(V1, image.digest());

        complete();
        assertThat(mirror.tags).doesNotContainKey(V1);
    }

    // In which order tags go where only manifests are deleted

    private Descriptor childAndIndexAreDue(Descriptor child) throws IOException {
        Descriptor index = shapes.index(List.of(child));
        shapes.tag("child", child);
        shapes.tag("index", index);
        shapes.tag("v2", shapes.image("stays"));
        complete();
        app.tags.remove(new Tag("child"));
        app.tags.remove(new Tag("index"));
        complete();
        engine.clock.pass(PAST);
        return index;
    }

    private void deletesNoTags(Digest notNow) {
        target.gate((number, request) -> {
            if (request.startsWith("DELETE") && !request.contains(" sha256:")) {
                throw new RefusedException(405, "UNSUPPORTED", "the operation is unsupported");
            }
            if (request.equals("DELETE manifest mirror/app " + notNow)) {
                throw failure();
            }
        });
    }

    private static RegistryException failure() {
        return new OutageException(OutageException.Reason.SERVER_ERROR, "503 for a moment");
    }

    @Test
    void whereOnlyManifestsAreDeletedAnIndexGoesBeforeWhatItListsUnderAnotherTag() throws IOException {
        Descriptor child = shapes.image("amd64");
        shapes.referrer(child, "x/sig", "one");
        Descriptor index = childAndIndexAreDue(child);
        deletesNoTags(child.digest());
        target.forgetRequests();

        engine.run(rules);

        assertThat(target.requests("DELETE manifest mirror/app sha256:").subList(0, 2))
                .containsExactly(
                        "DELETE manifest mirror/app " + index.digest(), "DELETE manifest mirror/app " + child.digest());
        assertThat(mirror.manifests).containsKey(child.digest()).doesNotContainKey(index.digest());
        assertThat(mirror.tags).containsKey(new Tag("child")).doesNotContainKey(new Tag("index"));

        target.gate((number, request) -> {});
        complete();
        assertThat(mirror.manifests).doesNotContainKey(child.digest());
    }

    @Test
    void whereOnlyManifestsAreDeletedTheManifestThatWentWithItsTagIsNotReportedToStay() throws IOException {
        Descriptor image = shapes.image("amd64");
        Descriptor signature = shapes.referrer(image, "x/sig", "signature");
        shapes.tag("v1", image);
        staysBesideV1();
        target.gate((index, request) -> {
            if (request.startsWith("DELETE") && !request.contains(" sha256:")
                    || request.equals("DELETE manifest mirror/app " + signature.digest())) {
                throw new RefusedException(405, "UNSUPPORTED", "the operation is unsupported");
            }
        });

        ReplicationReport report = complete();

        assertThat(mirror.manifests).containsKey(signature.digest()).doesNotContainKey(image.digest());
        assertThat(report.items())
                .anySatisfy(item -> assertThat(item.reason())
                        .startsWith("the tag and 1 manifests; it refuses to delete 1 others")
                        .doesNotContain("belong to those"));
    }

    @Test
    void whereOnlyManifestsAreDeletedWhatAnIndexListsStaysUnderItsOwnTagWhileThatStays() throws IOException {
        Descriptor child = shapes.image("amd64");
        Descriptor index = childAndIndexAreDue(child);
        deletesNoTags(index.digest());

        engine.run(rules);

        assertThat(mirror.tags)
                .containsEntry(new Tag("index"), index.digest())
                .containsEntry(new Tag("child"), child.digest());
        assertThat(mirror.manifests).containsKeys(index.digest(), child.digest());
    }
}
