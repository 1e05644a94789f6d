package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.Tag;
import dev.entrepot.replicator.ReplicationReport.Outcome;
import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What prune makes of cosign tags that the source withdrew or wrote anew, and of what they name. */
class WithdrawnCosignTagsPruneTest extends LeftoverFixture {
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void cosignTagsThatTheSourceWithdrewGo(boolean deletesTags) throws IOException {
        Descriptor image = shapes.image("amd64");
        List<Tag> tags = Stream.of(".sig", ".att", ".sbom")
                .map(suffix -> new Tag(Shapes.stem(image) + suffix))
                .toList();
        for (Tag tag : tags) {
            shapes.tag(tag.value(), shapes.image("cosign " + tag));
        }
        shapes.tag("v1", image);
        complete();
        Digest signature = mirror.tags.get(tags.getFirst());
        Digest attestation = mirror.tags.get(tags.get(1));
        app.tags.remove(tags.getFirst());
        complete();
        engine.clock.pass(PAST);
        if (!deletesTags) {
            refuseTagDeletes();
        }

        assertThat(planned()).extracting(PruneStep::name).containsExactly("mirror/app:" + tags.getFirst());
        assertThat(planned().getFirst().reason()).startsWith("withdrawn: the source no longer has the tag");
        assertThat(asPlanned().outcome()).isEqualTo(Outcome.COMPLETE);

        assertThat(mirror.tags).doesNotContainKey(tags.getFirst()).containsKeys(tags.get(1), tags.get(2));
        assertThat(mirror.manifests).doesNotContainKey(signature).containsKey(attestation);
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void listThatMayBeCutDoesNotProveThatACosignTagWasWithdrawn() throws IOException {
        Descriptor image = shapes.image("amd64");
        Tag signature = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(signature.value(), shapes.image("cosign"));
        shapes.tag("v1", image);
        complete();
        app.tags.remove(signature);
        complete();
        engine.clock.pass(PAST);
        app.listMayBeCut = true;

        assertThat(planned()).singleElement().satisfies(step -> {
            assertThat(step.action()).isEqualTo(PruneStep.Action.KEEP);
            assertThat(step.reason()).contains("the source's list of tags may be cut");
        });
        complete();
        assertThat(mirror.tags).containsKey(signature);

        app.listMayBeCut = false;
        complete();
        assertThat(mirror.tags).doesNotContainKey(signature);
    }

    @Test
    void tagThatLooksLikeOneOfCosignAndHasNoWholeDigestKeepsWhatItNames() throws IOException {
        Descriptor old = shapes.image("old");
        shapes.tag("v1", old);
        complete();
        Tag odd = new Tag("sha512-" + "a".repeat(64) + ".sig");
        mirror.tags.put(odd, old.digest());
        shapes.tag("v1", shapes.image("new"));
        complete();
        engine.clock.pass(PAST);

        assertThat(asPlanned().outcome()).isEqualTo(Outcome.COMPLETE);
        assertThat(mirror.tags).containsEntry(odd, old.digest());
        assertThat(mirror.manifests).containsKey(old.digest());
    }

    @Test
    void whatBelongsToAnIndexThatATagOfCosignNamesStaysWithIt() throws IOException {
        Descriptor child = shapes.image("old amd64");
        Descriptor old = shapes.index(List.of(child));
        Descriptor signature = shapes.referrer(old, "x/sig", "signature");
        Descriptor cosign = shapes.image("cosign");
        Tag tag = new Tag(Shapes.stem(old) + ".sig");
        shapes.tag(tag.value(), cosign);
        shapes.tag("v1", old);
        complete();
        mirror.tags.put(new Tag("sha512-" + "a".repeat(64) + ".sig"), old.digest());
        shapes.tag("v1", shapes.image("new"));
        complete();
        engine.clock.pass(PAST);

        assertThat(asPlanned().items())
                .anySatisfy(
                        item -> assertThat(item.reason()).contains("left over stay: it belongs to " + old.digest()));
        assertThat(mirror.manifests).containsKeys(old.digest(), child.digest(), signature.digest(), cosign.digest());
        assertThat(mirror.tags).containsEntry(tag, cosign.digest());
    }

    @Test
    void cosignTagThatTheTargetsOwnersMovedStays() throws IOException {
        Descriptor image = shapes.image("amd64");
        Tag tag = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(tag.value(), shapes.image("cosign"));
        shapes.tag("v1", image);
        complete();
        Digest theirs = new Shapes(mirror).image("signed by the region").digest();
        mirror.tags.put(tag, theirs);
        app.tags.remove(tag);
        complete();
        engine.clock.pass(PAST);
        asPlanned();

        assertThat(mirror.tags).containsEntry(tag, theirs);
        assertThat(mirror.manifests).containsKey(theirs);
    }

    @Test
    void cosignTagThatTheTargetsOwnersMoveWhileOthersGoStays() throws IOException {
        Descriptor image = shapes.image("amd64");
        List<Tag> tags = Stream.of(".sig", ".att")
                .map(suffix -> new Tag(Shapes.stem(image) + suffix))
                .toList();
        for (Tag tag : tags) {
            shapes.tag(tag.value(), shapes.image("cosign " + tag));
        }
        shapes.tag("v1", image);
        complete();
        List<Digest> brought = tags.stream().map(mirror.tags::get).toList();
        tags.forEach(app.tags::remove);
        complete();
        engine.clock.pass(PAST);
        Digest theirs = new Shapes(mirror).image("signed by the region").digest();
        target.gate((index, request) -> {
            if (request.startsWith("DELETE manifest mirror/app sha256:") && !mirror.tags.containsValue(theirs)) {
                tags.forEach(tag -> mirror.tags.computeIfPresent(tag, (name, there) -> theirs));
            }
        });

        assertThat(complete().targets().getFirst().pruned()).isEqualTo(2);

        assertThat(mirror.tags).containsValue(theirs);
        assertThat(mirror.manifests).containsKey(theirs).doesNotContainKeys(brought.getFirst(), brought.getLast());
    }

    @Test
    void cosignTagOfASubjectThatIsPrunedGoesThoughTheSourceWithdrewItBefore() throws IOException {
        Descriptor image = shapes.image("amd64");
        Tag tag = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(tag.value(), shapes.image("cosign"));
        shapes.tag("v1", image);
        shapes.tag("v2", shapes.image("other"));
        complete();
        Digest signature = mirror.tags.get(tag);
        app.tags.remove(tag);
        app.tags.remove(new Tag("v1"));
        complete();
        engine.clock.pass(PAST);
        complete();

        assertThat(mirror.tags).containsOnlyKeys(new Tag("v2"));
        assertThat(mirror.manifests).doesNotContainKeys(image.digest(), signature);
    }

    @Test
    void cosignTagThatTheSourceWithdrewAndWroteAnewMovesWithItAndNeedsNoBackup() throws IOException {
        Descriptor image = shapes.image("amd64");
        Tag tag = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(tag.value(), shapes.image("cosign"));
        shapes.tag("v1", image);
        complete();
        Digest old = mirror.tags.get(tag);
        app.tags.remove(tag);
        complete();
        Descriptor anew = shapes.image("cosign with another key");
        shapes.tag(tag.value(), anew);
        complete();
        assertThat(mirror.tags).containsOnlyKeys(new Tag("v1"), tag).containsEntry(tag, anew.digest());
        engine.clock.pass(PAST);
        asPlanned();

        assertThat(mirror.manifests).doesNotContainKey(old);
        Completeness.assertComplete(app, "v1", target, "mirror/app");
    }

    @Test
    void backupOfACosignTagKeepsWhatItNames() throws IOException {
        Descriptor image = shapes.image("amd64");
        Tag tag = new Tag(Shapes.stem(image) + ".sig");
        shapes.tag(tag.value(), shapes.image("cosign"));
        shapes.tag("v1", image);
        complete();
        Digest signature = mirror.tags.get(tag);
        Tag backup = ImagePlan.Backup.name(tag, signature);
        mirror.tags.put(backup, signature);
        app.tags.remove(tag);
        complete();
        engine.clock.pass(PAST);
        asPlanned();

        assertThat(mirror.tags).containsEntry(backup, signature);
        assertThat(mirror.manifests).containsKey(signature);
    }
}
