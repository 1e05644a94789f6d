package dev.entrepot.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code wrk} measured.
 *
 * @param requestsPerSecond answers per second
 * @param p99Millis 99 % of the answers took at most this long
 */
record Wrk(double requestsPerSecond, double p99Millis) {
    private static final int WARM_UP_REQUESTS = 400_000;
    private static final int WARM_UP_SECONDS = 5;
    private static final Duration WARM_UP_LIMIT = Duration.ofSeconds(60);
    private static final Pattern RATE = Pattern.compile("Requests/sec: *([0-9.]+)");
    private static final Pattern P99 = Pattern.compile("99% +([0-9.]+)(us|ms|s)");

    /**
     * Loads a path until the server has answered often enough to have all its code compiled: on a busy machine that
     * takes longer.
     */
    static void warmUp(Place place, String path, List<String> headers) throws Exception {
        long deadline = System.nanoTime() + WARM_UP_LIMIT.toNanos();
        for (double answers = 0; answers < WARM_UP_REQUESTS && System.nanoTime() < deadline; ) {
            answers +=
                    WARM_UP_SECONDS * run(place, path, WARM_UP_SECONDS, headers).requestsPerSecond();
        }
    }

    /**
     * Loads a path with one thread and 64 connections.
     *
     * @throws IOException if any answer was not 2xx or any connection failed
     */
    static Wrk run(Place place, String path, int seconds, List<String> headers) throws Exception {
        return run(place.root() + path, seconds, headers, List.of());
    }

    /**
     * As above, of many paths in turn.
     *
     * @param script as {@link #script} has written it
     */
    static Wrk runAll(Place place, Path script, int seconds, List<String> headers) throws Exception {
        return run(place.root(), seconds, headers, List.of("-s", script.toString()));
    }

    /** Writes down which paths are to be asked for in turn. */
    static Path script(Path folder, List<String> paths) throws IOException {
        Path list = Files.write(folder.resolve("paths"), paths);
        return Files.writeString(folder.resolve("paths.lua"), """
                local paths = {}
                for line in io.lines("%s") do paths[#paths + 1] = line end
                local last = 0
                request = function()
                  last = last %% #paths + 1
                  return wrk.format(nil, paths[last])
                end
                """.formatted(list));
    }

    private static Wrk run(String url, int seconds, List<String> headers, List<String> more) throws Exception {
        List<String> command =
                new ArrayList<>(List.of("wrk", "-t1", "-c64", "-d" + seconds + "s", "--timeout", "30s", "--latency"));
        headers.forEach(header -> command.addAll(List.of("-H", header)));
        command.addAll(more);
        command.add(url);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException("wrk " + url + ": " + output);
        }
        return parse(output);
    }

    /** Reads what {@code wrk --latency} prints. */
    static Wrk parse(String output) throws IOException {
        Matcher rate = RATE.matcher(output);
        Matcher p99 = P99.matcher(output);
        if (!rate.find() || !p99.find() || output.contains("Non-2xx") || output.contains("Socket errors")) {
            throw new IOException("wrk did not get a clean run: " + output);
        }
        double unit = switch (p99.group(2)) {
            case "us" -> 0.001;
            case "ms" -> 1;
            default -> 1000;
        };
        return new Wrk(Double.parseDouble(rate.group(1)), Double.parseDouble(p99.group(1)) * unit);
    }
}
