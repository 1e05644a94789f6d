package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReceiptJsonTest {
    private static SortedMap<RepositoryName, SortedSet<Digest>> in(String repository, Digest... digests) {
        SortedMap<RepositoryName, SortedSet<Digest>> map = new TreeMap<>();
        map.put(new RepositoryName(repository), new TreeSet<>(List.of(digests)));
        return map;
    }

    private static Receipt receipt() {
        return new Receipt(
                Optional.of(Inventories.digest("bundle")),
                "eu",
                List.of(new Receipt.Image(Inventories.APP, new Tag("v1"), Inventories.INDEX)),
                in("team/app", Inventories.INDEX, Inventories.AMD),
                in("team/app", Inventories.LAYER),
                List.of(2, 3));
    }

    @Test
    void aReceiptIsReadBackFromItsDocument() throws Exception {
        byte[] document = ReceiptJson.write(receipt());

        assertThat(ReceiptJson.read(document, "receipt.json")).isEqualTo(receipt());
        assertThat(new String(document, StandardCharsets.UTF_8))
                .startsWith("{\"receipt\":1,\"bundle\":\"" + Inventories.digest("bundle") + "\",\"target\":\"eu\",")
                .endsWith("\"lost\":[{\"repository\":\"team/app\",\"digests\":[\"" + Inventories.LAYER
                        + "\"]}],\"missing-volumes\":[2,3]}");
    }

    @Test
    void aReceiptOfATargetAloneNamesNoBundle() throws Exception {
        Receipt alone = new Receipt(Optional.empty(), "eu", List.of(), receipt().held(), new TreeMap<>(), List.of());
        byte[] document = ReceiptJson.write(alone);

        assertThat(new String(document, StandardCharsets.UTF_8)).startsWith("{\"receipt\":1,\"target\":\"eu\",");
        assertThat(ReceiptJson.read(document, "receipt.json")).isEqualTo(alone);
        assertThatThrownBy(
                        () -> new Receipt(Optional.empty(), "eu", List.of(), alone.held(), new TreeMap<>(), List.of(2)))
                .hasMessageContaining("of no bundle");
    }

    @Test
    void whatIsHeldIsHeldInItsRepository() {
        assertThat(receipt().holds(Inventories.APP, Inventories.AMD)).isTrue();
        assertThat(receipt().holds(new RepositoryName("other"), Inventories.AMD))
                .isFalse();
        assertThat(receipt().holds(Inventories.APP, Inventories.LAYER)).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '!',
            value = {
                "{\"receipt\":1|{\"receipt\":2|version 2",
                "[2,3]|[3,2]|sorted",
                "[2,3]|[2, 3]|not written as",
                "[2,3]|[0]|volume 0",
                "\"target\":\"eu\"|\"target\":\"e\\u0007\"|control",
                "\"lost\":[{\"repository\":\"team/app\"|\"lost\":[{\"repository\":\"/app\"|invalid repository name",
            })
    void whatIsNotExactlyAReceiptIsRefused(String from, String to, String says) throws Exception {
        String text = new String(ReceiptJson.write(receipt()), StandardCharsets.UTF_8);
        assertThat(text).contains(from);

        assertThatThrownBy(
                        () -> ReceiptJson.read(text.replace(from, to).getBytes(StandardCharsets.UTF_8), "receipt.json"))
                .isInstanceOf(BundleException.class)
                .hasMessageContaining(says);
    }

    @Test
    void nothingIsHeldAndLost() {
        assertThatThrownBy(() -> new Receipt(
                        Optional.of(Inventories.digest("bundle")),
                        "eu",
                        List.of(),
                        in("team/app", Inventories.AMD),
                        in("team/app", Inventories.AMD),
                        List.of()))
                .hasMessageContaining("held and lost");
    }
}
