package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Requests;
import dev.entrepot.oci.testing.TestRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A mirror that explains, and the registries that it asks: one without more, one that counts pulls, one behind a mirror
 * that is told by digests what it has.
 */
final class ExplainWorld implements AutoCloseable {
    /** What is so from when the rules are in effect. */
    enum State {
        /** Nothing in particular. */
        PLAIN,
        /** Pulls are counted, and there are enough. */
        COUNTED,
        /** Fewer are left than are reserved. */
        RESERVED,
        /** None is left. */
        SPENT,
        /** The mirror before the upstream has what the upstream has. */
        MIRRORED,
        /** It has nothing. */
        EMPTY_MIRROR,
        /** It does not answer. */
        LOST_MIRROR;

        boolean counts() {
            return this == COUNTED || this == RESERVED || this == SPENT;
        }

        boolean mirrors() {
            return compareTo(MIRRORED) >= 0;
        }
    }

    private static final int MUCH = 1_000_000;

    private final TestRegistry registry = TestRegistry.started();
    private final Optional<TestRegistry> copy;
    private final MirrorFixture mirror;
    private State state = State.PLAIN;
    private int asked;

    private ExplainWorld(boolean mirrored) throws Exception {
        copy = mirrored ? Optional.of(TestRegistry.started()) : Optional.empty();
        Path folder = Files.createTempDirectory("explain");
        mirror = MirrorFixture.started(folder, upstream("", ""));
    }

    /** In which states of one kind can be had. */
    static ExplainWorld forStatesLike(State state) throws Exception {
        return new ExplainWorld(state.mirrors());
    }

    MirrorFixture mirror() {
        return mirror;
    }

    TestRegistry registry() {
        return registry;
    }

    /** The configuration of the upstream, with more of it, and with these rules. */
    String upstream(String more, String rules) {
        String before =
                copy.map(other -> ", mirrors: [{url: \"" + other.uri() + "\"}]").orElse("");
        return "default-upstream: registry.test\nupstreams: {registry.test: {url: \"" + registry.uri() + "\"" + before
                + more + ", rules: [" + rules + "]}}\n";
    }

    /** Has content at the upstream, and at the mirror if there is one. */
    Bundle push(String name, Bundle image) {
        registry.push(name, image);
        copy.ifPresent(other -> other.push(name, image));
        return image;
    }

    /** As above, and under a tag at the upstream. */
    Bundle push(String name, Bundle image, String tag) {
        push(name, image);
        return registry.push(name, image, tag);
    }

    /** Begins a case that will be in such a state: before that, all is well. */
    void begin(State next) {
        state = next;
        copy.ifPresent(other -> other.faults().clear());
        if (next.counts()) {
            registry.quota(MUCH);
        }
    }

    /** From now on the state is as it was said. No rule is in the way yet. */
    void enter() throws Exception {
        switch (state) {
            case PLAIN, COUNTED, MIRRORED -> {}
            case RESERVED -> registry.quota(MUCH, MUCH - MUCH / 10);
            case SPENT -> registry.quota(MUCH, MUCH);
            case EMPTY_MIRROR -> fail(Fault.status(404));
            case LOST_MIRROR -> fail(Fault.reset());
        }
        if (state.counts()) {
            assertThat(hear()).isEqualTo(404);
        }
    }

    private void fail(Fault fault) {
        copy.orElseThrow().faults().always(Requests.any(), fault);
    }

    /**
     * Has the mirror know how many pulls are left, however long ago it last heard, unless it asks nobody for anything
     * now.
     */
    void look() throws Exception {
        if (state.counts()) {
            hear();
        }
    }

    // By a digest, which no rule for tags is about.
    private int hear() throws Exception {
        Digest nothing = Digest.sha256(new byte[] {3});
        return mirror.head("/v2/heard-" + asked++ + "/manifests/" + nothing).statusCode();
    }

    @Override
    public void close() {
        mirror.close();
        registry.close();
        copy.ifPresent(TestRegistry::close);
    }
}
