package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ClosingsTest {
    @Test
    void whatFailsToCloseKeepsNothingElseOpen() {
        List<String> closed = new ArrayList<>();
        Closings open = new Closings();
        open.push(() -> closed.add("first"));
        open.push(() -> {
            throw new InternalError("no heap");
        });
        open.push(() -> closed.add("last"));

        open.close();

        assertThat(closed).containsExactly("last", "first");
    }
}
