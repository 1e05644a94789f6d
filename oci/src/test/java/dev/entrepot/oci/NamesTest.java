package dev.entrepot.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The grammars of names, against the regular expressions of the distribution specification. */
class NamesTest {
    private static final Pattern NAME =
            Pattern.compile("[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(\\/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*");
    private static final Pattern TAG = Pattern.compile("[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}");

    /** Text of the characters that matter to the grammars, so that many samples are nearly names. */
    @Provide
    Arbitrary<String> nearlyNames() {
        return Arbitraries.strings().withChars("aab9...___---//A:@ \n").ofMaxLength(12);
    }

    @Property(tries = 2000)
    void repositoryNameIsTheSpecificationsExpression(@ForAll("nearlyNames") String text) {
        assertThat(accepts(() -> new RepositoryName(text)))
                .isEqualTo(NAME.matcher(text).matches());
    }

    @Property(tries = 300)
    void anyTextIsRefusedAsTheExpressionWould(@ForAll String text) {
        assertThat(accepts(() -> new RepositoryName(text)))
                .isEqualTo(NAME.matcher(text).matches());
        assertThat(accepts(() -> new Tag(text))).isEqualTo(TAG.matcher(text).matches());
    }

    @Property(tries = 1000)
    void tagIsTheSpecificationsExpression(@ForAll("nearlyNames") String text) {
        assertThat(accepts(() -> new Tag(text))).isEqualTo(TAG.matcher(text).matches());
    }

    private static boolean accepts(Runnable constructor) {
        try {
            constructor.run();
            return true;
        } catch (InvalidNameException e) {
            return false;
        }
    }

    @Test
    void lengthsAreBounded() {
        assertThat(accepts(() -> new Tag("a".repeat(128)))).isTrue();
        assertThat(accepts(() -> new Tag("a".repeat(129)))).isFalse();
        assertThat(accepts(() -> new RepositoryName("a".repeat(255)))).isTrue();
        assertThat(accepts(() -> new RepositoryName("a".repeat(256)))).isFalse();
        assertThat(accepts(() -> new RepositoryName("a" + "-".repeat(253) + "b")))
                .isTrue();
    }

    @Test
    void repositoryNameKnowsWhetherItIsNested() {
        assertThat(new RepositoryName("a/b").isNested()).isTrue();
        assertThat(new RepositoryName("a").isNested()).isFalse();
    }

    @Test
    void tagsOrderAsRegistriesListThem() {
        assertThat(new Tag("C")).isLessThan(new Tag("a"));
        assertThat(new Tag("10")).isLessThan(new Tag("9"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "docker.io",
                "localhost",
                "localhost:5000",
                "registry-1.docker.io",
                "10.0.0.1:65535",
                "[::1]",
                "[::1]:5000",
                "[fe80::1]:1",
                "xn--bcher-kva.example"
            })
    void hostPrintsAsItWasRead(String text) {
        assertThat(RegistryHost.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a b",
                "a/b",
                "-a",
                "a-",
                "a..b",
                ".a",
                "a.",
                "a:",
                "a:0",
                "a:65536",
                "a:123456",
                "a:-1",
                "user@host",
                "::1",
                "[]:80",
                "[::1]x",
                "http://a",
                "a\n",
                "b\u00fccher.example",
                "doc\u212aer.io"
            })
    void malformedHostIsRefused(String text) {
        assertThatThrownBy(() -> RegistryHost.parse(text)).isInstanceOf(InvalidNameException.class);
    }

    @ParameterizedTest
    @CsvSource({"EXAMPLE.com:80, example.com", "[::1]:5000, [::1]", "[::1], [::1]", "a, a"})
    void hostWithoutPortIsFolded(String text, String expected) {
        assertThat(RegistryHost.parse(text).hostWithoutPort()).isEqualTo(expected);
    }

    @Test
    void repositoryNeedsAHost() {
        assertThat(Repository.parse("localhost:5000/a/b")).hasToString("localhost:5000/a/b");
        assertThatThrownBy(() -> Repository.parse("alpine")).isInstanceOf(InvalidNameException.class);
    }

    @Test
    void refusalNamesTheThingWithoutControlCharactersAndNotAtLength() {
        assertThatThrownBy(() -> new Tag("a\r\nSet-Cookie: x" + "y".repeat(1000)))
                .hasMessageStartingWith("invalid tag \"a??Set-Cookie: x")
                .satisfies(e -> assertThat(e.getMessage().length()).isLessThan(250));
    }
}
