package dev.entrepot.oci.client;

import static com.github.tomakehurst.wiremock.client.WireMock.aResponse;
import static com.github.tomakehurst.wiremock.client.WireMock.anyRequestedFor;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.get;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.wireMockConfig;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.junit5.WireMockExtension;
import dev.entrepot.oci.InvalidContentException;
import dev.entrepot.oci.NotFoundException;
import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RepositoryName;
import dev.entrepot.oci.Tag;
import dev.entrepot.oci.TagPage;
import dev.entrepot.oci.UnauthorizedException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PageReadsTest {
    private static final String TAGS = "/v2/team/app/tags/list?n=1000";

    @RegisterExtension
    static final WireMockExtension REGISTRY = WireMockExtension.newInstance()
            .options(wireMockConfig().dynamicPort())
            .build();

    @RegisterExtension
    static final WireMockExtension ELSEWHERE = WireMockExtension.newInstance()
            .options(wireMockConfig().dynamicPort())
            .build();

    private final TestWorld world = new TestWorld();
    private RegistryClient client;
    private RemoteRepository repository;

    @BeforeEach
    void open() throws IOException {
        client = world.client(REGISTRY.baseUrl());
        repository = client.repository(TestWorld.NAME);
    }

    @AfterEach
    void close() {
        client.close();
    }

    private static ResponseDefinitionBuilder tags(String json) {
        return aResponse()
                .withHeader("Content-Type", "application/json")
                .withBody("{\"name\":\"x\",\"tags\":" + json + "}");
    }

    @Test
    void unpacksAPageThatIsGzippedUnasked() throws IOException {
        byte[] page = TestWorld.gzipped("{\"name\":\"x\",\"tags\":[\"a\"]}".getBytes(StandardCharsets.UTF_8));
        REGISTRY.stubFor(get(TAGS).willReturn(aResponse().withBody(page).withHeader("Content-Encoding", "gzip")));

        assertThat(repository.listTags(Optional.empty()).tags()).containsExactly(new Tag("a"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "</v2/team/app/tags/list?n=1000&last=b>; rel=\"next\"",
                "<list?n=1000&last=b>;rel=next",
                "<?n=1000&last=b>; rel=\"next\"",
                "<http://localhost:PORT/v2/team/app/tags/list?n=1000&last=b>; title=\"a, b\"; REL=\"last next\"",
                "<https://LOCALHOST/v2/team/app/tags/list?n=1000&last=b>; rel=\"next\"",
                "</first>; rel=\"first\", </v2/team/app/tags/list?n=1000&last=b>; rel=\"next\""
            })
    void walksThePages(String link) throws IOException {
        REGISTRY.stubFor(get(TAGS)
                .willReturn(tags("[\"a\",\"b\"]")
                        .withHeader("Link", link.replace("PORT", Integer.toString(REGISTRY.getPort())))));
        REGISTRY.stubFor(get(TAGS + "&last=b").willReturn(tags("[\"c\"]")));

        TagPage first = repository.listTags(Optional.empty());
        TagPage second = repository.listTags(first.next());

        assertThat(first.tags()).containsExactly(new Tag("a"), new Tag("b"));
        assertThat(second.tags()).containsExactly(new Tag("c"));
        assertThat(second.next()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<https://evil.example/v2/team/app/tags/list>; rel=\"next\"",
                "<//evil.example/x>; rel=\"next\"",
                "<http://[>; rel=\"next\"",
                "</v2/team/app/tags/list?n=1000>; rel=\"next\""
            })
    void refusesALinkThatLeadsElsewhereOrInACircle(String link) {
        REGISTRY.stubFor(get(TAGS).willReturn(tags("[]").withHeader("Link", link)));

        assertThatThrownBy(() -> repository.listTags(Optional.empty())).isInstanceOf(InvalidContentException.class);
    }

    private static void leadElsewhere(String path, String there) {
        REGISTRY.stubFor(
                get(path).willReturn(aResponse().withStatus(307).withHeader("Location", ELSEWHERE.baseUrl() + there)));
    }

    /** A relative link is one of where the page came from (RFC 8288, section 3.2), which the registry leads on to. */
    @ParameterizedTest
    @ValueSource(strings = {"</mirror/v2/app/tags/list?n=1000&last=b>; rel=\"next\"", "<?n=1000&last=b>; rel=next"})
    void walksThePagesOfAListAtAnotherHost(String link) throws IOException {
        String there = "/mirror/v2/app/tags/list?n=1000";
        leadElsewhere(TAGS, there);
        leadElsewhere(TAGS + "&last=b", there + "&last=b");
        ELSEWHERE.stubFor(get(there).willReturn(tags("[\"a\",\"b\"]").withHeader("Link", link)));
        ELSEWHERE.stubFor(get(there + "&last=b").willReturn(tags("[\"c\"]")));

        TagPage first = repository.listTags(Optional.empty());
        TagPage second = repository.listTags(first.next());

        assertThat(first.next()).contains(TAGS + "&last=b");
        assertThat(second.tags()).containsExactly(new Tag("c"));
        assertThat(second.next()).isEmpty();
    }

    @Test
    void walksThePagesOfACatalogAtAnotherHost() throws IOException {
        leadElsewhere("/v2/_catalog?n=1000", "/all?n=1000");
        leadElsewhere("/v2/_catalog?last=a", "/all?last=a");
        ELSEWHERE.stubFor(get("/all?n=1000")
                .willReturn(aResponse()
                        .withBody("{\"repositories\":[\"a\"]}")
                        .withHeader("Link", "</all?last=a>; rel=\"next\"")));
        ELSEWHERE.stubFor(get("/all?last=a").willReturn(aResponse().withBody("{\"repositories\":[\"b\"]}")));

        CatalogPage first = client.catalog(Optional.empty());

        assertThat(client.catalog(first.next()).repositories()).containsExactly(new RepositoryName("b"));
    }

    @Test
    void listAtAnotherHostThatLeadsInACircleIsRefused() {
        leadElsewhere(TAGS, "/list?n=1000");
        for (String link : List.of("</list?n=1000>; rel=next", "</list>; rel=next")) {
            ELSEWHERE.stubFor(get("/list?n=1000").willReturn(tags("[\"a\"]").withHeader("Link", link)));

            assertThatThrownBy(() -> repository.listTags(Optional.empty()))
                    .isInstanceOf(InvalidContentException.class)
                    .hasMessageContaining("itself");
        }
    }

    @Test
    void ignoresOtherLinks() throws IOException {
        REGISTRY.stubFor(get(TAGS).willReturn(tags("null").withHeader("Link", "</docs>; rel=\"help\"")));

        TagPage page = repository.listTags(Optional.empty());

        assertThat(page.tags()).isEmpty();
        assertThat(page.next()).isEmpty();
    }

    private static String numbered(int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(number -> "\"t%05d\"".formatted(number))
                .collect(Collectors.joining(",", "[", "]"));
    }

    @Test
    void listThatIsCutWithoutALinkIsAskedForToItsEnd() throws IOException {
        REGISTRY.stubFor(get(TAGS).willReturn(tags(numbered(0, 1000))));
        REGISTRY.stubFor(get(TAGS + "&last=t00999").willReturn(tags(numbered(1000, 2000))));
        REGISTRY.stubFor(get(TAGS + "&last=t01999").willReturn(tags("[\"t02000\"]")));

        TagPage page = repository.listTags(Optional.empty());

        assertThat(page.tags()).hasSize(2001).doesNotHaveDuplicates().contains(new Tag("t02000"));
        assertThat(page.next()).isEmpty();
        assertThat(page.mayBeCut()).isFalse();
        REGISTRY.verify(3, anyRequestedFor(anyUrl()));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    void listThatIsExactlyAsLongAsAPageHasNoMoreWhereNothingNewComes(int how) throws IOException {
        REGISTRY.stubFor(get(TAGS).willReturn(tags(numbered(0, 1000))));
        REGISTRY.stubFor(get(TAGS + "&last=t00999")
                .willReturn(
                        switch (how) {
                            case 0 -> tags("[]");
                            case 1 -> tags("null");
                            // As a registry does that does not know "last".
                            case 2 -> tags(numbered(0, 1000));
                            case 3 -> aResponse().withStatus(404);
                            default -> aResponse().withStatus(400).withBody("no such page");
                        }));

        TagPage page = repository.listTags(Optional.empty());

        assertThat(page.tags()).hasSize(1000);
        assertThat(page.next()).isEmpty();
        assertThat(page.mayBeCut())
                .as("known to be whole only if the registry says what comes after")
                .isEqualTo(how > 1);
        REGISTRY.verify(2, anyRequestedFor(anyUrl()));
    }

    /** Which has all that its upstream gave it, and knows that this may be the beginning only. */
    @ParameterizedTest
    @ValueSource(ints = {3, 1000})
    void serverOfThisProgramIsBelievedThatItsListMayBeCut(int length) throws IOException {
        REGISTRY.stubFor(get(TAGS).willReturn(tags(numbered(0, length)).withHeader("X-Entrepot-Tags", "may-be-cut")));
        REGISTRY.stubFor(get(TAGS + "&last=t00999").willReturn(tags("[]")));

        assertThat(repository.ofServer(Map.of()).listTags(Optional.empty()).mayBeCut())
                .isTrue();
        assertThat(repository.listTags(Optional.empty()).mayBeCut())
                .as("as an upstream or the source of a rule")
                .isTrue();
    }

    @Test
    void restOfACutListThatIsNotToBeHadIsAnOutage() {
        REGISTRY.stubFor(get(TAGS).willReturn(tags(numbered(0, 1000))));
        REGISTRY.stubFor(get(TAGS + "&last=t00999").willReturn(tags("{}")));

        assertThatThrownBy(() -> repository.listTags(Optional.empty())).isInstanceOf(OutageException.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {999, 1001})
    void listOfAnotherLengthIsAskedForOnce(int length) throws IOException {
        REGISTRY.stubFor(get(TAGS).willReturn(tags(numbered(0, length))));

        assertThat(repository.listTags(Optional.empty()).tags()).hasSize(length);
        REGISTRY.verify(1, anyRequestedFor(anyUrl()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"//evil.example/x", "https://evil.example/x", "x"})
    void takesNoCursorButItsOwn(String cursor) {
        assertThatThrownBy(() -> repository.listTags(Optional.of(cursor))).isInstanceOf(IllegalArgumentException.class);
        REGISTRY.verify(0, anyRequestedFor(anyUrl()));
    }

    @Test
    void leavesOutWhatCannotBeATag() throws IOException {
        REGISTRY.stubFor(get(TAGS).willReturn(tags("[\"ok\",\"not ok\",\"\",7,null]")));

        assertThat(repository.listTags(Optional.empty()).tags()).containsExactly(new Tag("ok"));
    }

    @Test
    void tellsAnswersFromOutages() {
        REGISTRY.stubFor(get(TAGS).willReturn(aResponse().withStatus(404)));
        assertThatThrownBy(() -> repository.listTags(Optional.empty()))
                .isInstanceOfSatisfying(
                        NotFoundException.class, e -> assertThat(e.kind()).isEqualTo(NotFoundException.Kind.NAME));
        REGISTRY.stubFor(get(TAGS).willReturn(aResponse().withStatus(403)));
        assertThatThrownBy(() -> repository.listTags(Optional.empty())).isInstanceOf(UnauthorizedException.class);
        for (String body : new String[] {"<html>", "[]", "", "{\"tags\":["}) {
            REGISTRY.stubFor(get(TAGS).willReturn(aResponse().withBody(body)));
            assertThatThrownBy(() -> repository.listTags(Optional.empty())).isInstanceOf(OutageException.class);
        }
        REGISTRY.stubFor(get(TAGS).willReturn(tags("[]").withHeader("Content-Type", "text/html")));
        assertThatThrownBy(() -> repository.listTags(Optional.empty())).isInstanceOf(OutageException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{\"name\":\"team/app\"}",
                "{\"tags\":{}}",
                "{\"tags\":\"a\"}",
                "{\"errors\":[{\"code\":\"UNAUTHORIZED\"}]}",
                "{\"tags\":[\"a\"],\"errors\":[]}"
            })
    void anObjectWithoutAListOrWithErrorsIsNoEmptyList(String body) {
        for (String cursor : List.of("", "&last=b")) {
            REGISTRY.stubFor(get(TAGS + cursor).willReturn(aResponse().withBody(body)));
        }

        assertThatThrownBy(() -> repository.listTags(Optional.empty()))
                .isInstanceOf(OutageException.class)
                .hasMessageContaining(body.contains("errors") ? "it has \"errors\"" : "its \"tags\" is no array");
        assertThatThrownBy(() -> repository.listTags(Optional.of("/v2/team/app/tags/list?n=1000&last=b")))
                .isInstanceOf(OutageException.class);
    }

    @Test
    void nullIsAnEmptyListOnTheFirstPageOnly() throws IOException {
        REGISTRY.stubFor(get(TAGS).willReturn(tags("null")));
        REGISTRY.stubFor(get(TAGS + "&last=b").willReturn(tags("null")));

        assertThat(repository.listTags(Optional.empty()).tags()).isEmpty();
        assertThatThrownBy(() -> repository.listTags(Optional.of("/v2/team/app/tags/list?n=1000&last=b")))
                .isInstanceOf(OutageException.class)
                .hasMessageContaining("its \"tags\" is no array");
    }

    @Test
    void aCatalogWithoutRepositoriesIsNoEmptyOneUnlessItSaysSo() throws IOException {
        REGISTRY.stubFor(get("/v2/_catalog?n=1000").willReturn(aResponse().withBody("{}")));
        assertThatThrownBy(() -> client.catalog(Optional.empty()))
                .isInstanceOf(OutageException.class)
                .hasMessageContaining("its \"repositories\" is no array");

        REGISTRY.stubFor(get("/v2/_catalog?n=1000").willReturn(aResponse().withBody("{\"repositories\":null}")));
        assertThat(client.catalog(Optional.empty()).repositories()).isEmpty();
    }

    @Test
    void boundsAPage() {
        REGISTRY.stubFor(get(TAGS).willReturn(aResponse().withBody(new byte[8 * 1024 * 1024 + 1])));

        assertThatThrownBy(() -> repository.listTags(Optional.empty()))
                .isInstanceOf(InvalidContentException.class)
                .hasMessageContaining("limit");
    }

    @Test
    void listsRepositories() throws IOException {
        REGISTRY.stubFor(get("/v2/_catalog?n=1000")
                .willReturn(aResponse()
                        .withBody("{\"repositories\":[\"a\",\"b/c\",\"NOT/OK\"]}")
                        .withHeader("Link", "</v2/_catalog?last=z>; rel=\"next\"")));

        CatalogPage page = client.catalog(Optional.empty());

        assertThat(page.repositories()).containsExactly(new RepositoryName("a"), new RepositoryName("b/c"));
        assertThat(page.next()).contains("/v2/_catalog?last=z");
    }

    @Test
    void asksForTheScopeOfTheCatalog() throws IOException {
        REGISTRY.stubFor(get("/v2/_catalog?n=1000")
                .willReturn(aResponse()
                        .withStatus(401)
                        .withHeader("WWW-Authenticate", "Bearer realm=\"" + REGISTRY.baseUrl() + "/token\"")));
        REGISTRY.stubFor(get("/token?scope=registry%3Acatalog%3A*&client_id=entrepot")
                .willReturn(aResponse().withBody("{\"token\":\"t\"}")));

        assertThatThrownBy(() -> client.catalog(Optional.empty())).isInstanceOf(UnauthorizedException.class);

        assertThat(world.requests).containsExactly("catalog 401", "token 200", "catalog 401");
    }

    @Test
    void pings() throws IOException {
        REGISTRY.stubFor(get("/v2/").willReturn(aResponse().withBody("{}")));
        client.ping();

        REGISTRY.stubFor(get("/v2/").willReturn(aResponse().withStatus(401)));
        assertThatThrownBy(client::ping).isInstanceOf(UnauthorizedException.class);
    }

    @Test
    void keepsThePathOfTheBaseUrl() throws IOException {
        try (RegistryClient below = world.client(REGISTRY.baseUrl() + "/hub/")) {
            REGISTRY.stubFor(get("/hub/v2/").willReturn(aResponse().withBody("{}")));
            REGISTRY.stubFor(get("/hub" + TAGS).willReturn(tags("[\"a\"]")));

            below.ping();
            assertThat(below.repository(TestWorld.NAME)
                            .listTags(Optional.empty())
                            .tags())
                    .hasSize(1);
        }
    }
}
