package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.LogLines;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandLineInterfaceTest {
    @TempDir
    Path folder;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int run(ServeCommand.Stop stop, String... arguments) {
        return new CommandLineInterface(
                        InputStream.nullInputStream(),
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        folder,
                        Map.of(),
                        stop,
                        false)
                .run(arguments);
    }

    private int run(String... arguments) {
        return run(
                mirror -> {
                    throw new AssertionError("nothing is to be served");
                },
                arguments);
    }

    private String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void helpOfACommandIsShownByHelpAsByItsOption() {
        for (List<String> command : List.of(
                List.<String>of(),
                List.of("cache", "warm"),
                List.of("explain"),
                List.of("config", "check"),
                List.of("config", "show"),
                List.of("client-config"))) {
            List<String> asked = new ArrayList<>(List.of("help"));
            asked.addAll(command);
            List<String> option = new ArrayList<>(command);
            option.add("--help");
            assertThat(run(asked.toArray(String[]::new))).isZero();
            String shown = out();
            out.reset();
            assertThat(run(option.toArray(String[]::new))).isZero();
            assertThat(shown).isEqualTo(out()).contains("Exit codes: 0 ");
            out.reset();
        }
        assertThat(run("help", "nonsense")).isEqualTo(2);
        assertThat(run("help", "--help")).isZero();
        assertThat(out()).contains("entrepot help");
    }

    @Test
    void helpListsTheCommandsAndExitCodes() {
        assertThat(run("--help")).isZero();
        assertThat(out().replaceAll("\\s+", " "))
                .contains("serve", "config", "plan", "sync", "copy", "tree", "runs", "78 wrong configuration");
    }

    @Test
    void helpOfACommandListsItsOptions() {
        assertThat(run("serve", "--help")).isZero();
        assertThat(out()).contains("--config=FILE", "--listen=HOST:PORT", "--data=FOLDER");
        assertThat(out().replaceAll("\\s+", " ")).contains("143 stopped by SIGTERM", "130 by SIGINT");
    }

    @Test
    void helpTakesNoReferenceApartAndShowsWhatIsRequired() {
        assertThat(run("explain", "--help")).isZero();
        assertThat(out()).contains("docker.io/library/alpine:3.20.\n");
        out.reset();
        assertThat(run("copy", "--help")).isZero();
        assertThat(out().lines().map(String::stripTrailing))
                .noneMatch(line -> line.endsWith("docker.") || line.endsWith("http(s):"));
        assertThat(out()).matches("\\p{ASCII}*");
        out.reset();
        assertThat(run("receipt", "--help")).isZero();
        assertThat(out()).contains(" --receipt=FILE").doesNotContain("[--receipt=FILE]");
        out.reset();
        assertThat(run("export", "--help")).isZero();
        assertThat(out()).contains(" --output=FILE").doesNotContain("[--output=FILE]");
        assertThat(run("export", "docker.io/library/alpine:3.20", "--unsigned")).isEqualTo(2);
        assertThat(err()).startsWith("Missing required option: '--output=FILE'\n");
    }

    @Test
    void versionIsShown() {
        assertThat(run("--version")).isZero();
        assertThat(out()).isEqualTo("entrepot 0.1.0\n");
    }

    @Test
    void wrongUsageIs2AndSaysWhatIsWrong() {
        assertThat(run("serve", "--nonsense")).isEqualTo(2);
        assertThat(err()).contains("--nonsense");
        assertThat(run("serve", "--listen", "nonsense")).isEqualTo(2);
        assertThat(err()).contains("expected host:port");
        assertThat(run("serve", "--unsigned")).isEqualTo(2);
        assertThat(err()).contains("--unsigned goes with --bundle");
        assertThat(run("fly")).isEqualTo(2);
        assertThat(run()).isEqualTo(2);
        assertThat(run("config")).isEqualTo(2);
        assertThat(out()).isEmpty();
    }

    @Test
    void wrongUsageIsSaidInAFewLines() {
        assertThat(run("serve", "--listen", "nonsense")).isEqualTo(2);
        assertThat(err())
                .startsWith("Invalid value for option '--listen': expected host:port")
                .contains("\nUsage: entrepot serve [")
                .endsWith("\nentrepot serve --help says more\n")
                .doesNotContain("Listen here, whatever the configuration says");
        err.reset();
        assertThat(run("rnus")).isEqualTo(2);
        assertThat(err()).contains("rnus", "\nentrepot --help says more\n");
    }

    @Test
    void configCheckIsZeroForAGoodFileAndForNone() throws Exception {
        assertThat(run("config", "check")).isZero();
        Files.writeString(folder.resolve("entrepot.yaml"), "server: {listen: 127.0.0.1:0}\n");
        assertThat(run("config", "check")).isZero();
        assertThat(out()).isEqualTo("no file, all defaults: ok\nentrepot.yaml: ok\n");
    }

    @Test
    void configCheckWarnsOfExpressionsThatTakeTooLong() throws Exception {
        Files.writeString(
                folder.resolve("entrepot.yaml"),
                "rules: [{repositories: [{regex: '(a|aa)+\\1-x'}], deny: no reason}]\n");
        assertThat(run("config", "check")).isZero();
        assertThat(out()).startsWith("entrepot.yaml: ok\nwarning: rules[0]: /(a|aa)+\\1-x/ takes too long");
    }

    @Test
    void configCheckAndTheLogOfAServerWarnOfRulesThatBeginWithARegistryAndOfAccessThatDoesNot() throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), """
                server: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
                rules: [{repositories: ["docker.io/library/*"], deny: no reason}]
                access: [{anonymous: true, repositories: ["team/**"], deny: secret}, {anonymous: true}]
                """);
        String ofAccess = "access[0]: team/** matches nothing";
        String warning = "rules[0]: docker.io/library/* matches only repositories that are called so at their upstream";
        assertThat(run("config", "check")).isZero();
        assertThat(out()).startsWith("entrepot.yaml: ok\nwarning: " + warning).contains("\nwarning: " + ofAccess);

        try (LogLines log = LogLines.of(ServeCommand.class)) {
            assertThat(run(_ -> {}, "serve", "--data", "elsewhere")).isZero();
            assertThat(log.lines())
                    .anyMatch(line -> line.startsWith("WARNING " + warning))
                    .anyMatch(line -> line.startsWith("WARNING " + ofAccess));
        }
    }

    @Test
    void wrongConfigurationIs78WithEveryError() throws Exception {
        Files.writeString(folder.resolve("bad.yaml"), "server: {listne: 127.0.0.1:0}\ncache: {capacity: lots}\n");
        assertThat(run("config", "check", "--config", "bad.yaml")).isEqualTo(78);
        assertThat(err()).contains("bad.yaml:1", "listne", "did you mean \"listen\"", "bad.yaml:2", "capacity", "lots");
        assertThat(run("serve", "--config", "bad.yaml")).isEqualTo(78);
        assertThat(run("config", "show", "--config", "missing.yaml")).isEqualTo(78);
    }

    @Test
    void whatIsShownByTheDefaultsAloneSaysSo() throws Exception {
        String note = "no configuration file here (entrepot.yaml) and no server at " + folder.resolve("data")
                + ": defaults, data in " + folder.resolve("data") + "; name a file with --config\n";
        assertThat(run("runs", "--json")).isZero();
        assertThat(err()).isEqualTo(note);
        assertThat(out()).isEqualTo("[]\n");
        err.reset();
        assertThat(run("explain", "docker.io/library/alpine:3.20")).isZero();
        assertThat(err()).isEqualTo(note);

        err.reset();
        assertThat(run("runs", "--data", "elsewhere")).isZero();
        Files.writeString(folder.resolve("entrepot.yaml"), "{}\n");
        assertThat(run("runs")).isZero();
        assertThat(run("explain", "docker.io/library/alpine:3.20")).isZero();
        assertThat(err()).isEmpty();
    }

    @Test
    void configShowPrintsValuesAndTheirOrigin() throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), "cache: {capacity: 7GiB}\n");
        assertThat(run("config", "show")).isZero();
        assertThat(out()).containsPattern("capacity: 7GiB +# entrepot.yaml:1").containsPattern("listen: .* # default");
    }

    // A PrintStream would not say what it could not write, and no line of it would count as dropped.
    @Test
    void accessLogGoesWhereLossesAreSeen() throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), "server: {admin: 127.0.0.1:0}\n");
        ByteArrayOutputStream requests = new ByteArrayOutputStream();
        int code = new CommandLineInterface(
                        InputStream.nullInputStream(),
                        new PrintStream(out, true, StandardCharsets.UTF_8),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        requests,
                        folder,
                        Map.of(),
                        mirror -> ping(mirror.port()),
                        false,
                        _ -> {})
                .run("serve", "--listen", "127.0.0.1:0");
        assertThat(code).isZero();
        assertThat(requests.toString(StandardCharsets.UTF_8)).contains(" path=/v2/ kind=ping status=200 ");
        assertThat(out()).isEmpty();
    }

    @Test
    void serveServesWhereTheOptionsSay() throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), "server: {admin: 127.0.0.1:0}\n");
        AtomicInteger status = new AtomicInteger();
        int code = run(
                mirror -> status.set(ping(mirror.port())), "serve", "--listen", "127.0.0.1:0", "--data", "elsewhere");
        assertThat(code).isZero();
        assertThat(status).hasValue(200);
        assertThat(folder.resolve("elsewhere")).isDirectory();
        assertThat(out()).contains(" path=/v2/ kind=ping status=200 ");
    }

    /** What the file says of who may pull was said of its own {@code listen}, and is asked again for the option's. */
    @ParameterizedTest
    @ValueSource(strings = {"serve", "serve --bundle disk --unsigned"})
    void listenOptionForOtherMachinesMustBeAskedForAsInTheFile(String command) throws Exception {
        String[] arguments = (command + " --listen 0.0.0.0:0").split(" ", -1);
        assertThat(run(arguments)).isEqualTo(78);
        assertThat(err())
                .isEqualTo("--listen: invalid value \"0.0.0.0:0\": expected a loopback address, because"
                        + " nobody can say who he is: for other machines add server.authentication, or server.anonymous:"
                        + " true to let everybody pull who reaches it\n");
        Files.writeString(folder.resolve("other.yaml"), "server: {admin: 127.0.0.1:5001}\n");
        err.reset();
        String[] admins = (command + " --config other.yaml --listen 127.0.0.1:5001").split(" ", -1);
        assertThat(run(admins)).isEqualTo(78);
        assertThat(err())
                .isEqualTo("other.yaml: --listen: invalid value \"127.0.0.1:5001\": expected an address other than"
                        + " that of server.admin\n");
    }

    @Test
    void listenOptionForOtherMachinesServesThemWhereTheFileLetsThem() throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), "server: {admin: 127.0.0.1:0, anonymous: true}\n");
        AtomicInteger status = new AtomicInteger();
        assertThat(run(mirror -> status.set(ping(mirror.port())), "serve", "--listen", "0.0.0.0:0"))
                .isZero();
        assertThat(status).hasValue(200);
    }

    private static int ping(int port) throws InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/v2/"))
                    .build();
            return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
        } catch (java.io.IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void addressInUseIs1() throws Exception {
        Files.writeString(folder.resolve("entrepot.yaml"), "server: {admin: 127.0.0.1:0}\n");
        try (ServerSocket taken = new ServerSocket(0)) {
            assertThat(run("serve", "--listen", "127.0.0.1:" + taken.getLocalPort()))
                    .isEqualTo(1);
        }
        assertThat(err()).startsWith("entrepot: cannot listen for the registry API on 127.0.0.1:");
    }
}
