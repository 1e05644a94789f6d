package dev.entrepot.oci;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReferenceTest {
    private static final String HEX = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    @ParameterizedTest
    @CsvSource({
        "alpine, docker.io/library/alpine",
        "alpine:3.20, docker.io/library/alpine:3.20",
        "grafana/loki, docker.io/grafana/loki",
        "docker.io/alpine, docker.io/library/alpine",
        "index.docker.io/alpine, docker.io/library/alpine",
        "index.docker.io/grafana/loki:3, docker.io/grafana/loki:3",
        "registry-1.docker.io/alpine:3, docker.io/library/alpine:3",
        "Registry-1.docker.io/grafana/loki, docker.io/grafana/loki",
        "localhost/a, localhost/a",
        "localhost:5000/a, localhost:5000/a",
        "localhost:5000/a:v1, localhost:5000/a:v1",
        "localhost:5000, docker.io/library/localhost:5000",
        "ghcr.io/a/b/c:v1, ghcr.io/a/b/c:v1",
        "GHCR.io/a:V1, ghcr.io/a:V1",
        "Index.Docker.IO/alpine, docker.io/library/alpine",
        "LOCALHOST/a, localhost/a",
        "LOCALHOST:5000/x, localhost:5000/x",
        "Registry.Example/x, registry.example/x",
        "[::1]:5000/a:v1, [::1]:5000/a:v1"
    })
    void readsWhatPeopleWrite(String text, String expected) {
        assertThat(Reference.parse(text)).hasToString(expected);
    }

    @Test
    void digestWinsOverTag() {
        Reference both = Reference.parse("a.example/b:v1@sha256:" + HEX);
        assertThat(both.tag()).isEqualTo(Optional.of(new Tag("v1")));
        assertThat(both.manifest()).isEqualTo(Digest.parse("sha256:" + HEX));
        assertThat(Reference.parse("a.example/b@sha256:" + HEX).tag()).isEmpty();
        assertThat(Reference.parse("a.example/b:v1").manifest()).isEqualTo(new Tag("v1"));
        assertThat(Reference.parse("a.example/b").manifest()).isEqualTo(new Tag("latest"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                ":",
                "@",
                ":tag",
                "a:",
                "a@",
                "a@sha256:x",
                "a.example/",
                "a.example/:v",
                "a/b:c:d",
                "UPPER",
                "a//b",
                "https://a.example/b",
                "a.example/b:v1@sha256:0@sha256:0",
                "a.example/b:-v",
                " a"
            })
    void malformedReferenceIsRefused(String text) {
        assertThatThrownBy(() -> Reference.parse(text)).isInstanceOf(InvalidNameException.class);
    }

    @Property(tries = 300)
    void printsAndParsesBack(@ForAll("references") Reference reference) {
        assertThat(Reference.parse(reference.toString())).isEqualTo(reference);
    }

    @Property(tries = 300)
    void anyTextIsReadOrRefusedInOneWay(@ForAll String text) {
        try {
            Reference reference = Reference.parse(text);
            assertThat(Reference.parse(reference.toString())).isEqualTo(reference);
        } catch (InvalidNameException e) {
            assertThat(e.what()).isNotEmpty();
        }
    }

    @Provide
    Arbitrary<Reference> references() {
        Arbitrary<RegistryHost> hosts = Arbitraries.of("docker.io", "localhost", "a.example", "h:5000", "[::1]:80")
                .map(RegistryHost::parse);
        Arbitrary<String> component =
                Arbitraries.strings().withCharRange('a', 'z').ofMinLength(1).ofMaxLength(8);
        Arbitrary<RepositoryName> names =
                component.list().ofMinSize(2).ofMaxSize(4).map(parts -> new RepositoryName(String.join("/", parts)));
        Arbitrary<Optional<Tag>> tags = component.map(Tag::new).optional();
        Arbitrary<Optional<Digest>> digests =
                Arbitraries.bytes().array(byte[].class).map(Digest::sha256).optional();
        return Combinators.combine(hosts, names, tags, digests)
                .as((host, name, tag, digest) -> new Reference(new Repository(host, name), tag, digest));
    }
}
