package dev.entrepot.replicator;

import dev.entrepot.oci.Digest;
import dev.entrepot.replicator.MemoryRegistry.Abilities;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Two registries of WireMock for all tests of a class, and a world between them that begins anew for each. */
abstract class BetweenOddRegistries {
    static OddRegistry source;
    static OddRegistry target;
    OddWorld world;

    @BeforeAll
    static void start() {
        source = new OddRegistry("source.test");
        target = new OddRegistry("target.test");
    }

    @AfterAll
    static void stop() {
        source.close();
        target.close();
    }

    @BeforeEach
    void open(@TempDir Path folder) throws IOException {
        world = new OddWorld(folder, source, Abilities.ALL, target, ofTarget());
    }

    @AfterEach
    void close() throws IOException {
        world.close();
    }

    /** What the target can do. */
    Abilities ofTarget() {
        return Abilities.ALL;
    }

    /** Path of a manifest at the target. */
    static String manifest(Object reference) {
        return "/v2/mirror/app/manifests/" + reference;
    }

    /** Path and query, as an expression, of the request that commits an upload to the target. */
    static String commitOf(Digest blob) {
        return "/v2/mirror/app/blobs/uploads/.+digest=sha256%3A" + blob.encoded();
    }

    /** The layer that only the image of this seed has. */
    Digest layerOf(String seed) {
        return world.shapes.blob(Shapes.LAYER, "layer of " + seed).digest();
    }
}
