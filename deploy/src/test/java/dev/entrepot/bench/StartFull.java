package dev.entrepot.bench;

import dev.entrepot.cache.CacheIndex;
import dev.entrepot.cache.ContentStore;
import dev.entrepot.cache.Link;
import dev.entrepot.oci.Digest;
import dev.entrepot.oci.DigestAlgorithm;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;

/**
 * From the start of the process to the first kept blob, on a store of a million blobs: closed in good order, and after
 * {@code kill -9}.
 */
final class StartFull implements Scenario {
    private static final int BLOBS = 1_000_000;
    private static final int PER_REPOSITORY = 1000;
    private static final Goal SOON = new Goal.AtMost(2000);

    @Override
    public String name() {
        return "start-full";
    }

    @Override
    public void run(Bench bench) throws Exception {
        Path folder = bench.workspace().newFolder("full");
        List<Digest> blobs = digests();
        double filling = fill(folder.resolve("data"), blobs);
        Path config = Files.writeString(folder.resolve("entrepot.yaml"), """
                cache: {directory: "%s/data", capacity: 8GiB, min-free: 1MiB, scrub-every: 0s}
                upstreams: {bench.test: {url: "%s"}}
                """.formatted(
                        folder, bench.upstream().place().root()));
        Rounds<Double> rounds = new Rounds<Double>()
                .add("clean", () -> start(bench, config, blobs.getLast(), false))
                .add("killed", () -> {
                    start(bench, config, blobs.getFirst(), true);
                    return start(bench, config, blobs.getLast(), false);
                })
                .run(bench.options().rounds());
        Report.Section section = bench.section();
        section.figure(
                "a million blobs, closed in good order: first kept blob after, ms",
                rounds.of("clean", Double::doubleValue),
                SOON);
        section.figure(
                "a million blobs, after kill -9: first kept blob after, ms",
                rounds.of("killed", Double::doubleValue),
                SOON);
        section.figure("a million blobs, index lost: made anew in, s", new Samples(List.of(filling)), new Goal.Open());
    }

    private static List<Digest> digests() {
        Random random = new Random(1);
        List<Digest> digests = new ArrayList<>(BLOBS);
        byte[] raw = new byte[32];
        for (int i = 0; i < BLOBS; i++) {
            random.nextBytes(raw);
            digests.add(new Digest(DigestAlgorithm.SHA256, HexFormat.of().formatHex(raw)));
        }
        return digests;
    }

    // The files first, as if the index had been lost; then what each repository has. Returns the seconds that the index
    // took.
    private static double fill(Path data, List<Digest> blobs) throws IOException {
        try (ContentStore store = ContentStore.open(data, Clock.systemUTC())) {
            for (Digest blob : blobs) {
                String hex = blob.encoded();
                Files.write(
                        data.resolve("blobs/sha256")
                                .resolve(hex.substring(0, 2))
                                .resolve(hex),
                        new byte[] {1});
            }
            long begun = System.nanoTime();
            try (CacheIndex index = CacheIndex.open(store, Clock.systemUTC())) {
                double seconds = (System.nanoTime() - begun) / 1e9;
                for (int from = 0; from < blobs.size(); from += PER_REPOSITORY) {
                    Repository repository = Repository.parse(
                            from + PER_REPOSITORY < blobs.size()
                                    ? "bench.test/team/app" + from / PER_REPOSITORY
                                    : "bench.test/library/app");
                    index.links()
                            .add(
                                    repository,
                                    blobs.subList(from, from + PER_REPOSITORY).stream()
                                            .map(blob -> new Link(blob, OptionalLong.of(1), false))
                                            .toList());
                    index.flush();
                }
                return seconds;
            }
        }
    }

    private static double start(Bench bench, Path config, Digest blob, boolean kill) throws Exception {
        int port = bench.workspace().freePort();
        int admin = bench.workspace().freePort();
        Path own = Files.writeString(
                config.resolveSibling("started.yaml"),
                "server: {listen: \"127.0.0.1:%d\", admin: \"127.0.0.1:%d\"}%n".formatted(port, admin)
                        + Files.readString(config));
        bench.workspace().settle();
        long from = System.nanoTime();
        try (ServerProcess process = ServerProcess.start(
                "Entrepôt",
                List.of(
                        bench.workspace().project().resolve("entrepot").toString(),
                        "serve",
                        "--config",
                        own.toString()),
                Map.of(),
                config.resolveSibling("log"))) {
            process.awaitPort(port);
            Crowd.pull(
                    new Place("Entrepôt", port, false, "/v2/bench.test/library/app"),
                    1,
                    1,
                    kill ? "/v2/" : "/v2/bench.test/library/app/blobs/" + blob);
            double millis = (System.nanoTime() - from) / 1e6;
            if (kill) {
                process.kill();
            }
            return millis;
        }
    }
}
