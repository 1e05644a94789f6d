package dev.entrepot.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.Repository;
import dev.entrepot.proxy.http.Meanings.Meaning;
import dev.entrepot.proxy.http.Meanings.Words;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MeaningsTest {
    private static final RegistryHost QUAY = RegistryHost.parse("quay.io");
    private static final String MIRROR = "mirror.test";
    private static final Words MANIFEST = new Words("/v2/a/manifests/1", "", MIRROR);

    private final Meanings meanings = new Meanings(new UpstreamRouter(
            List.of(
                    UpstreamNames.of(RegistryHost.DOCKER_HUB),
                    new UpstreamNames(QUAY, List.of(), List.of("quay.mirror.test"))),
            Optional.of(RegistryHost.DOCKER_HUB)));

    private Meaning read(String method, Words words) {
        return meanings.read(method, words, RequestTarget.of(words.path(), words.authority()));
    }

    private static Repository repository(Meaning meaning) {
        return Objects.requireNonNull(meaning.route()).repository();
    }

    @Test
    void theSameWordsAreReadOnce() {
        assertThat(meanings.lately(MANIFEST)).isNull();

        Meaning first = read("GET", MANIFEST);

        assertThat(meanings.lately(new Words("/v2/a/manifests/" + 1, "", MIRROR)))
                .isSameAs(first);
        assertThat(repository(first)).hasToString("docker.io/library/a");
    }

    @Test
    void hostAndQueryArePartOfWhatIsMeant() {
        Words byHost = new Words(MANIFEST.path(), "", "quay.mirror.test");
        Words byNamespace = new Words(MANIFEST.path(), "ns=quay.io", MIRROR);
        read("GET", MANIFEST);

        assertThat(meanings.lately(byHost)).isNull();
        assertThat(meanings.lately(byNamespace)).isNull();
        assertThat(repository(read("GET", byHost)).registry()).isEqualTo(QUAY);
        assertThat(repository(read("GET", byNamespace)).registry()).isEqualTo(QUAY);
        assertThat(repository(Objects.requireNonNull(meanings.lately(byHost))).registry())
                .isEqualTo(QUAY);
    }

    @ParameterizedTest(name = "{0} {1}?{2} at {3}")
    @CsvSource(
            emptyValue = "",
            value = {
                "PUT, /v2/a/manifests/1, '', mirror.test",
                "DELETE, /v2/a/blobs/uploads/x, '', mirror.test",
                "GET, /v2/ghcr.io/a/manifests/1, '', mirror.test",
                "GET, /v2/a/manifests/1, ns=ghcr.io, mirror.test",
                "GET, /v2/_catalog, '', mirror.test",
                "GET, /elsewhere, '', mirror.test"
            })
    void whatIsRefusedOrNamesNoRepositoryIsReadAnew(String method, String path, String query, String authority) {
        Words words = new Words(path, query, authority);

        assertThat(read(method, words).route()).isNull();
        assertThat(meanings.lately(words)).isNull();
    }

    @Test
    void whatCannotBeReadIsNotKept() {
        Words words = new Words("/v2/A/manifests/1", "", MIRROR);

        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> read("GET", words)).isInstanceOf(InvalidNameException.class);
            assertThat(meanings.lately(words)).isNull();
        }
    }

    @Test
    void whatIsLongIsNotKept() {
        Words longest = new Words("/v2/a/manifests/1", "x=" + "y".repeat(Meanings.LONGEST - 30), MIRROR);
        Words longer = new Words("/v2/a/manifests/1", "x=" + "y".repeat(Meanings.LONGEST - 29), MIRROR);

        read("GET", longest);
        read("GET", longer);

        assertThat(meanings.lately(longest)).isNotNull();
        assertThat(meanings.lately(longer)).isNull();
    }

    @Test
    void manyMeanWhatTheySayAndFewAreKept() {
        Map<Words, String> all = new HashMap<>();
        for (int i = 0; i < 5 * Meanings.PLACES; i++) {
            Words words = new Words("/v2/a" + i + "/manifests/1", "", MIRROR);
            read("GET", words);
            all.put(words, "docker.io/library/a" + i);
        }

        long kept = all.entrySet().stream()
                .filter(asked -> {
                    Meaning known = meanings.lately(asked.getKey());
                    if (known != null) {
                        assertThat(repository(known)).hasToString(asked.getValue());
                    }
                    return known != null;
                })
                .count();

        assertThat(kept).isBetween(Meanings.PLACES / 2L, (long) Meanings.PLACES);
    }
}
