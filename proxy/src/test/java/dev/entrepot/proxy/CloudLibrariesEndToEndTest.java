package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.Bundle;
import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.oci.testing.Images;
import dev.entrepot.oci.testing.MiniHttpServer;
import dev.entrepot.oci.testing.Response;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server whose class path lacks the libraries of Google and Microsoft, and all that they bring: nothing of them is
 * loaded before a token is needed.
 */
class CloudLibrariesEndToEndTest {
    private static final Predicate<String> OF_CLOUDS = Pattern.compile(
                    "/(google-|guava|failureaccess|gson|opencensus|grpc-|j2objc|msal4j|azure-json)[^/]*\\.jar$")
            .asPredicate();
    private static final String APP = MirrorFixture.APP;
    private static final String MANIFEST = "/v2/" + APP + "/manifests/v1";

    @TempDir
    private Path folder;

    @Test
    void nothingOfTheLibrariesIsNeededBeforeATokenIs() throws Exception {
        Bundle image = new Images(6).image(1000);
        try (TestRegistry upstream = TestRegistry.started();
                MiniHttpServer ofCloud = MiniHttpServer.started(
                        (request, body) -> Response.of(401).header("WWW-Authenticate", "Basic realm=\"cloud\""));
                HttpClient client = HttpClient.newHttpClient()) {
            upstream.push(APP, image, "v1");
            try (CrashProcess server = server(upstream.uri(), ofCloud.uri())) {
                Matcher address = Pattern.compile("on (http://127[.0-9]+:[0-9]+),")
                        .matcher(server.awaitLine(line -> line.contains("serves ") || line.contains(" on http")));
                assertThat(address.find()).isTrue();
                for (String blob : List.of("/manifests/v1", "/manifests/v1")) {
                    assertThat(status(client, address.group(1) + "/v2/" + APP + blob))
                            .isEqualTo(200);
                }
                assertThat(server.output()).noneMatch(line -> line.contains("ERROR") || line.contains("NoClassDef"));

                // And they are what is needed then; what is logged comes a moment after the answer.
                for (String cloud : List.of("google", "azure")) {
                    assertThat(status(client, address.group(1) + MANIFEST + "?ns=" + cloud + ".test"))
                            .isGreaterThanOrEqualTo(500);
                    String library = cloud.equals("google") ? "com/google/" : "com/microsoft/";
                    server.awaitLine(line -> line.contains("NoClassDefFoundError: " + library));
                }
            }
        }
    }

    private CrashProcess server(URI upstream, URI ofCloud) throws IOException {
        Path file = Files.writeString(
                folder.resolve("entrepot.yaml"), MirrorFixture.configuration("""
                default-upstream: registry.test
                upstreams:
                  registry.test: {url: "%1$s"}
                  google.test: {url: "%2$s", credentials: {provider: google}}
                  azure.test: {url: "%2$s", credentials: {provider: azure}}
                """.formatted(upstream, ofCloud)));
        String classPath = Arrays.stream(CrashProcess.ownClassPath().split(File.pathSeparator))
                .filter(OF_CLOUDS.negate())
                .collect(Collectors.joining(File.pathSeparator));
        return CrashProcess.start(
                classPath,
                Main.class.getName(),
                "serve",
                "--config",
                file.toString(),
                "--data",
                folder.resolve("child").toString());
    }

    private static int status(HttpClient client, String url) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
        return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    }
}
