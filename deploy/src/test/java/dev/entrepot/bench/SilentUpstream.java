package dev.entrepot.bench;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What an upstream that takes connections and never answers costs those who pull what is kept: the slowest percent of hits by digest, and by a tag that is to be
 * checked at each request, against the same server before a healthy upstream. From the moment at which it falls silent, and again when its first request has
 * timed out and it is left alone.
 */
final class SilentUpstream implements Scenario {
    // A request's time-out, and some.
    private static final Duration UNTIL_KNOWN = Duration.ofSeconds(65);
    private static final Goal GOAL = new Goal.AtMost(1.2);
    private static final List<String> ACCEPT = List.of("Accept: application/vnd.oci.image.manifest.v1+json");

    @Override
    public String name() {
        return "silent-upstream";
    }

    @Override
    public void run(Bench bench) throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(bench.workspace().newFolder("silent-upstream"))) {
            String healthyDigest = manifest(bench.upstream());
            String silentDigest = manifest(upstream);
            try (Server healthy = bench.startSubject(
                            Launch.plain(bench.upstream().place()).withCache("fresh-for: 0s"));
                    Server silent =
                            bench.startSubject(Launch.plain(upstream.place()).withCache("fresh-for: 0s"))) {
                Pair byTag = new Pair(
                        healthy,
                        healthy.place().manifest("silent"),
                        silent,
                        silent.place().manifest("silent"));
                Pair byDigest = new Pair(
                        healthy,
                        healthy.place().manifest(healthyDigest),
                        silent,
                        silent.place().manifest(silentDigest));
                byTag.warmUp();
                byDigest.warmUp();
                upstream.fallSilent();
                long knownAt = System.nanoTime() + UNTIL_KNOWN.toNanos();
                measure(
                        bench,
                        "by expired tag, just silent",
                        byTag,
                        bench.options().rounds());
                measure(
                        bench,
                        "by digest, just silent",
                        byDigest,
                        bench.options().rounds());
                awaitUntil(knownAt);
                measure(
                        bench,
                        "by expired tag, left alone",
                        byTag,
                        bench.options().rounds());
                measure(
                        bench,
                        "by digest, left alone",
                        byDigest,
                        bench.options().rounds());
            }
        }
    }

    private static String manifest(FakeUpstream upstream) throws Exception {
        return upstream.manifest("silent", upstream.blob(2048), upstream.blob(Bench.MIB));
    }

    private static void awaitUntil(long nanoTime) throws IOException {
        try {
            TimeUnit.NANOSECONDS.sleep(nanoTime - System.nanoTime());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the upstream was silent", e);
        }
    }

    private record Pair(Server healthy, String healthyPath, Server silent, String silentPath) {
        void warmUp() throws Exception {
            Wrk.warmUp(healthy.place(), healthyPath, ACCEPT);
            Wrk.warmUp(silent.place(), silentPath, ACCEPT);
        }
    }

    private static void measure(Bench bench, String what, Pair pair, int count) throws Exception {
        int seconds = bench.options().seconds();
        Rounds<Wrk> rounds = new Rounds<Wrk>()
                .add("silent", () -> Wrk.run(pair.silent().place(), pair.silentPath(), seconds, ACCEPT))
                .add("healthy", () -> Wrk.run(pair.healthy().place(), pair.healthyPath(), seconds, ACCEPT))
                .run(count);
        bench.section()
                .ratio(
                        what + ", p99 ms",
                        rounds.of("silent", Wrk::p99Millis),
                        "healthy",
                        rounds.of("healthy", Wrk::p99Millis),
                        GOAL);
        bench.section()
                .ratio(
                        what + ", requests/s",
                        rounds.of("silent", Wrk::requestsPerSecond),
                        "healthy",
                        rounds.of("healthy", Wrk::requestsPerSecond),
                        new Goal.Open());
    }
}
