package dev.entrepot.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What an upstream that takes connections and never answers costs those who pull what is kept: the slowest percent of
 * hits by digest, by a tag that is to be checked at each request, and of 200 such tags of 20 repositories and their
 * blobs, against the same server before a healthy upstream. From the moment at which it falls silent, and again when
 * its first request has timed out and it is left alone.
 */
final class SilentUpstream implements Scenario {
    // A request's time-out, and some.
    private static final Duration UNTIL_KNOWN = Duration.ofSeconds(65);
    private static final Goal GOAL = new Goal.AtMost(1.2);
    private static final List<String> ACCEPT = List.of("Accept: application/vnd.oci.image.manifest.v1+json");
    private static final int REPOSITORIES = 20;
    private static final int TAGS = 10;
    private static final int LAYER_BYTES = 16 << 10;

    @Override
    public String name() {
        return "silent-upstream";
    }

    @Override
    public void run(Bench bench) throws Exception {
        oneImage(bench);
        manyImages(bench);
    }

    private static void oneImage(Bench bench) throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(bench.workspace().newFolder("silent-upstream"))) {
            String healthyDigest = manifest(bench.upstream());
            String silentDigest = manifest(upstream);
            try (Server healthy = start(bench, bench.upstream());
                    Server silent = start(bench, upstream)) {
                Pair byTag = new Pair(one(healthy, "silent"), one(silent, "silent"));
                Pair byDigest = new Pair(one(healthy, healthyDigest), one(silent, silentDigest));
                byTag.warmUp();
                byDigest.warmUp();
                upstream.fallSilent();
                long knownAt = System.nanoTime() + UNTIL_KNOWN.toNanos();
                measure(bench, "by expired tag, just silent", byTag);
                measure(bench, "by digest, just silent", byDigest);
                awaitUntil(knownAt);
                measure(bench, "by expired tag, left alone", byTag);
                measure(bench, "by digest, left alone", byDigest);
            }
        }
    }

    private static void manyImages(Bench bench) throws Exception {
        try (FakeUpstream upstream = FakeUpstream.start(bench.workspace().newFolder("silent-upstream-of-many"));
                Server healthy = start(bench, bench.upstream());
                Server silent = start(bench, upstream)) {
            Pair pair = new Pair(many(bench, bench.upstream(), healthy), many(bench, upstream, silent));
            pair.warmUp();
            upstream.fallSilent();
            long knownAt = System.nanoTime() + UNTIL_KNOWN.toNanos();
            measure(bench, "by 200 expired tags of 20 repositories and their blobs, just silent", pair);
            awaitUntil(knownAt);
            measure(bench, "by 200 expired tags of 20 repositories and their blobs, left alone", pair);
        }
    }

    private static Server start(Bench bench, FakeUpstream upstream) throws Exception {
        return bench.startSubject(Launch.plain(upstream.place()).withCache("fresh-for: 0s"));
    }

    private static String manifest(FakeUpstream upstream) throws Exception {
        return upstream.manifest("silent", upstream.blob(2048), upstream.blob(Bench.MIB));
    }

    /** What is asked for again and again. */
    private interface Load {
        Wrk run(int seconds) throws Exception;

        /** Asks until all is kept and all code compiled. */
        void warmUp() throws Exception;
    }

    private static Load one(Server server, String reference) {
        String path = server.place().manifest(reference);
        return new Load() {
            @Override
            public Wrk run(int seconds) throws Exception {
                return Wrk.run(server.place(), path, seconds, ACCEPT);
            }

            @Override
            public void warmUp() throws Exception {
                Wrk.warmUp(server.place(), path, ACCEPT);
            }
        };
    }

    private static Load many(Bench bench, FakeUpstream upstream, Server server) throws Exception {
        List<String> paths = new ArrayList<>();
        for (int i = 0; i < REPOSITORIES; i++) {
            String repository = server.place().repository() + "-" + i;
            for (int j = 0; j < TAGS; j++) {
                BenchBlob layer = upstream.blob(LAYER_BYTES);
                String tag = "many-" + i + "-" + j;
                upstream.manifest(tag, upstream.blob(2048), layer);
                paths.add(repository + "/manifests/" + tag);
                paths.add(repository + "/blobs/" + layer.digest());
            }
        }
        Path script = Wrk.script(
                bench.workspace().newFolder("paths-of-" + server.place().port()), paths);
        return new Load() {
            @Override
            public Wrk run(int seconds) throws Exception {
                return Wrk.runAll(server.place(), script, seconds, ACCEPT);
            }

            @Override
            public void warmUp() throws Exception {
                for (String path : paths) {
                    try (InputStream in =
                            URI.create(server.place().root() + path).toURL().openStream()) {
                        in.transferTo(OutputStream.nullOutputStream());
                    }
                }
                Wrk.warmUp(server.place(), paths.getFirst(), ACCEPT);
                run(5);
            }
        };
    }

    private static void awaitUntil(long nanoTime) throws IOException {
        try {
            TimeUnit.NANOSECONDS.sleep(nanoTime - System.nanoTime());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the upstream was silent", e);
        }
    }

    private record Pair(Load healthy, Load silent) {
        void warmUp() throws Exception {
            healthy.warmUp();
            silent.warmUp();
        }
    }

    private static void measure(Bench bench, String what, Pair pair) throws Exception {
        int seconds = bench.options().seconds();
        Rounds<Wrk> rounds = new Rounds<Wrk>()
                .add("silent", () -> pair.silent().run(seconds))
                .add("healthy", () -> pair.healthy().run(seconds))
                .run(bench.options().rounds());
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
