package dev.entrepot.replicator.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.RepositoryName;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What need not be sent to several sides: what each of them has. */
class DeltaTest {
    private static final RepositoryName OTHER = new RepositoryName("other");

    private static Delta delta(Receipt receipt) throws Exception {
        return new Delta(receipt, ReceiptJson.write(receipt));
    }

    private static Receipt receipt(String target, RepositoryName repository, Digest... digests) {
        SortedMap<RepositoryName, SortedSet<Digest>> held = new TreeMap<>();
        held.put(repository, new TreeSet<>(Arrays.asList(digests)));
        return new Receipt(Optional.empty(), target, List.of(), held, new TreeMap<>(), List.of());
    }

    @Test
    void ofSeveralReceiptsOnlyWhatAllHaveIsLeftOut() throws Exception {
        Delta north = delta(receipt("north", Inventories.APP, Inventories.AMD, Inventories.LAYER, Inventories.CONFIG));
        Delta south = delta(receipt("south", Inventories.APP, Inventories.AMD, Inventories.LAYER));
        Delta both = north.and(south);

        assertThat(both.blob(Inventories.LAYER)).contains(Inventories.APP);
        assertThat(both.blob(Inventories.CONFIG)).isEmpty();
        assertThat(both.manifest(Inventories.AMD, List.of(Inventories.APP))).contains(Inventories.APP);
        assertThat(both.manifest(Inventories.AMD, List.of(Inventories.APP, OTHER)))
                .isEmpty();
        assertThat(both.receipts())
                .isSorted()
                .hasSize(2)
                .isEqualTo(south.and(north).receipts());
        assertThat(both.and(north).receipts()).as("the same twice").isEqualTo(both.receipts());
    }

    @Test
    void whatSidesHaveInDifferentRepositoriesIsSent() throws Exception {
        Delta both = delta(receipt("north", Inventories.APP, Inventories.LAYER))
                .and(delta(receipt("south", OTHER, Inventories.LAYER)));

        assertThat(both.blob(Inventories.LAYER)).isEmpty();
    }

    @Test
    void whatAnySideLostIsSaidToBeSentAgain() throws Exception {
        SortedMap<RepositoryName, SortedSet<Digest>> lost = new TreeMap<>();
        lost.put(Inventories.APP, new TreeSet<>(List.of(Inventories.LAYER)));
        Receipt poor = new Receipt(Optional.empty(), "south", List.of(), new TreeMap<>(), lost, List.of());
        Delta both = delta(receipt("north", Inventories.APP, Inventories.LAYER)).and(delta(poor));

        assertThat(both.lostIn(Inventories.signedImage())).containsExactly(Inventories.LAYER);
    }
}
