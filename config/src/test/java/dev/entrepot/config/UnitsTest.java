package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.StringLength;

class UnitsTest {
    @Property(tries = 500)
    void aSizeSurvivesBeingWritten(@ForAll @LongRange(min = 0) long bytes) {
        assertThat(ByteSize.parse(new ByteSize(bytes).toString())).isEqualTo(new ByteSize(bytes));
    }

    @Property(tries = 200)
    void aRoundSizeIsWrittenShort(@ForAll @IntRange(min = 1, max = 900) int count) {
        assertThat(ByteSize.parse(count + "GiB")).hasToString(count + "GiB");
        assertThat(ByteSize.parse(count + " MB").bytes()).isEqualTo(count * 1_000_000L);
    }

    @Example
    void sizesMayHaveAFraction() {
        assertThat(ByteSize.parse("4.7GB").bytes()).isEqualTo(4_700_000_000L);
        assertThat(ByteSize.parse("0.5KiB").bytes()).isEqualTo(512);
        assertThat(ByteSize.parse("1.9").bytes()).isEqualTo(1);
        assertThat(ByteSize.parse("7 B").bytes()).isEqualTo(7);
        assertThat(ByteSize.parse("1TiB").bytes()).isEqualTo(1L << 40);
        assertThat(ByteSize.parse("1TB").bytes()).isEqualTo(1_000_000_000_000L);
    }

    @Example
    void whatIsNoSizeIsRefused() {
        for (String text :
                new String[] {"", "-1", "1 gb", "1GIB", "1e9", "GiB", "1..2KB", ".5KB", "1K", "1 0", "0x10"}) {
            assertThatThrownBy(() -> ByteSize.parse(text)).as(text).isInstanceOf(InvalidValueException.class);
        }
        assertThatThrownBy(() -> ByteSize.parse("99999999TiB")).isInstanceOf(InvalidValueException.class);
        assertThatThrownBy(() -> new ByteSize(-1)).isInstanceOf(InvalidValueException.class);
    }

    @Property(tries = 500)
    void aTimeSurvivesBeingWritten(@ForAll @LongRange(min = 0, max = 3650L * 86_400_000) long millis) {
        Duration duration = Duration.ofMillis(millis);

        assertThat(Durations.parse(Durations.format(duration))).isEqualTo(duration);
    }

    @Example
    void timesMayHaveSeveralUnits() {
        assertThat(Durations.parse("1d2h3m4s5ms"))
                .isEqualTo(Duration.ofDays(1)
                        .plusHours(2)
                        .plusMinutes(3)
                        .plusSeconds(4)
                        .plusMillis(5));
        assertThat(Durations.parse("300ms")).hasMillis(300);
        assertThat(Durations.parse("90m")).hasMinutes(90);
        assertThat(Durations.format(Duration.ZERO)).isEqualTo("0s");
    }

    @Example
    void whatIsNoTimeIsRefused() {
        for (String text :
                new String[] {"", "0", "5", "5 m", "-5m", "1.5h", "1m1h", "1w", "ms", "3651d", "999999999d"}) {
            assertThatThrownBy(() -> Durations.parse(text)).as(text).isInstanceOf(InvalidValueException.class);
        }
    }

    @Property(tries = 300)
    void anAddressSurvivesBeingWritten(@ForAll("addresses") ListenAddress address) {
        assertThat(ListenAddress.parse(address.toString())).isEqualTo(address);
    }

    @Provide
    Arbitrary<ListenAddress> addresses() {
        Arbitrary<Optional<String>> hosts =
                Arbitraries.of("localhost", "127.0.0.1", "::1", "a-b.example").optional(0.8);
        return Combinators.combine(hosts, Arbitraries.integers().between(0, 65_535))
                .as(ListenAddress::new);
    }

    @Example
    void whatIsNoAddressIsRefused() {
        for (String text : new String[] {"", "5000", "a:", "a:65536", "::1:5000", "[::1]", "a b:1", "http://a:1"}) {
            assertThatThrownBy(() -> ListenAddress.parse(text)).as(text).isInstanceOf(InvalidValueException.class);
        }
    }

    @Property(tries = 500)
    void anyTextSurvivesYaml(@ForAll @StringLength(min = 1, max = 40) String text) {
        boolean allowed = !text.isBlank()
                && text.codePoints()
                        .noneMatch(c -> Character.isISOControl(c)
                                || Character.getType(c) == Character.SURROGATE
                                || c > 0xFFFD && c < 0x10000);
        if (!allowed) {
            return;
        }
        String written = YamlText.scalar(References.escape(text));

        CredentialsConfig read = Loading.config(
                        "upstreams: {a.test: {credentials: {username: u, password: " + written + "}}}")
                .upstreams()
                .get(new dev.entrepot.oci.RegistryHost("a.test"))
                .credentials()
                .orElseThrow();

        assertThat(read).isEqualTo(new CredentialsConfig.UsernamePassword("u", Secret.of(text)));
    }

    @Property(tries = 200)
    void aWordIsKnownInItsOwnCaseOnly(@ForAll AccessLogFormat format) {
        String word = format.name().toLowerCase(Locale.ROOT);

        assertThat(Loading.config("server: {access-log: " + word + "}").server().accessLog())
                .isEqualTo(format);
        assertThat(Loading.error("server: {access-log: " + format.name() + "}").allowed())
                .isEqualTo("one of off, text, json");
    }

    @Example
    void percentagesAreWholeAndNotZero() {
        assertThat(Percent.parse("100%")).isEqualTo(new Percent(100)).hasToString("100%");
        for (String text : new String[] {"0%", "101%", "10", "1.5%", "%"}) {
            assertThatThrownBy(() -> Percent.parse(text)).as(text).isInstanceOf(InvalidValueException.class);
        }
    }
}
