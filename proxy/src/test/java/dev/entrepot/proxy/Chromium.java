package dev.entrepot.proxy;

import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A headless Chromium with one page, driven over the DevTools protocol. For one thread. */
final class Chromium implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Process process;
    private final HttpClient client = HttpClient.newHttpClient();
    private final WebSocket socket;
    private final AtomicInteger lastId = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
    private final List<String> complaints = new CopyOnWriteArrayList<>();
    private String session = "";

    /** Where it is installed, if it is. */
    static Optional<Path> installed() {
        String path = Optional.ofNullable(System.getenv("PATH")).orElse("");
        return Stream.of(path.split(":", -1))
                .filter(folder -> !folder.isEmpty())
                .flatMap(folder -> Stream.of("chromium", "chromium-browser").map(name -> Path.of(folder, name)))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** Starts it with a profile in a folder. */
    static Chromium started(Path folder) throws Exception {
        return new Chromium(folder);
    }

    private Chromium(Path folder) throws Exception {
        Path profile = folder.resolve("chromium");
        ProcessBuilder builder = new ProcessBuilder(
                installed().orElseThrow().toString(),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--no-first-run",
                "--no-proxy-server",
                "--force-color-profile=srgb",
                "--hide-scrollbars",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile,
                "about:blank");
        builder.environment().put("HOME", folder.toString());
        process = builder.redirectErrorStream(true)
                .redirectOutput(folder.resolve("chromium.log").toFile())
                .start();
        Path note = profile.resolve("DevToolsActivePort");
        until(() -> Files.exists(note) && Files.readAllLines(note).size() >= 2);
        List<String> lines = Files.readAllLines(note);
        socket = client.newWebSocketBuilder()
                .buildAsync(URI.create("ws://127.0.0.1:" + lines.get(0) + lines.get(1)), new Listener())
                .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        String target = call("Target.createTarget", json().put("url", "about:blank"))
                .path("targetId")
                .asString("");
        session = call("Target.attachToTarget", json().put("targetId", target).put("flatten", true))
                .path("sessionId")
                .asString("");
        for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
            call(domain + ".enable", json());
        }
    }

    private static ObjectNode json() {
        return OciJson.mapper().createObjectNode();
    }

    private final class Listener implements WebSocket.Listener {
        private final StringBuilder text = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
            text.append(part);
            if (last) {
                came(OciJson.mapper().readTree(text.toString()));
                text.setLength(0);
            }
            from.request(1);
            return CompletableFuture.completedFuture(null);
        }
    }

    private void came(JsonNode message) {
        CompletableFuture<JsonNode> waiting = answers.remove(message.path("id").asInt(-1));
        if (waiting != null) {
            waiting.complete(message);
        }
        JsonNode parameters = message.path("params");
        switch (message.path("method").asString("")) {
            case "Runtime.exceptionThrown" -> complaints.add(parameters.toString());
            case "Runtime.consoleAPICalled" ->
                complaints.add(parameters.path("args").toString());
            case "Log.entryAdded" ->
                complaints.add(parameters.path("entry").path("text").asString("") + " "
                        + parameters.path("entry").path("url").asString(""));
            default -> {}
        }
    }

    private JsonNode call(String method, ObjectNode parameters) throws Exception {
        int id = lastId.incrementAndGet();
        ObjectNode message = json().put("id", id).put("method", method);
        message.set("params", parameters);
        if (!session.isEmpty()) {
            message.put("sessionId", session);
        }
        CompletableFuture<JsonNode> answer = new CompletableFuture<>();
        answers.put(id, answer);
        socket.sendText(message.toString(), true).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        JsonNode came = answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        if (came.has("error")) {
            throw new IOException(method + ": " + came.path("error"));
        }
        return came.path("result");
    }

    /** Asks again and again until something is so, for at most half a minute. */
    static void until(Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("it did not happen within " + PATIENCE);
            }
            Thread.onSpinWait();
        }
    }

    /** What the page has complained of: errors, messages, what its policy forbids. */
    List<String> complaints() {
        return new ArrayList<>(complaints);
    }

    /** Leaves the page. */
    void leave() throws Exception {
        call("Page.navigate", json().put("url", "about:blank"));
        await("location.href === 'about:blank'");
    }

    /** Loads a page anew, even one that only its fragment tells from the present one. */
    void open(URI address) throws Exception {
        leave();
        call("Page.navigate", json().put("url", address.toString()));
        await("document.readyState === 'complete' && document.querySelector('h1') !== null");
    }

    /** The size of the window, in pixels, and whether the system is dark. */
    void look(int width, int height, boolean dark) throws Exception {
        call(
                "Emulation.setDeviceMetricsOverride",
                json().put("width", width)
                        .put("height", height)
                        .put("deviceScaleFactor", 1)
                        .put("mobile", false));
        ObjectNode media = json();
        media.putArray("features")
                .addObject()
                .put("name", "prefers-color-scheme")
                .put("value", dark ? "dark" : "light");
        call("Emulation.setEmulatedMedia", media);
    }

    /** The value of an expression; a promise is waited for. */
    JsonNode evaluate(String expression) throws Exception {
        JsonNode result = call(
                "Runtime.evaluate",
                json().put("expression", expression).put("returnByValue", true).put("awaitPromise", true));
        if (result.has("exceptionDetails")) {
            throw new IOException(expression + ": " + result.path("exceptionDetails"));
        }
        return result.path("result").path("value");
    }

    String text(String expression) throws Exception {
        return evaluate(expression).asString("");
    }

    /** Waits until an expression is true. */
    void await(String expression) throws Exception {
        try {
            until(() -> evaluate(expression).asBoolean());
        } catch (AssertionError e) {
            throw new AssertionError(
                    expression + " did not become true; the page says: "
                            + text("document.body.innerText.slice(0, 600)"),
                    e);
        }
    }

    /** Presses a key that is called so, as in {@code KeyboardEvent.key}. */
    void press(String key) throws Exception {
        boolean character = key.length() == 1;
        ObjectNode down =
                json().put("type", character ? "keyDown" : "rawKeyDown").put("key", key);
        int code = switch (key) {
            case "Enter" -> 13;
            case "Tab" -> 9;
            case "ArrowDown" -> 40;
            case "ArrowUp" -> 38;
            case "ArrowLeft" -> 37;
            case "ArrowRight" -> 39;
            case "Home" -> 36;
            case "End" -> 35;
            default -> 0;
        };
        if (character) {
            down.put("text", key);
        } else {
            down.put("windowsVirtualKeyCode", code);
        }
        if (key.equals("Enter")) {
            down.put("type", "keyDown").put("text", "\r");
        }
        call("Input.dispatchKeyEvent", down);
        call(
                "Input.dispatchKeyEvent",
                json().put("type", "keyUp").put("key", key).put("windowsVirtualKeyCode", code));
    }

    void type(String text) throws Exception {
        call("Input.insertText", json().put("text", text));
    }

    /** A picture of the whole page. */
    byte[] picture() throws Exception {
        String data = call("Page.captureScreenshot", json().put("format", "png").put("captureBeyondViewport", true))
                .path("data")
                .asString("");
        return Base64.getDecoder().decode(data);
    }

    @Override
    public void close() throws Exception {
        socket.abort();
        client.shutdownNow();
        // Its children write to the profile, too, which is deleted after this.
        List<ProcessHandle> children = process.descendants().toList();
        process.destroy();
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
        }
        for (ProcessHandle child : children) {
            child.destroyForcibly();
            child.onExit().get(10, TimeUnit.SECONDS);
        }
    }
}
