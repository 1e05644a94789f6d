package dev.entrepot.proxy.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.LogConfig;
import dev.entrepot.oci.Cause;
import dev.entrepot.oci.Causes;
import dev.entrepot.oci.OciJson;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.logging.Handler;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/** The log of the process, as it comes out. */
class LoggingTest {
    private static final org.slf4j.Logger OWN = LoggerFactory.getLogger("dev.entrepot.cache.Something");
    private static final System.Logger LIBRARY = System.getLogger("org.example.Library");

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final List<Handler> former = new ArrayList<>();
    private Logging logging;

    @BeforeEach
    void start() {
        Logger root = Logger.getLogger("");
        former.addAll(List.of(root.getHandlers()));
        logging = Logging.to(new PrintStream(out, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void end() {
        logging.end();
        former.forEach(Logger.getLogger("")::addHandler);
        Thread.setDefaultUncaughtExceptionHandler(null);
    }

    private List<String> lines() {
        return out.toString(StandardCharsets.UTF_8).lines().toList();
    }

    private List<JsonNode> objects() {
        return lines().stream().map(line -> OciJson.mapper().readTree(line)).toList();
    }

    private void use(LogConfig.Format format, LogConfig.Level level) {
        logging.use(new LogConfig(format, level));
    }

    @Test
    void anEventIsOneLineOfText() {
        OWN.info("{} came\nand forged {}", "alpine", "a line");

        assertThat(lines()).singleElement().asString().matches("\\S+Z INFO Something: alpine came and forged a line");
    }

    @Test
    void noMessageIsAnEventToo() {
        for (LogConfig.Format format : LogConfig.Format.values()) {
            use(format, LogConfig.Level.INFO);
            OWN.info(null);
            LIBRARY.log(System.Logger.Level.WARNING, (String) null);
            Logger.getLogger("org.example.Other").log(java.util.logging.Level.SEVERE, null, new IOException());
        }

        assertThat(lines().stream().filter(line -> line.contains("null"))).hasSize(6);
    }

    @Test
    void anExceptionForgesNoEventAndSendsNothingToATerminal() {
        IOException cause = new IOException("inner\r\n2026-11-21T00:00:00.000Z ERROR Store: forged too");
        OWN.error(
                "failed",
                new IllegalStateException("outer\n2026-11-21T00:00:00.000Z WARN Store: forged\u001b[2J", cause));

        assertThat(lines().stream().filter(line -> line.matches("\\d{4}-.*"))).hasSize(1);
        assertThat(lines().getFirst()).endsWith("ERROR Something: failed");
        assertThat(lines().stream().filter(line -> line.contains("forged")))
                .hasSize(2)
                .allMatch(line -> line.startsWith("\t"));
        assertThat(out.toString(StandardCharsets.UTF_8))
                .doesNotContain("\u001b", "\r")
                .contains("\tat ", "Caused by: java.io.IOException: inner");
    }

    @Test
    void anEventIsOneObjectWithItsStackTraceInOneField() {
        use(LogConfig.Format.JSON, LogConfig.Level.INFO);
        OWN.warn("\"{}\" came\nand \\ was ü", "alpine");
        OWN.error("a defect", new IllegalStateException("outer", new IOException("inner")));
        LIBRARY.log(System.Logger.Level.WARNING, "of a library");

        List<JsonNode> events = objects();
        assertThat(events).hasSize(3);
        assertThat(events.get(0).path("message").asString("")).isEqualTo("\"alpine\" came\nand \\ was ü");
        assertThat(events.get(0).path("level").asString("")).isEqualTo("WARN");
        assertThat(events.get(0).path("logger").asString("")).isEqualTo("dev.entrepot.cache.Something");
        assertThat(events.get(0).path("time").asString("")).endsWith("Z").contains("T");
        assertThat(events.get(0).has("stack")).isFalse();
        assertThat(events.get(1).path("error").asString("")).isEqualTo("java.lang.IllegalStateException: outer");
        assertThat(events.get(1).path("stack").asString("")).contains("\tat ", "Caused by: java.io.IOException: inner");
        assertThat(events.get(2).path("logger").asString("")).isEqualTo("org.example.Library");
    }

    @Test
    void linesOfManyThreadsAreNotMixed() throws Exception {
        use(LogConfig.Format.JSON, LogConfig.Level.INFO);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            threads.add(Thread.ofVirtual().start(() -> {
                for (int j = 0; j < 50; j++) {
                    OWN.info("x".repeat(j), new IOException("with a stack trace"));
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }

        assertThat(objects()).hasSize(400);
    }

    @Test
    void theLevelCountsForOurEventsAndThoseOfLibrariesAreWarningsAtLeast() {
        for (LogConfig.Level level : LogConfig.Level.values()) {
            use(LogConfig.Format.TEXT, level);
            OWN.debug("own");
            OWN.info("own");
            OWN.warn("own");
            OWN.error("own");
            LIBRARY.log(System.Logger.Level.INFO, "other");
            LIBRARY.log(System.Logger.Level.WARNING, "other");
            LIBRARY.log(System.Logger.Level.ERROR, "other");
        }

        assertThat(lines().stream().map(line -> line.replaceAll("^\\S+ | \\w+:", "")))
                .containsExactly(
                        "DEBUG own",
                        "INFO own",
                        "WARN own",
                        "ERROR own",
                        "WARN other",
                        "ERROR other",
                        "INFO own",
                        "WARN own",
                        "ERROR own",
                        "WARN other",
                        "ERROR other",
                        "WARN own",
                        "ERROR own",
                        "WARN other",
                        "ERROR other",
                        "ERROR own",
                        "ERROR other");
    }

    @Test
    void aThreadThatEndsByADefectIsAnEventToo() throws Exception {
        use(LogConfig.Format.JSON, LogConfig.Level.INFO);
        Thread thread = Thread.ofPlatform().name("worker").start(() -> {
            throw new IllegalStateException("defect");
        });
        thread.join();

        assertThat(objects()).singleElement().satisfies(event -> {
            assertThat(event.path("message").asString("")).contains("worker");
            assertThat(event.path("stack").asString("")).contains("defect");
        });
    }

    @Test
    void anEventNamesTheTraceThatItHappenedIn() {
        use(LogConfig.Format.JSON, LogConfig.Level.INFO);
        Cause cause = new Cause() {
            @Override
            public String traceId() {
                return "0af7651916cd43dd8448eb211c80319c";
            }

            @Override
            public Work begin(String name, Map<String, String> facts) {
                throw new AssertionError("nothing begins here");
            }

            @Override
            public void joins(Cause other) {
                throw new AssertionError("nothing is joined here");
            }
        };
        Causes.call(cause, () -> {
            OWN.info("within");
            return "";
        });
        OWN.info("without");

        assertThat(objects().getFirst().path("trace").asString("")).isEqualTo("0af7651916cd43dd8448eb211c80319c");
        assertThat(objects().getLast().has("trace")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET https://cdn.test/blob?X-Amz-Signature=sesame&x=1 failed",
                "GET https://cdn.test/blob?sesame",
                "through http://user:sesame@proxy.test:3128/",
                "sent Authorization: Bearer sesame0123456789",
                "sent {Authorization=Basic c2VzYW1lOnNlc2FtZQ==sesame}",
                "proxy-authorization: sesame",
                "Bearer eyJhbGciOiJ.sesame.sig was refused",
                "\"authorization\": \"sesame\"",
            })
    void secretsNeverAppear(String message) {
        for (LogConfig.Format format : LogConfig.Format.values()) {
            use(format, LogConfig.Level.INFO);
            OWN.warn(message);
            OWN.warn("{}", message);
            OWN.error("thrown", new IOException(message, new IllegalStateException(message)));
        }

        assertThat(out.toString(StandardCharsets.UTF_8))
                .doesNotContain("sesame")
                .doesNotContain("c2VzYW1l")
                .contains("***");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Basic authentication is refused",
                "the challenge Bearer realm=\"https://auth.test/token\",service=\"registry\"",
                "no bearer credentials for https://registry.test/v2/",
                "admin on http://127.0.0.1:5001, data in ./data",
            })
    void whatIsNoSecretStays(String message) {
        OWN.info(message);

        assertThat(lines()).singleElement().asString().endsWith(message);
    }
}
