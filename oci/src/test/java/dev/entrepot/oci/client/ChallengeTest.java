package dev.entrepot.oci.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ChallengeTest {
    static Stream<Arguments> fields() {
        return Stream.of(
                Arguments.of("Basic", List.of(challenge("basic"))),
                Arguments.of("Basic realm=\"a\"", List.of(challenge("basic", "realm", "a"))),
                Arguments.of(
                        "Bearer realm=\"https://auth.test/token\",service=\"svc\",scope=\"repository:a/b:pull,push\"",
                        List.of(challenge(
                                "bearer",
                                "realm",
                                "https://auth.test/token",
                                "service",
                                "svc",
                                "scope",
                                "repository:a/b:pull,push"))),
                Arguments.of(
                        "bEARER REALM = \"x\" ,\tSERVICE= y , Error=\"invalid_token\"",
                        List.of(challenge("bearer", "realm", "x", "service", "y", "error", "invalid_token"))),
                Arguments.of(
                        "Bearer realm=\"a, \\\"b\\\" \\\\ c\"", List.of(challenge("bearer", "realm", "a, \"b\" \\ c"))),
                Arguments.of(
                        "Bearer realm=\"x\", Basic realm=\"y\"",
                        List.of(challenge("bearer", "realm", "x"), challenge("basic", "realm", "y"))),
                Arguments.of(
                        "Negotiate, Basic realm=\"y\", Digest",
                        List.of(challenge("negotiate"), challenge("basic", "realm", "y"), challenge("digest"))),
                Arguments.of(
                        "NTLM TlRMTVNTUAAB+/==, Basic realm=\"y\"",
                        List.of(challenge("ntlm"), challenge("basic", "realm", "y"))),
                Arguments.of(
                        ",, Basic realm=\"y\",, charset=\"UTF-8\" ,",
                        List.of(challenge("basic", "realm", "y", "charset", "UTF-8"))),
                Arguments.of(
                        "Bearer realm=https://auth.test/token,service=svc",
                        List.of(challenge("bearer", "realm", "https://auth.test/token", "service", "svc"))),
                Arguments.of("Bearer realm=\"one\",realm=\"two\"", List.of(challenge("bearer", "realm", "one"))),
                Arguments.of("Bearer realm=\"\"", List.of(challenge("bearer", "realm", ""))),
                Arguments.of("Bearer realm=\"x\",service=\"unfinished", List.of(challenge("bearer", "realm", "x"))),
                Arguments.of(
                        "Bearer realm=\"x\" service=\"svc\", Basic realm=\"y\"",
                        List.of(challenge("bearer", "realm", "x", "service", "svc"), challenge("basic", "realm", "y"))),
                Arguments.of(
                        "Bearer realm=x service=svc scope=\"a:b:c\"",
                        List.of(challenge("bearer", "realm", "x", "service", "svc", "scope", "a:b:c"))),
                Arguments.of("Bearer realm=\"x\" junk, Basic realm=\"y\"", List.of(challenge("bearer", "realm", "x"))),
                Arguments.of("Basic @@@", List.of(challenge("basic"))),
                Arguments.of("@@@", List.of()),
                Arguments.of("", List.of()));
    }

    private static Challenge challenge(String scheme, String... parameters) {
        Map<String, String> map = new TreeMap<>();
        for (int i = 0; i < parameters.length; i += 2) {
            map.put(parameters[i], parameters[i + 1]);
        }
        return new Challenge(scheme, map);
    }

    @ParameterizedTest
    @MethodSource("fields")
    void readsTheGrammar(String field, List<Challenge> expected) {
        assertThat(Challenge.parse(List.of(field))).isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("fields")
    void readsSeveralFieldsInOrder(String field, List<Challenge> expected) {
        Challenge first = challenge("basic", "realm", "first");

        assertThat(Challenge.parse(List.of("Basic realm=\"first\"", field)))
                .isEqualTo(Stream.concat(Stream.of(first), expected.stream()).toList());
    }

    @Property(tries = 500)
    void neverFailsNorHangs(@ForAll char[] text) {
        assertThat(Challenge.parse(Arrays.asList(new String(text), "Basic " + new String(text))))
                .isNotNull();
    }

    @Property(tries = 200)
    void readsBackAnyQuotedValue(@ForAll String value) {
        String quoted = value.replace("\\", "\\\\").replace("\"", "\\\"");

        assertThat(Challenge.parse(List.of("Bearer a=1, realm=\"" + quoted + "\", b=2")))
                .containsExactly(challenge("bearer", "a", "1", "realm", value, "b", "2"));
    }
}
