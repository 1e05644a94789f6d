package dev.entrepot.oci.client;

import static dev.entrepot.oci.client.Priority.BACKGROUND;
import static dev.entrepot.oci.client.Priority.INTERACTIVE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.client.QuotaBudget.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class QuotaBudgetTest {
    private static final Duration WINDOW = Duration.ofHours(6);

    private final TestWorld world = new TestWorld();
    private final QuotaBudget budget = new QuotaBudget("anonymous", QuotaReserve.DEFAULT, world);

    private static QuotaHeaders left(long remaining) {
        return new QuotaHeaders(
                OptionalLong.of(100),
                OptionalLong.of(remaining),
                Optional.of(WINDOW),
                Optional.empty(),
                Optional.empty());
    }

    private void hear(long remaining) {
        budget.heard(budget.number(), left(remaining), false);
    }

    private static void assertStopped(Verdict verdict) {
        assertThat(verdict).isInstanceOf(Verdict.Stop.class);
    }

    private void pull(Priority priority, long remainingAfterwards) {
        assertThat(budget.ask(priority)).isEqualTo(new Verdict.Go());
        budget.heard(budget.number(), left(remainingAfterwards), true);
    }

    private Instant now() {
        return world.instant();
    }

    @Test
    void anythingGoesWhileNothingIsKnown() {
        for (int i = 0; i < 1000; i++) {
            assertThat(budget.ask(BACKGROUND)).isEqualTo(new Verdict.Go());
        }
        assertThat(budget.state()).isEmpty();
    }

    @Test
    void backgroundStopsAtTheReserveAndClientsGoOnToTheEnd() {
        hear(26);
        pull(BACKGROUND, 25);
        assertThat(budget.ask(BACKGROUND))
                .isEqualTo(new Verdict.Stop(now().plus(WINDOW), OptionalLong.of(100), OptionalLong.of(25)));
        for (int left = 24; left >= 0; left--) {
            pull(INTERACTIVE, left);
        }
        assertStopped(budget.ask(INTERACTIVE));
    }

    @Test
    void reserveIsForWhatNothingCanStandInFor() {
        assertThat(budget.reserved()).isEmpty();
        hear(26);
        assertThat(budget.reserved()).isEmpty();
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
        assertThat(budget.reserved())
                .contains(new Verdict.Stop(now().plus(WINDOW), OptionalLong.of(100), OptionalLong.of(25)));
        hear(0);
        assertThat(budget.reserved()).as("nothing is left to be reserved").isEmpty();
        world.advance(WINDOW);
        assertThat(budget.reserved()).isEmpty();
    }

    private void assertOneRule(boolean spent, boolean reserved) {
        Optional<Verdict.Stop> said = budget.spent();
        assertThat(said.isPresent()).as("spent").isEqualTo(spent);
        assertThat(budget.reserved().isPresent()).as("reserved").isEqualTo(reserved);
        Verdict clients = budget.ask(INTERACTIVE);
        assertThat(clients).isEqualTo(said.<Verdict>map(stop -> stop).orElse(new Verdict.Go()));
        if (clients instanceof Verdict.Go) {
            budget.failed();
        }
        Verdict background = budget.ask(BACKGROUND);
        assertThat(background instanceof Verdict.Stop)
                .as("a pull in the background: %s", background)
                .isEqualTo(spent || reserved);
        if (background instanceof Verdict.Go) {
            budget.failed();
        }
    }

    @Test
    void whatIsSaidOfAPullIsWhatComesOfIt() {
        assertOneRule(false, false);
        hear(26);
        assertOneRule(false, false);
        hear(25);
        assertOneRule(false, true);
        hear(1);
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
        assertOneRule(true, false);
        budget.failed();
        hear(0);
        assertOneRule(true, false);
        world.advance(WINDOW);
        assertOneRule(false, false);
        // One shows whether the window has moved, and nobody else is let go meanwhile.
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
        assertOneRule(true, false);
        budget.failed();
        assertOneRule(false, false);
        hear(50);
        budget.exceeded(budget.number(), QuotaHeaders.NONE, Optional.of(Duration.ofMinutes(2)));
        assertOneRule(true, false);
    }

    @Test
    void requestThatIsSentAnywayIsTheLookThatIsDue() {
        hear(3);
        assertThat(budget.looks()).as("nothing keeps a pull").isFalse();
        budget.exceeded(budget.number(), QuotaHeaders.NONE, Optional.of(Duration.ofMinutes(2)));
        assertThat(budget.looks()).as("the registry wants to be left alone").isFalse();
        world.advance(Duration.ofMinutes(2));
        assertThat(budget.looks()).isTrue();
        assertThat(budget.looks()).as("once a minute").isFalse();
        budget.sawNothing();
        assertThat(budget.spent()).isEmpty();
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
    }

    @Test
    void requestsUnderWayCountAsSpentUntilTheyAreAnsweredOrFail() {
        hear(2);
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
        assertStopped(budget.ask(INTERACTIVE));
        budget.failed();
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
        budget.heard(budget.number(), left(1), true);
        assertStopped(budget.ask(INTERACTIVE));
    }

    @Test
    void answerOfAnOlderRequestCannotSayThatThereIsMoreAgain() {
        QuotaBudget.Numbered older = budget.number();
        hear(0);
        budget.heard(older, left(1), false);
        assertStopped(budget.ask(INTERACTIVE));
        hear(1);
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
    }

    @Test
    void answerDoesNotTakeBackThePullsThatWereAnsweredWhileItWasUnderWay() {
        hear(28);
        assertThat(budget.ask(BACKGROUND)).isEqualTo(new Verdict.Go());
        QuotaBudget.Numbered pull = budget.number();
        assertThat(budget.ask(BACKGROUND)).isEqualTo(new Verdict.Go());
        QuotaBudget.Numbered second = budget.number();
        assertThat(budget.ask(BACKGROUND)).isEqualTo(new Verdict.Go());
        QuotaBudget.Numbered third = budget.number();
        QuotaBudget.Numbered head = budget.number();
        budget.heard(pull, left(27), true);
        budget.heard(second, left(26), true);
        budget.heard(third, left(25), true);

        budget.heard(head, left(28), false);

        assertStopped(budget.ask(BACKGROUND));
        assertThat(budget.state().orElseThrow().remaining()).hasValue(25);
    }

    @Test
    void answerShowsThatTheWindowHasMovedThoughPullsWereAnsweredWhileItWasUnderWay() {
        hear(28);
        QuotaBudget.Numbered pull = budget.number();
        assertThat(budget.ask(BACKGROUND)).isEqualTo(new Verdict.Go());
        QuotaBudget.Numbered head = budget.number();
        budget.heard(pull, left(27), true);

        budget.heard(head, left(100), false);

        assertThat(budget.state().orElseThrow().remaining()).hasValue(99);
    }

    @Test
    void oneLookAMinuteIsDueForThoseThatWouldBeStopped() {
        hear(0);
        assertStopped(budget.ask(INTERACTIVE));
        world.advance(Duration.ofMinutes(1));
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Look());
        assertStopped(budget.ask(INTERACTIVE));
        world.advance(Duration.ofSeconds(59));
        assertStopped(budget.ask(BACKGROUND));
        world.advance(Duration.ofSeconds(1));
        assertThat(budget.ask(BACKGROUND)).isEqualTo(new Verdict.Look());
        hear(1);
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
    }

    @Test
    void afterTheWindowOneAtATimeShowsWhetherItHasMoved() {
        hear(0);
        world.advance(WINDOW);
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
        assertStopped(budget.ask(INTERACTIVE));
        budget.heard(budget.number(), left(50), true);
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
    }

    @Test
    void heardAgainThatNothingIsLeftTheWindowStillEndsWhenItDid() {
        hear(0);
        world.advance(WINDOW.minusSeconds(1));
        hear(0);
        world.advance(Duration.ofSeconds(1));
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
    }

    @Test
    void refusalHoldsForAsLongAsItAsksButNoLongerThanAQuarterOfAnHour() {
        budget.exceeded(budget.number(), QuotaHeaders.NONE, Optional.of(Duration.ofDays(7)));
        assertThat(budget.state().orElseThrow().stoppedUntil()).contains(now().plus(Duration.ofMinutes(15)));
        assertStopped(budget.ask(INTERACTIVE));
        world.advance(Duration.ofMinutes(15));
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
        assertStopped(budget.ask(INTERACTIVE));
    }

    @Test
    void refusalThatHasPassedIsFollowedByALookAndIfThatShowsNothingByOneRequest() {
        hear(3);
        budget.exceeded(budget.number(), QuotaHeaders.NONE, Optional.of(Duration.ofMinutes(2)));
        world.advance(Duration.ofMinutes(2));
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Look());
        budget.sawNothing();
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
        assertStopped(budget.ask(INTERACTIVE));
    }

    @Test
    void remainingWithoutALimitIsNotBelievedAndNeverMoreThanTheLimit() {
        QuotaHeaders zero = new QuotaHeaders(
                OptionalLong.empty(), OptionalLong.of(0), Optional.empty(), Optional.empty(), Optional.empty());
        budget.heard(budget.number(), zero, false);
        assertThat(budget.ask(INTERACTIVE)).isEqualTo(new Verdict.Go());
        hear(999_999_999_999L);
        assertThat(budget.state().orElseThrow().remaining()).hasValue(100);
    }

    @Test
    void quotaThatFallsSlowlyLasts() {
        hear(100);
        for (int left = 99; left >= 90; left--) {
            world.advance(Duration.ofMinutes(6));
            hear(left);
        }
        assertThat(budget.state().orElseThrow().forecast()).isEqualTo(new Forecast.Lasts());
    }

    @Test
    void quotaThatFallsFastIsSaidToEndAtThatRate() {
        hear(100);
        for (int left = 99; left >= 40; left--) {
            world.advance(Duration.ofMinutes(1));
            hear(left);
        }
        Forecast forecast = budget.state().orElseThrow().forecast();
        assertThat(forecast)
                .isInstanceOfSatisfying(
                        Forecast.UsedUp.class,
                        end -> assertThat(end.at())
                                .isBetween(now().plus(Duration.ofMinutes(36)), now().plus(Duration.ofMinutes(44))));
        assertThat(budget.state().orElseThrow().reserve()).hasValue(25);
    }

    @Test
    void nothingIsForetoldInTheFirstMinute() {
        hear(100);
        hear(50);
        assertThat(budget.state().orElseThrow().forecast()).isEqualTo(new Forecast.Unknown());
    }
}
