package dev.entrepot.replicator.graph;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.ManifestBytes;
import dev.entrepot.oci.MediaType;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ManifestShelfTest {
    private static ManifestBytes manifest(int number, int bytes) throws InvalidContentException {
        String text = "{\"schemaVersion\":2,\"number\":" + number + "}";
        return ManifestBytes.of(
                MediaType.OCI_MANIFEST, (text + " ".repeat(bytes - text.length())).getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void keepsNoMoreThanItHasRoomForAndLetsGoOfWhatWasNotAskedForLongest() throws InvalidContentException {
        ManifestShelf shelf = new ManifestShelf(8_000);
        List<ManifestBytes> four = List.of(manifest(1, 2000), manifest(2, 2000), manifest(3, 2000), manifest(4, 2000));
        shelf.put(four.get(0));
        shelf.put(four.get(1));
        shelf.put(four.get(2));
        assertThat(shelf.get(four.get(0).digest())).contains(four.get(0));

        // Each takes some memory beside its bytes.
        shelf.put(four.get(3));

        assertThat(four)
                .map(manifest -> shelf.get(manifest.digest()).isPresent())
                .containsExactly(true, false, true, true);
    }

    @Test
    void manifestThatIsPutTwiceTakesTheRoomOfOne() throws InvalidContentException {
        ManifestShelf shelf = new ManifestShelf(8_000);
        ManifestBytes first = manifest(1, 2000);
        ManifestBytes second = manifest(2, 2000);
        shelf.put(first);
        for (int i = 0; i < 10; i++) {
            shelf.put(second);
        }

        assertThat(shelf.get(first.digest())).contains(first);
        assertThat(shelf.get(second.digest())).contains(second);
    }

    @Test
    void roomThatWasTakenIsGivenBack() throws InvalidContentException {
        ManifestShelf shelf = new ManifestShelf(8_000);
        ManifestBytes tooLarge = manifest(0, 20_000);
        shelf.put(tooLarge);
        assertThat(shelf.get(tooLarge.digest())).isEmpty();

        List<ManifestBytes> many = IntStream.range(0, 100)
                .mapToObj(number -> {
                    try {
                        return manifest(number, 2000);
                    } catch (InvalidContentException e) {
                        throw new AssertionError(e);
                    }
                })
                .toList();
        many.forEach(shelf::put);

        assertThat(many)
                .filteredOn(manifest -> shelf.get(manifest.digest()).isPresent())
                .hasSize(3);
    }
}
