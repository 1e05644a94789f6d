package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.client.BreakerState.Position;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CircuitBreakerTest {
    private final TestWorld world = new TestWorld();
    private final CircuitBreaker breaker = new CircuitBreaker(world);

    private CircuitBreaker.Pass pass() {
        return breaker.enter(CircuitBreaker.NOBODY).orElseThrow();
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
        assertThat(breaker.enter(CircuitBreaker.NOBODY)).isEmpty();
        assertThat(breaker.state().until()).contains(world.instant().plusSeconds(10));
    }

    @Test
    void failsSinceTheFirstRequestWasSentThatNoAnswerFollowed() {
        CircuitBreaker.Pass early = pass();
        world.advance(Duration.ofSeconds(1));
        Instant second = world.instant();
        CircuitBreaker.Pass late = pass();
        world.advance(Duration.ofSeconds(60));
        late.failed(false);
        assertThat(breaker.failingSince()).contains(second);
        early.failed(true);
        assertThat(breaker.failingSince()).contains(second.minusSeconds(1));
        world.advance(Duration.ofSeconds(10));
        CircuitBreaker.Pass beside = pass();
        breaker.enter("other").orElseThrow().answered();
        assertThat(breaker.failingSince()).isEmpty();
        world.advance(Duration.ofSeconds(5));
        beside.failed(true);
        assertThat(breaker.failingSince())
                .as("others were answered since it was sent")
                .contains(world.instant());
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
        assertThat(breaker.enter(CircuitBreaker.NOBODY)).isEmpty();
        assertThat(breaker.untilProbe(CircuitBreaker.NOBODY)).isEqualTo(Duration.ofSeconds(1));
        world.advance(Duration.ofSeconds(1));
        CircuitBreaker.Pass probe = pass();
        assertThat(probe.isProbe()).isTrue();
        assertAt(Position.HALF_OPEN);
        assertThat(breaker.enter(CircuitBreaker.NOBODY)).isEmpty();
        assertThat(breaker.untilProbe(CircuitBreaker.NOBODY)).isEqualTo(Duration.ofSeconds(1));
        probe.answered();
        assertAt(Position.CLOSED);
        assertThat(pass().isProbe()).isFalse();
    }

    @Test
    void probeThatFailsAfterAnotherWasAnsweredOpensNothing() {
        breaker.enter("dead").orElseThrow().failed(true);
        world.advance(Duration.ofSeconds(10));
        CircuitBreaker.Pass probe = breaker.enter("dead").orElseThrow();
        breaker.enter("healthy").orElseThrow().answered();
        assertAt(Position.CLOSED);
        probe.failed(true);
        assertAt(Position.CLOSED);
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

    private CircuitBreaker.Pass about(String repository) {
        return breaker.enter(repository).orElseThrow();
    }

    @Test
    void repositoryThatMetNoOutageShowsAtOnceThatTheRegistryIsThere() {
        about("bad").failed(true);
        assertAt(Position.OPEN);
        assertThat(breaker.refuses("bad")).isTrue();
        assertThat(breaker.enter("bad")).isEmpty();
        assertThat(breaker.refuses("good")).isFalse();

        CircuitBreaker.Pass probe = about("good");
        assertThat(probe.isProbe()).as("in a hurry").isFalse();
        assertThat(breaker.enter("good")).as("another of the same").isEmpty();
        probe.answered();

        assertAt(Position.CLOSED);
        assertThat(breaker.enter("good")).isPresent();
    }

    @Test
    void fourRepositoriesAreLetThroughAtOnceAndOneThatHangsKeepsTheNextBackForTenSeconds() {
        about("bad").failed(true);
        List<CircuitBreaker.Pass> hanging = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            assertThat(breaker.refuses("hanging-" + i)).isFalse();
            hanging.add(about("hanging-" + i));
            world.advance(Duration.ofSeconds(2));
        }
        assertThat(breaker.refuses("good")).isTrue();
        assertThat(breaker.enter("good")).isEmpty();
        assertThat(breaker.untilProbe("good")).isLessThanOrEqualTo(Duration.ofSeconds(2));
        world.advance(Duration.ofSeconds(2));
        CircuitBreaker.Pass good = about("good");
        good.answered();
        assertAt(Position.CLOSED);
        hanging.forEach(pass -> pass.failed(true));
        assertThat(breaker.enter("good")).as("after what hung has failed").isPresent();
        assertAt(Position.CLOSED);
    }

    @Test
    void threeThatFailKeepNobodyBackAndAfterTheFourthAllWaitForTenSeconds() {
        about("bad").failed(true);
        for (int i = 0; i < 3; i++) {
            about("worse-" + i).failed(true);
            assertThat(breaker.refuses("good")).as("after " + (i + 1)).isFalse();
        }
        about("worse-3").failed(true);
        assertThat(breaker.refuses("good")).isTrue();
        world.advance(Duration.ofSeconds(10));
        assertThat(breaker.refuses("good")).isFalse();
        for (int i = 4; i < 7; i++) {
            about("worse-" + i).failed(true);
        }
        about("good").answered();
        assertAt(Position.CLOSED);
    }

    @Test
    void oneThatIsNotSentLeavesItsPlaceToTheNext() {
        about("bad").failed(true);
        for (int i = 0; i < 20; i++) {
            about("other-" + i).withdrawn();
        }
        assertThat(breaker.refuses("good")).isFalse();
    }

    @Test
    void probeOfTheBadOneDoesNotKeepTheOthersBack() {
        about("bad").failed(true);
        for (int i = 0; i < 5; i++) {
            world.advance(Duration.ofMinutes(2));
            CircuitBreaker.Pass bad = about("bad");
            assertAt(Position.HALF_OPEN);
            about("good").withdrawn();
            bad.failed(true);
            assertThat(breaker.refuses("good")).isFalse();
        }
        assertThat(breaker.untilProbe("bad")).isEqualTo(Duration.ofMinutes(2));
        about("good").answered();
        assertAt(Position.CLOSED);
    }

    @Test
    void registryThatIsOutIsAskedForFourMoreRepositoriesInTenSeconds() {
        about("first").failed(true);
        for (int i = 0; i < 4; i++) {
            about("second-" + i).failed(true);
        }
        assertAt(Position.OPEN);
        assertThat(breaker.refuses("third")).isTrue();
        assertThat(breaker.untilProbe("third")).isEqualTo(Duration.ofSeconds(10));
        world.advance(Duration.ofSeconds(9));
        assertThat(breaker.enter("third")).isEmpty();
        world.advance(Duration.ofSeconds(1));
        about("third").failed(true);
        assertThat(about("first").isProbe()).as("whose own time has come").isTrue();
        for (int i = 0; i < 3; i++) {
            about("fourth-" + i).failed(true);
        }
        assertThat(breaker.enter("fifth")).isEmpty();
    }

    @Test
    void oneThatWasAnsweredSinceIsNotSuspected() {
        about("bad").failed(false);
        about("bad").answered();
        about("worse").failed(true);
        assertThat(breaker.refuses("bad")).isFalse();
        assertThat(breaker.refuses("worse")).isTrue();
    }
}
