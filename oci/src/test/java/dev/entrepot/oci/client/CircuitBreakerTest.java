package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.client.BreakerState.Position;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CircuitBreakerTest {
    private final TestWorld world = new TestWorld();
    private final CircuitBreaker breaker = new CircuitBreaker(world);

    private CircuitBreaker.Pass pass() {
        return breaker.enter().orElseThrow();
    }

    private void assertAt(Position position) {
        assertThat(breaker.state().position()).isEqualTo(position);
    }

    private void open() {
        pass().failed(true);
        assertAt(Position.OPEN);
    }

    @Test
    void opensAfterFiveOutagesInARowAndAnAnswerStartsTheCountAnew() {
        for (int i = 0; i < 4; i++) {
            pass().failed(false);
        }
        pass().answered();
        for (int i = 0; i < 4; i++) {
            pass().failed(false);
            assertAt(Position.CLOSED);
        }
        pass().failed(false);
        assertAt(Position.OPEN);
        assertThat(breaker.enter()).isEmpty();
        assertThat(breaker.state().until()).contains(world.instant().plusSeconds(10));
    }

    @Test
    void outagesOfRequestsThatWereUnderWayTogetherAreOne() {
        List<CircuitBreaker.Pass> together = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            together.add(pass());
        }
        together.forEach(pass -> pass.failed(false));
        assertAt(Position.CLOSED);
    }

    @Test
    void oneTimeOutOpensItUnlessSomethingWasAnsweredMeanwhile() {
        CircuitBreaker.Pass dead = pass();
        pass().answered();
        dead.failed(true);
        assertAt(Position.CLOSED);
        pass().failed(true);
        assertAt(Position.OPEN);
    }

    @Test
    void oneProbeIsLetThroughAndItsAnswerCloses() {
        open();
        world.advance(Duration.ofSeconds(9));
        assertThat(breaker.enter()).isEmpty();
        assertThat(breaker.untilProbe()).isEqualTo(Duration.ofSeconds(1));
        world.advance(Duration.ofSeconds(1));
        CircuitBreaker.Pass probe = pass();
        assertThat(probe.isProbe()).isTrue();
        assertAt(Position.HALF_OPEN);
        assertThat(breaker.enter()).isEmpty();
        assertThat(breaker.untilProbe()).isEqualTo(Duration.ofSeconds(1));
        probe.answered();
        assertAt(Position.CLOSED);
        assertThat(pass().isProbe()).isFalse();
    }

    @Test
    void eachFailedProbeDoublesThePauseUpToTwoMinutes() {
        open();
        Duration pause = Duration.ofSeconds(10);
        for (int seconds : new int[] {20, 40, 80, 120, 120, 120}) {
            world.advance(pause);
            pass().failed(false);
            pause = Duration.ofSeconds(seconds);
            assertThat(breaker.state().until()).contains(world.instant().plus(pause));
        }
        assertThat(breaker.state().opened()).isEqualTo(1);
        world.advance(pause);
        pass().answered();
        open();
        assertThat(breaker.state())
                .isEqualTo(new BreakerState(
                        Position.OPEN, Optional.of(world.instant().plusSeconds(10)), 2));
    }

    @Test
    void probeThatWasNotSentLeavesItToTheNext() {
        open();
        world.advance(Duration.ofSeconds(10));
        pass().withdrawn();
        assertAt(Position.OPEN);
        assertThat(pass().isProbe()).isTrue();
    }

    @Test
    void lateOutagesDoNotProlongItAndALateAnswerClosesIt() {
        CircuitBreaker.Pass late = pass();
        CircuitBreaker.Pass later = pass();
        open();
        late.failed(true);
        assertThat(breaker.state().until()).contains(world.instant().plusSeconds(10));
        later.answered();
        assertAt(Position.CLOSED);
    }

    @Test
    void outcomeIsToldOnce() {
        for (int i = 0; i < 4; i++) {
            pass().failed(false);
        }
        CircuitBreaker.Pass pass = pass();
        pass.answered();
        pass.failed(true);
        pass.withdrawn();
        assertAt(Position.CLOSED);
    }
}
