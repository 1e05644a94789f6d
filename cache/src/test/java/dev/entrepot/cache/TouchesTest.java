package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.Digest;
import java.util.List;
import org.junit.jupiter.api.Test;

class TouchesTest {
    private static final Digest FIRST = Digest.sha256(new byte[] {1});
    private static final Digest SECOND = Digest.sha256(new byte[] {2});
    private static final long PAUSE = Touches.PAUSE.toMillis();

    private final Touches touches = new Touches();

    @Test
    void useOfContentThatIsNotWrittenYetWaits() {
        touches.add(FIRST, 1);
        touches.add(SECOND, 2);
        touches.changes(FIRST::equals).forEach(IndexChange::settled);
        assertThat(touches.pending()).containsOnlyKeys(FIRST);
        touches.changes(digest -> false).forEach(IndexChange::settled);
        assertThat(touches.pending()).isEmpty();
    }

    @Test
    void laterUseOutlivesTheWritingOfAnEarlierOne() {
        touches.add(FIRST, 1);
        List<IndexChange> writing = touches.changes(digest -> false);
        touches.add(FIRST, 1 + PAUSE);
        writing.forEach(IndexChange::settled);
        assertThat(touches.pending()).containsEntry(FIRST, 1 + PAUSE);
    }

    @Test
    void usesWithinThePauseAreHeldBackAlsoAfterTidying() {
        touches.add(FIRST, 1);
        touches.changes(digest -> false).forEach(IndexChange::settled);
        touches.tidy(PAUSE);
        touches.add(FIRST, PAUSE);
        assertThat(touches.pending()).isEmpty();
        touches.tidy(1 + PAUSE);
        touches.add(FIRST, 1 + PAUSE);
        assertThat(touches.pending()).containsEntry(FIRST, 1 + PAUSE);
    }
}
