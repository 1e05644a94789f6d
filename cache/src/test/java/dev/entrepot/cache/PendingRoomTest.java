package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class PendingRoomTest {
    @Test
    void afterOneHasWaitedInVainNobodyWaitsUntilSomethingIsWritten() throws InterruptedException {
        PendingRoom room = new PendingRoom(2, Duration.ofMillis(1));
        assertThat(room.take(2048, true)).isTrue();
        assertThat(room.take(1, true)).isFalse();

        // Whoever waits would hear of this.
        Thread.currentThread().interrupt();
        boolean taken = room.take(1, true);

        assertThat(Thread.interrupted()).isTrue();
        assertThat(taken).isFalse();
        room.release(2048);
        room.moved();
        assertThat(room.take(1, true)).isTrue();
    }

    @Test
    void whatIsLargerThanAllTheRoomTakesAllOfIt() throws InterruptedException {
        PendingRoom room = new PendingRoom(2, Duration.ZERO);
        assertThat(room.take(1_000_000, false)).isTrue();
        assertThat(room.take(1, false)).isFalse();
        room.release(1_000_000);
        assertThat(room.take(2048, false)).isTrue();
    }

    @Test
    void whatLiesOnTheDiskHasRoomOfItsOwn() throws InterruptedException {
        PendingRoom room = new PendingRoom(2, Duration.ZERO);
        room.take(2048, false);
        room.addContent();
        assertThat(room.isFull()).isFalse();
        room.addContent();
        assertThat(room.isFull()).isTrue();
        room.removeContent();
        assertThat(room.isFull()).isFalse();
    }
}
