package dev.entrepot.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.Tag;
import dev.entrepot.proxy.http.RegistryRequest.BlobRequest;
import dev.entrepot.proxy.http.RegistryRequest.Catalog;
import dev.entrepot.proxy.http.RegistryRequest.Elsewhere;
import dev.entrepot.proxy.http.RegistryRequest.ManifestRequest;
import dev.entrepot.proxy.http.RegistryRequest.Ping;
import dev.entrepot.proxy.http.RegistryRequest.Push;
import dev.entrepot.proxy.http.RegistryRequest.ReferrersRequest;
import dev.entrepot.proxy.http.RegistryRequest.TagsRequest;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RegistryRequestTest {
    private static final Digest DIGEST = Digest.sha256(new byte[0]);
    private static final Digest SHA512 = Digest.of(DigestAlgorithm.SHA512, new byte[0]);

    private static RegistryRequest get(String path) {
        int question = path.indexOf('?');
        return question < 0
                ? RegistryRequest.parse("GET", path, "")
                : RegistryRequest.parse("GET", path.substring(0, question), path.substring(question + 1));
    }

    private static RequestedName name(String path) {
        return new RequestedName(RequestScope.NONE, path);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v2/", "/v2"})
    void pingWithAndWithoutSlash(String path) {
        assertThat(get(path)).isEqualTo(new Ping(RequestScope.NONE));
        assertThat(RegistryRequest.parse("HEAD", path, "")).isEqualTo(new Ping(RequestScope.NONE));
    }

    @Test
    void pingBehindAPrefix() {
        assertThat(get("/docker.io/v2/")).isEqualTo(new Ping(new RequestScope("docker.io", "")));
        assertThat(get("/docker.io/v2")).isEqualTo(new Ping(new RequestScope("docker.io", "")));
    }

    @Test
    void manifestByTagAndByDigest() {
        assertThat(get("/v2/library/alpine/manifests/3.20"))
                .isEqualTo(new ManifestRequest(name("library/alpine"), new Tag("3.20")));
        assertThat(get("/v2/alpine/manifests/" + DIGEST)).isEqualTo(new ManifestRequest(name("alpine"), DIGEST));
        assertThat(get("/v2/alpine/manifests/" + SHA512)).isEqualTo(new ManifestRequest(name("alpine"), SHA512));
    }

    @Test
    void namespaceComesFromTheQuery() {
        assertThat(get("/v2/a/b/manifests/x?ns=localhost%3A5000&other=1"))
                .isEqualTo(new ManifestRequest(
                        new RequestedName(new RequestScope("", "localhost:5000"), "a/b"), new Tag("x")));
    }

    @Test
    void prefixMayHaveSeveralSegmentsAndTheNameMayContainV2() {
        assertThat(get("/docker.io/library/v2/v2/v2/manifests/v2"))
                .isEqualTo(new ManifestRequest(
                        new RequestedName(new RequestScope("docker.io/library", ""), "v2/v2"), new Tag("v2")));
    }

    @Test
    void firstComponentMayBeAHostWithAPort() {
        assertThat(get("/v2/localhost:5000/foo/bar/blobs/" + DIGEST))
                .isEqualTo(new BlobRequest(name("localhost:5000/foo/bar"), DIGEST));
        assertThat(get("/localhost:5000/v2/foo/blobs/" + DIGEST))
                .isEqualTo(new BlobRequest(new RequestedName(new RequestScope("localhost:5000", ""), "foo"), DIGEST));
    }

    @Test
    void tagsWithAndWithoutAPage() {
        assertThat(get("/v2/a/tags/list"))
                .isEqualTo(new TagsRequest(name("a"), new PageRequest(OptionalInt.empty(), "")));
        assertThat(get("/v2/a/tags/list?last=v1&n=10"))
                .isEqualTo(new TagsRequest(name("a"), new PageRequest(OptionalInt.of(10), "v1")));
        assertThat(get("/v2/a/tags/list?n=99999999999"))
                .isEqualTo(new TagsRequest(name("a"), new PageRequest(OptionalInt.of(Integer.MAX_VALUE), "")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "x", "1.5", "+1", "%20"})
    void badPageSizeIsRefused(String n) {
        assertThatThrownBy(() -> get("/v2/a/tags/list?n=" + n))
                .isInstanceOfSatisfying(
                        InvalidNameException.class, e -> assertThat(e.what()).isEqualTo(PageRequest.LIMIT));
    }

    @Test
    void referrersWithAllArtifactTypes() {
        assertThat(get("/v2/a/referrers/" + DIGEST + "?artifactType=a%2Fb&artifactType=c/d&last=" + DIGEST))
                .isEqualTo(new ReferrersRequest(name("a"), DIGEST, List.of("a/b", "c/d"), Optional.of(DIGEST)));
    }

    @Test
    void catalogIsOnlyAtTheTop() {
        assertThat(get("/v2/_catalog?n=5"))
                .isEqualTo(new Catalog(RequestScope.NONE, new PageRequest(OptionalInt.of(5), "")));
        assertThat(get("/v2/a/_catalog")).isInstanceOf(Elsewhere.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"/", "/v1/", "/v2/foo", "/v2/foo/tags", "/v2/foo/tags/other", "/v2/_oci/ext/discover", "/metrics"
            })
    void otherPathsAreElsewhere(String path) {
        assertThat(get(path)).isInstanceOf(Elsewhere.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v2/a%2Fb/manifests/x",
                "/v2/a//b/manifests/x",
                "/v2//manifests/x",
                "/v2/../b/manifests/x",
                "/v2/a/../b/manifests/x",
                "/v2/a/./b/manifests/x",
                "/v2/Alpine/manifests/x",
                "/v2/a\u0001/manifests/x",
                "/v2/a;x=y/manifests/x",
                "/v2/a/manifests/-x",
                "/v2/a/manifests/x%20",
                "/v2/a/manifests/sha256:abc",
                "/v2/a/blobs/latest",
                "/v2/a/blobs/blake3:d41d8cd98f00b204e9800998ecf8427e",
                "/v2/a/blobs/md5:",
                "/v2/a/referrers/latest",
                "/v2/a/b:5000/manifests/x",
                "/%2e%2e/v2/a/manifests/x",
                "//v2/a/manifests/x",
                "/a//b/v2/a/manifests/x"
            })
    void whatDoesNotFitTheGrammarIsRefused(String path) {
        assertThatThrownBy(() -> get(path)).isInstanceOf(InvalidNameException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ns=%zz", "ns=%", "artifactType=a%0d%0aSet-Cookie"})
    void malformedQueriesAreRefused(String query) {
        assertThatThrownBy(() -> get("/v2/a/tags/list?" + query)).isInstanceOf(InvalidNameException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT"})
    void otherMethodsArePushes(String method) {
        assertThat(RegistryRequest.parse(method, "/v2/a/b/blobs/uploads/", ""))
                .isEqualTo(new Push(Optional.of(name("a/b")), false));
        assertThat(RegistryRequest.parse(method, "/v2/a/b/blobs/uploads/1234?x", ""))
                .isEqualTo(new Push(Optional.of(name("a/b")), false));
        assertThat(RegistryRequest.parse(method, "/v2/a/b/manifests/latest", ""))
                .isEqualTo(new Push(Optional.of(name("a/b")), true));
        assertThat(RegistryRequest.parse(method, "/v2/a/b/blobs/" + DIGEST, ""))
                .isEqualTo(new Push(Optional.of(name("a/b")), true));
        assertThat(RegistryRequest.parse(method, "/v2/%%%/manifests/latest", ""))
                .isEqualTo(new Push(Optional.empty(), true));
        assertThat(RegistryRequest.parse(method, "/v2/", "")).isEqualTo(new Push(Optional.empty(), true));
    }

    @Test
    void repositoryMayBeCalledAsUploadsAre() {
        assertThat(RegistryRequest.parse("PUT", "/v2/a/blobs/uploads/manifests/x", ""))
                .isInstanceOfSatisfying(
                        Push.class, push -> assertThat(push.readable()).isTrue());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"blake3:0000000000000000000000000000000000000000000000000000000000000000", "md5:d41d8cd98f"})
    void digestsOfAnyAlgorithmFitTheGrammar(String text) {
        Digest digest = Digest.parse(text);
        assertThat(get("/v2/a/manifests/" + text)).isEqualTo(new ManifestRequest(name("a"), digest));
        assertThat(get("/v2/a/blobs/" + text)).isEqualTo(new BlobRequest(name("a"), digest));
    }

    @Test
    void readingAnUploadIsAPushToo() {
        assertThat(get("/v2/a/blobs/uploads/")).isEqualTo(new Push(Optional.of(name("a")), false));
        assertThat(get("/v2/a/blobs/uploads/0af-1")).isEqualTo(new Push(Optional.of(name("a")), false));
    }

    /** Names made of the API's own words, in any order. */
    @Property(tries = 500)
    void namesWithReservedWordsRoundTrip(@ForAll("names") String name, @ForAll("prefixes") String prefix) {
        RequestScope scope = new RequestScope(prefix, "");
        RequestedName expected = new RequestedName(scope, name);
        String base = expected.urlPath();

        assertThat(get(base + "/manifests/list")).isEqualTo(new ManifestRequest(expected, new Tag("list")));
        assertThat(get(base + "/manifests/manifests")).isEqualTo(new ManifestRequest(expected, new Tag("manifests")));
        assertThat(get(base + "/manifests/" + DIGEST)).isEqualTo(new ManifestRequest(expected, DIGEST));
        assertThat(get(base + "/blobs/" + DIGEST)).isEqualTo(new BlobRequest(expected, DIGEST));
        assertThat(get(base + "/tags/list"))
                .isInstanceOfSatisfying(
                        TagsRequest.class, r -> assertThat(r.name()).isEqualTo(expected));
        assertThat(get(base + "/referrers/" + DIGEST))
                .isInstanceOfSatisfying(
                        ReferrersRequest.class, r -> assertThat(r.name()).isEqualTo(expected));
        assertThat(RegistryRequest.parse("POST", base + "/blobs/uploads/", ""))
                .isEqualTo(new Push(Optional.of(expected), false));
    }

    @Provide
    Arbitrary<String> names() {
        return Arbitraries.of("blobs", "manifests", "tags", "list", "uploads", "referrers", "v2", "a", "x-y", "q.io")
                .list()
                .ofMinSize(1)
                .ofMaxSize(5)
                .map(parts -> String.join("/", parts));
    }

    @Provide
    Arbitrary<String> prefixes() {
        return Arbitraries.of("", "docker.io", "localhost:5000", "hub/mirror", "blobs/uploads", "v2x");
    }
}
