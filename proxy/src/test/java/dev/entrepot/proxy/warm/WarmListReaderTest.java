package dev.entrepot.proxy.warm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.cache.Verdict;
import dev.entrepot.oci.Reference;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.proxy.admin.AccessLog;
import dev.entrepot.proxy.http.RequestKind;
import dev.entrepot.proxy.http.RequestRecord;
import dev.entrepot.proxy.http.RequestRecord.Ending;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WarmListReaderTest {
    private static final String DIGEST = "sha256:" + "ab".repeat(32);
    private static final LoggedPulls PULLS = new LoggedPulls(Map.of(RegistryHost.DOCKER_HUB, List.of("hub")));

    private static WarmList read(String text) throws IOException {
        return new WarmListReader(PULLS).read(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static List<String> images(String text) throws IOException {
        return read(text).top(100).stream().map(Reference::toString).toList();
    }

    @Test
    void listOfReferencesMayHaveCommentsAndShortNames() throws IOException {
        WarmList list =
                read("# what we run\nalpine:3.20\n\n  quay.io/team/app@" + DIGEST + "  # pinned\nnot an image\n");

        assertThat(list.top(9).stream().map(Reference::toString))
                .containsExactly("docker.io/library/alpine:3.20", "quay.io/team/app@" + DIGEST);
        assertThat(list.unread()).singleElement().asString().contains("line 5").contains("not an image");
    }

    @Test
    void whatIsNoImageIsShownWithoutControlCharacters() throws IOException {
        WarmList list = read("{\"containers\": [{\"image\": \"a\\u001b[31m\\u009b2Jb\\r\\u202ec\"}]}");

        assertThat(list.unread()).singleElement().asString().contains("\"a?[31m?2Jb??c\" is no image");
    }

    @Test
    void podsNameTheImagesOfAllTheirContainers() throws IOException {
        String pods = """
                {"kind": "List", "items": [
                  {"metadata": {"name": "a", "annotations": {"image": "not-this:1"}},
                   "spec": {"initContainers": [{"name": "i", "image": "busybox"}],
                            "containers": [{"name": "c", "image": "ghcr.io/team/app:v1", "env": [{"name": "image", "value": "no"}]},
                                           {"name": "d", "image": "ghcr.io/team/side:v1"}]},
                   "status": {"containerStatuses": [{"image": "also-not:1"}]}},
                  {"spec": {"containers": [{"image": "ghcr.io/team/app:v1"}], "ephemeralContainers": [{"image": "debug"}]}}
                ]}""";

        assertThat(images(pods))
                .containsExactly(
                        "ghcr.io/team/app:v1",
                        "docker.io/library/busybox",
                        "ghcr.io/team/side:v1",
                        "docker.io/library/debug");
    }

    @Test
    void accessLogNamesWhatWasPulledTheMostFrequentFirst() throws IOException {
        String line = "time=2026-11-21T09:00:00.000Z client=10.0.0.1 method=GET path=%s kind=manifest status=%d bytes=9"
                + " ms=1.000 cache=hit upstream=%s end=complete agent=\"containerd/2.0\"\n";
        String log = line.formatted("/v2/team/app/manifests/v1", 200, "quay.io")
                + line.formatted("/v2/hub/library/alpine/manifests/3.20", 200, "docker.io")
                + line.formatted("/v2/docker.io/library/alpine/manifests/3.20", 304, "docker.io")
                + line.formatted("/v2/alpine/manifests/3.20", 200, "docker.io")
                + line.formatted("/v2/team/gone/manifests/v1", 404, "quay.io")
                + line.formatted("/v2/team/app/blobs/" + DIGEST, 200, "quay.io")
                + line.formatted("/quay.io/v2/team/app/manifests/" + DIGEST.replace(":", "%3A"), 200, "quay.io");

        assertThat(images(log))
                .containsExactly("docker.io/library/alpine:3.20", "quay.io/team/app:v1", "quay.io/team/app@" + DIGEST);
    }

    @Test
    void accessLogInJsonIsReadToo() throws IOException {
        String line =
                "{\"time\":\"2026-11-21T09:00:00.000Z\",\"client\":\"10.0.0.1\",\"method\":\"HEAD\",\"path\":\"%s\","
                        + "\"kind\":\"manifest\",\"status\":%d,\"bytes\":0,\"ms\":1.000,\"cache\":\"hit\",\"upstream\":\"quay.io\"}\n";

        assertThat(images(line.formatted("/v2/team/app/manifests/v1", 200)
                        + line.formatted("/v2/team/app/manifests/v2", 200)
                        + line.formatted("/v2/team/app/manifests/v2", 200)
                        + line.formatted("/v2/team/app/manifests/v3", 500)))
                .containsExactly("quay.io/team/app:v2", "quay.io/team/app:v1");
    }

    private static RequestRecord request(String path, int status) {
        return new RequestRecord(
                1_795_219_200_007L,
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 4711),
                "somebody",
                "GET",
                path,
                "quay.io",
                RequestKind.MANIFEST,
                status,
                1234,
                1_002_345,
                Optional.of(Verdict.HIT),
                RegistryHost.parse("quay.io"),
                "docker/29.0 path=/v2/no/manifests/no status=200 \"upstream\":\"quay.io\"",
                Ending.COMPLETE);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void accessLogIsReadAsItIsWritten(boolean json) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (AccessLog log = json ? AccessLog.json(out) : AccessLog.text(out)) {
            log.finished(request("/v2/team/once/manifests/v1", 200));
            log.finished(request("/v2/team/app/manifests/v1", 304));
            log.finished(request("/v2/team/app/manifests/v1", 200));
            log.finished(request("/v2/team/gone/manifests/v1", 404));
            log.finished(request("/v2/team/once/manifests/" + DIGEST, 200));
        }
        WarmList list = read(out.toString(StandardCharsets.US_ASCII));

        assertThat(list.top(100).stream().map(Reference::toString))
                .containsExactly("quay.io/team/app:v1", "quay.io/team/once:v1", "quay.io/team/once@" + DIGEST);
        assertThat(list.unread()).isEmpty();
    }

    @Test
    void whatOnlyBeginsAsJsonIsRefusedWithWhatWasExpected() {
        assertThatThrownBy(() -> read("{\"items\": [oops"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("kubectl get pods -o json");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n", "\"pa", "\"path\": \"/v2/team/ap", "\"status\": 2", "\"path\": \"\\u00"})
    void accessLogInJsonMayEndInTheMiddleOfALine(String rest) throws IOException {
        String line =
                "{\"method\":\"GET\",\"path\":\"/v2/team/app/manifests/v1\",\"kind\":\"manifest\",\"status\":200,\"upstream\":\"quay.io\"}\n";

        WarmList list = read(line + "{" + rest);

        assertThat(list.top(9).stream().map(Reference::toString)).containsExactly("quay.io/team/app:v1");
        assertThat(list.unread()).isEmpty();
    }

    @Test
    void whatIsInvalidInTheMiddleOfALogIsRefusedAndSoIsAListThatIsCutOff() {
        assertThatThrownBy(() -> read("{\"path\": \"/v2/a/manifests/v1\"}\n{oops}\n{\"path\": \"/\"}"))
                .hasMessageContaining("is none at line 2");
        assertThatThrownBy(() -> read("{\"containers\": [{\"image\": \"a\"}]}\n{\"containers\": [{\"image\": \"b\"}"))
                .hasMessageContaining("is none at line");
    }

    @Test
    void moreThatIsNoImageThanIsToldIsCounted() throws IOException {
        WarmList list = read("no image\n".repeat(WarmList.UNREAD_SHOWN + 7));

        assertThat(list.unread()).hasSize(WarmList.UNREAD_SHOWN);
        assertThat(list.unreadMore()).isEqualTo(7);
    }

    @Test
    void nothingIsAnEmptyList() throws IOException {
        assertThat(images("")).isEmpty();
        assertThat(images("\n\n")).isEmpty();
    }
}
