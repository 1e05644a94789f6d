package dev.entrepot.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class SamplesTest {
    @Test
    void ratiosAreTakenRoundByRoundBeforeTheirMedian() {
        Samples ours = new Samples(List.of(10.0, 2.0, 6.0));
        Samples theirs = new Samples(List.of(5.0, 2.0, 2.0));

        Samples ratio = ours.with(theirs, (a, b) -> a / b);

        assertThat(ratio.values()).containsExactly(2.0, 1.0, 3.0);
        assertThat(ratio).hasToString("2.00 (1.00 to 3.00)");
        assertThat(ratio.each()).isEqualTo("2.00 1.00 3.00");
    }

    @Test
    void medianOfAnEvenCountIsTheMeanOfTheMiddle() {
        assertThat(new Samples(List.of(4.0, 1.0, 2.0, 100.0)).median()).isEqualTo(3.0);
    }

    @Test
    void aGoalIsJudgedByTheMedian() {
        Samples samples = new Samples(List.of(0.7, 0.9, 1.0));

        assertThat(new Goal.AtLeast(0.9).judge(samples)).isEqualTo("≥ 0.90, met");
        assertThat(new Goal.AtMost(0.8).judge(samples)).isEqualTo("≤ 0.80, **missed**");
        assertThat(new Goal.Open().judge(samples)).isEmpty();
    }

    @Test
    void wrkIsReadWithItsUnits() throws IOException {
        String output = """
                  Latency Distribution
                     50%  540.00us
                     99%    1.25ms
                Requests/sec: 112034.51
                """;

        assertThat(Wrk.parse(output)).isEqualTo(new Wrk(112034.51, 1.25));
        assertThat(Wrk.parse(output.replace("1.25ms", "2.50s")).p99Millis()).isEqualTo(2500);
    }

    @Test
    void aLoadWithErrorsIsNoMeasurement() {
        String output = "99% 1.00ms\nNon-2xx or 3xx responses: 7\nRequests/sec: 10\n";

        assertThatThrownBy(() -> Wrk.parse(output))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("Non-2xx");
    }
}
