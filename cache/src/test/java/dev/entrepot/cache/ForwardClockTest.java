package dev.entrepot.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What the clock shows when others move the wall clock. */
class ForwardClockTest {
    private static final Instant START = Instant.parse("2026-11-20T10:00:00Z");

    private final SettableClock wall = new SettableClock(START);
    private final AtomicLong nanos = new AtomicLong(-5);
    private final ForwardClock clock = new ForwardClock(wall, nanos::get);

    private void pass(Duration time) {
        wall.advance(time);
        nanos.addAndGet(time.toNanos());
    }

    // By milliseconds, which most who look at it want, and as an instant.
    private Instant shown() {
        long millis = clock.millis();
        Instant instant = clock.instant();
        assertThat(millis).isEqualTo(instant.toEpochMilli());
        return instant;
    }

    @Test
    void showsTheWallClockAndBelievesItWhenItIsSetForward() {
        pass(Duration.ofMinutes(3));
        assertThat(shown()).isEqualTo(START.plusSeconds(180));
        wall.advance(Duration.ofHours(7));
        assertThat(shown()).isEqualTo(START.plusSeconds(180 + 7 * 3600));
    }

    @Test
    void timeGoesOnWhereTheWallClockIsSetBack() {
        pass(Duration.ofMinutes(10));
        assertThat(shown()).isEqualTo(START.plusSeconds(600));
        pass(Duration.ofSeconds(5));
        wall.advance(Duration.ofHours(-5));

        assertThat(shown()).isEqualTo(START.plusSeconds(605));
        for (int i = 1; i <= 3; i++) {
            pass(Duration.ofHours(1));
            assertThat(shown()).isEqualTo(START.plusSeconds(605 + i * 3600));
        }
        // Once more, while it is behind.
        wall.advance(Duration.ofHours(-1));
        assertThat(shown()).isEqualTo(START.plusSeconds(605 + 3 * 3600));
    }

    @Test
    void wallClockIsFollowedAgainFromWhenItIsThere() {
        shown();
        wall.advance(Duration.ofHours(-1));
        pass(Duration.ofMinutes(10));
        assertThat(shown()).isEqualTo(START.plusSeconds(600));

        wall.advance(Duration.ofHours(1).plusMinutes(1));
        assertThat(shown()).isEqualTo(START.plusSeconds(660));
        // And is not ahead of it by what was made up before.
        pass(Duration.ofMinutes(1));
        assertThat(shown()).isEqualTo(START.plusSeconds(720));
    }

    @Test
    void smallCorrectionsAreFollowed() {
        pass(Duration.ofMinutes(1));
        shown();
        wall.advance(Duration.ofMillis(-400));
        assertThat(shown()).isEqualTo(START.plusMillis(59_600));
        pass(Duration.ofMinutes(1));
        assertThat(shown()).isEqualTo(START.plusMillis(119_600));
    }
}
