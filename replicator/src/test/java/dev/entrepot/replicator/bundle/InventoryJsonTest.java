package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.entrepot.oci.Descriptor;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.MediaType;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class InventoryJsonTest {
    private static final Inventory INVENTORY = Inventories.signedImage();

    private static String text(Inventory inventory) throws Exception {
        return new String(InventoryJson.write(inventory), StandardCharsets.UTF_8);
    }

    private static Inventory read(String text) throws Exception {
        return InventoryJson.read(text.getBytes(StandardCharsets.UTF_8), "inventory.json");
    }

    @Test
    void anInventoryHasOneDocumentAndIsReadBackFromIt() throws Exception {
        Inventory back = read(text(INVENTORY));

        assertThat(back.images()).isEqualTo(INVENTORY.images());
        assertThat(back.manifests()).isEqualTo(INVENTORY.manifests());
        assertThat(back.blobs()).isEqualTo(INVENTORY.blobs());
        assertThat(back.fallbacks()).isEqualTo(INVENTORY.fallbacks());
        assertThat(text(back)).isEqualTo(text(INVENTORY));
    }

    @Test
    void theDocumentHasTheKeysInTheirOrder() throws Exception {
        assertThat(text(INVENTORY))
                .startsWith("{\"inventory\":1,\"volumes\":1,\"images\":[{\"source\":\"registry.test/team/app\","
                        + "\"repository\":\"team/app\",\"tag\":\"v1\",\"manifest\":\"" + Inventories.INDEX + "\"}],"
                        + "\"manifests\":[{\"digest\":\"" + Inventories.AMD + "\",\"mediaType\":\""
                        + MediaType.OCI_MANIFEST + "\",\"size\":500,\"repositories\":[\"team/app\"],\"blobs\":[\""
                        + Inventories.CONFIG + "\",\"" + Inventories.LAYER + "\"],\"volume\":1},")
                .contains("\"omitted\":[\"" + Inventories.ARM + "\"]")
                .contains(
                        "\"artifactType\":\"application/spdx+json\",\"annotations\":{\"made by\":\"a \\\"tool\\\"\\n\u00e9\"}");
    }

    @Test
    void receiptsThatABundleIsTheDifferenceToAreOneOrASortedList() throws Exception {
        List<Digest> two = List.of(Inventories.digest("north"), Inventories.digest("south")).stream()
                .sorted()
                .toList();
        String one = text(since(two.subList(0, 1)));
        String both = text(since(two));

        assertThat(one).contains("\"since\":\"" + two.getFirst() + "\",\"images\"");
        assertThat(both).contains("\"since\":[\"" + two.getFirst() + "\",\"" + two.getLast() + "\"],\"images\"");
        assertThat(read(one).since()).isEqualTo(two.subList(0, 1));
        assertThat(read(both).since()).isEqualTo(two);
        assertThatThrownBy(() -> read(one.replace(
                        "\"" + two.getFirst() + "\",\"images\"", "[\"" + two.getFirst() + "\"],\"images\"")))
                .hasMessageContaining("not written as");
        assertThatThrownBy(() -> read(
                        both.replace(two.getFirst().toString(), two.getLast().toString())))
                .hasMessageContaining("sorted");
    }

    private static Inventory since(List<Digest> receipts) {
        return new Inventory(
                INVENTORY.volumes(),
                INVENTORY.volumeBytes(),
                receipts,
                INVENTORY.images(),
                List.copyOf(INVENTORY.manifests().values()),
                List.copyOf(INVENTORY.blobs().values()),
                List.copyOf(INVENTORY.fallbacks().values()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '!',
            value = {
                "{\"inventory\":1,|{ \"inventory\":1,|not written as",
                "{\"inventory\":1,|{\"inventory\":2,|version 2",
                "{\"inventory\":1,|{\"inventory\":1,\"inventory\":1,|expected the key volumes",
                "\"volumes\":1,|\"volumes\":1.0,|whole number",
                "\"volumes\":1,|\"volumes\":10000,|volume 10000",
                "\"volumes\":1,|\"volumes\":99999999999999999999,|whole number",
                "\"tag\":\"v1\"|\"tag\":\"../v1\"|invalid tag",
                "\"repository\":\"team/app\",\"tag\"|\"repository\":\"../app\",\"tag\"|invalid repository name",
                "\"repository\":\"team/app\",\"tag\":\"v1\"|\"repository\":\"app\",\"tag\":\"v1\"|is not",
                "\"size\":5000|\"size\":-5000|bytes",
                "\"size\":5000|\"size\":5000,\"extra\":1|key",
                "\"volume\":1}],\"fallbacks\"|\"volume\":2}],\"fallbacks\"|volume 2",
                "\"volume\":1}],\"fallbacks\"|\"held\":\"team/app\"}],\"fallbacks\"|no difference",
                "\"volume\":1}],\"fallbacks\"|\"volume\":1,\"volume\":1}],\"fallbacks\"|end of an object",
                "\\n\u00e9|\\n\\u00e9|not written as",
            })
    void whatIsNotExactlyAnInventoryIsRefused(String from, String to, String says) throws Exception {
        String text = text(INVENTORY);
        assertThat(text).contains(from);

        assertThatThrownBy(() -> read(text.replace(from, to)))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining("inventory.json")
                .hasMessageContaining(says);
    }

    @Test
    void aDocumentThatEndsEarlyOrGoesOnIsRefused() throws Exception {
        String text = text(INVENTORY);

        assertThatThrownBy(() -> read(text.substring(0, text.length() - 1))).isInstanceOf(BundleException.class);
        assertThatThrownBy(() -> read(text + "{}")).isInstanceOf(BundleException.class);
        assertThatThrownBy(() -> read(text + "\n")).isInstanceOf(BundleException.class);
        assertThatThrownBy(() -> read("")).isInstanceOf(BundleException.class);
    }

    @Test
    void edgesMustEndAtNodesThatAreListed() {
        List<BundledManifest> manifests = List.copyOf(INVENTORY.manifests().values());
        List<BundledBlob> blobs = List.copyOf(INVENTORY.blobs().values());

        assertThatThrownBy(() -> Inventories.of(manifests.subList(1, 4), blobs)).hasMessageContaining("not listed");
        assertThatThrownBy(() -> Inventories.of(manifests, blobs.subList(1, 3))).hasMessageContaining("blobs listed");
        assertThatThrownBy(() -> Inventories.of(
                        List.of(manifests.get(1), manifests.get(0), manifests.get(2), manifests.get(3)), blobs))
                .hasMessageContaining("not listed before it");
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MAX_VALUE, Long.MAX_VALUE - 5000, Long.MAX_VALUE / 2, (1L << 60) + 1})
    void blobsThatNoDiskCouldHoldAreRefused(long bytes) throws Exception {
        String text = text(Inventories.layers(List.of(123_456L, 5L))).replace("\"size\":123456", "\"size\":" + bytes);

        assertThatThrownBy(() -> read(text))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining("the blobs have more than");
    }

    @Test
    void checkingTakesNoLongerThanAnInventoryIsLong() {
        List<Digest> some = digests("some", 200_000);
        List<Digest> others = digests("others", 200_000);
        List<RepositoryName> many = IntStream.range(0, 20_000)
                .mapToObj(i -> new RepositoryName("r%05d".formatted(i)))
                .toList();
        List<BundledBlob> blobs = some.subList(0, 20_000).stream()
                .map(digest -> Inventories.blob(digest, 5))
                .toList();

        assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
            manifest(List.of(Inventories.APP), some, others, List.of());
            BundledManifest inMany = manifest(
                    many,
                    List.of(),
                    List.of(),
                    blobs.stream().map(BundledBlob::digest).toList());
            assertThatThrownBy(() -> new Inventory(
                            1,
                            OptionalLong.empty(),
                            List.of(),
                            List.of(new BundledImage(
                                    Repository.parse("registry.test/r00000"),
                                    many.getFirst(),
                                    new Tag("v1"),
                                    inMany.digest())),
                            List.of(inMany),
                            blobs,
                            List.of()))
                    .hasMessageContaining("is not in the repositories of the manifests that name it");
        });
    }

    private static List<Digest> digests(String name, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> Inventories.digest(name + i))
                .toList();
    }

    private static BundledManifest manifest(
            List<RepositoryName> repositories, List<Digest> children, List<Digest> omitted, List<Digest> blobs) {
        return new BundledManifest(
                Descriptor.of(MediaType.OCI_INDEX, Inventories.INDEX, 700),
                repositories,
                children,
                omitted,
                blobs,
                Optional.empty(),
                List.of(),
                List.of(),
                new Placement.InVolume(1));
    }
}
