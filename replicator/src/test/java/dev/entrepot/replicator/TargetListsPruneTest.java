package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RefusedException;
import dev.entrepot.oci.Tag;
import java.io.IOException;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What prune makes of what the list of tags of a target does not say. */
class TargetListsPruneTest extends LeftoverFixture {
    private static final Tag V1 = new Tag("v1");
    private static final Tag V2 = new Tag("v2");

    private Descriptor index;
    private Descriptor child;

    @BeforeEach
    void push() throws IOException {
        child = shapes.image("amd64");
        index = shapes.index(List.of(child));
        shapes.tag("v1", index);
    }

    private void isDue() throws IOException {
        shapes.tag("v2", shapes.image("stays"));
        complete();
        app.tags.remove(V1);
        complete();
        engine.clock.pass(PAST);
    }

    private void answerNotFound() {
        target.gate((number, request) -> {
            if (request.startsWith("GET tags")) {
                throw new NotFoundException(NotFoundException.Kind.NAME, "", "404 page not found");
            }
        });
    }

    @Test
    void tagIsKnownUntilItIsGoneThoughSomebodyOnTheWayAnswers404() throws IOException {
        isDue();
        var there = new TreeMap<>(mirror.tags);
        mirror.tags.clear();
        answerNotFound();

        assertThat(planned()).singleElement().returns(PruneStep.Action.KEEP, PruneStep::action);
        assertThat(engine.run(rules).items())
                .noneMatch(item -> item.state() == ItemReport.State.PRUNED)
                .anySatisfy(item -> assertThat(item.reason()).contains("404 page not found"));

        mirror.tags.putAll(there);
        target.gate((number, request) -> {});
        complete();
        assertThat(mirror.tags).containsOnlyKeys(V2);
        assertThat(mirror.manifests).doesNotContainKeys(index.digest(), child.digest());
    }

    @Test
    void whatIsLeftOverIsKnownUntilItIsGoneThoughSomebodyOnTheWayAnswers404() throws IOException {
        complete();
        shapes.tag("v1", shapes.image("new"));
        complete();
        engine.clock.pass(PAST);
        answerNotFound();
        engine.run(rules);
        assertThat(mirror.manifests).containsKeys(index.digest(), child.digest());

        target.gate((number, request) -> {});
        complete();
        assertThat(mirror.manifests).doesNotContainKeys(index.digest(), child.digest());
    }

    // As a registry is that knows no repository without a tag.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void manifestsGoThoughTheTargetForgetsTheRepositoryWithItsLastTag(boolean refused) throws IOException {
        rules.tags = named("v*");
        shapes.tag("other", shapes.image("of no interest"));
        complete();
        app.tags.remove(V1);
        complete();
        engine.clock.pass(PAST);
        AtomicBoolean ready = new AtomicBoolean();
        target.gate((number, request) -> {
            if (request.startsWith("GET tags") && mirror.tags.isEmpty()) {
                throw new NotFoundException(NotFoundException.Kind.NAME, "NAME_UNKNOWN", "no repository");
            }
            if (!ready.get() && request.equals("DELETE manifest mirror/app " + child.digest())) {
                throw refused
                        ? new RefusedException(409, "", "it is locked")
                        : new OutageException(OutageException.Reason.SERVER_ERROR, "503 for a moment");
            }
        });
        engine.run(rules);
        assertThat(mirror.tags).isEmpty();
        assertThat(mirror.manifests).containsKey(child.digest());

        ready.set(true);
        engine.clock.pass(PAST);
        complete();
        assertThat(mirror.manifests).isEmpty();
        assertThat(planned()).isEmpty();
    }

    @Test
    void nothingThatIsLeftOverGoesWhereTheTargetHasATagAndSaysThatItHasNone() throws IOException {
        complete();
        shapes.tag("v1", shapes.image("new"));
        complete();
        engine.clock.pass(PAST);
        mirror.tags.put(new Tag("theirs"), index.digest());
        target.gate((number, request) -> {
            if (request.startsWith("GET tags")) {
                throw new NotFoundException(NotFoundException.Kind.NAME, "NAME_UNKNOWN", "no repository");
            }
        });

        assertThat(planned())
                .singleElement()
                .satisfies(step -> assertThat(step.reason()).contains(PrunedRepository.UNKNOWN_TAGS));
        complete();

        assertThat(mirror.manifests).containsKeys(index.digest(), child.digest());
    }

    @Test
    void onlyTheTagGoesWhereTheTargetHasItAndDoesNotListIt() throws IOException {
        isDue();
        mirror.unlisted.add(V1);
        // It could be anybody's.
        mirror.unlisted.add(new Tag("theirs"));
        mirror.tags.put(new Tag("theirs"), child.digest());

        assertThat(planned())
                .singleElement()
                .satisfies(step -> assertThat(step.manifests()).isEmpty());
        asPlanned();

        assertThat(mirror.tags).doesNotContainKey(V1);
        assertThat(mirror.manifests).containsKeys(index.digest(), child.digest());
    }
}
