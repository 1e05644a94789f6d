package dev.entrepot.bench;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * 500 slow clients at once, half of them on cached blobs of 256 MiB, half on blobs that are being fetched meanwhile.
 * Ours runs with a heap of 128 MiB, so that it proves by running that it needs no more.
 */
final class Memory implements Scenario {
    private static final int READERS = 500;
    private static final int BLOBS = 5;
    private static final long BLOB_BYTES = 256 * Bench.MIB;
    private static final OptionalLong FETCH_BYTES_PER_SECOND = OptionalLong.of(8_000_000);
    private static final int SETTLE_SECONDS = 10;
    private static final Pattern HEAP_USED =
            Pattern.compile("(?m)^ *(?:PSYoungGen|ParOldGen|def new|tenured|garbage-first).*? used (\\d+)K");

    private record Snapshot(double heapMebibytes, double memoryMebibytes, double peakMebibytes, double lost) {}

    @Override
    public String name() {
        return "memory";
    }

    @Override
    public void run(Bench bench) throws Exception {
        Launch small = new Launch(bench.upstream().place(), Optional.empty(), "-Xmx128m");
        try (Server ours = bench.startSubject(small)) {
            Rounds<Snapshot> rounds = observe(bench, ours);
            boolean heap = bench.options().subject() == Contestant.ENTREPOT;
            if (heap) {
                bench.section()
                        .figure(
                                "500 slow clients, heap after GC, MiB",
                                rounds.of("all", Snapshot::heapMebibytes),
                                new Goal.AtMost(128));
            }
            bench.section().figure("clients cut off", rounds.of("all", Snapshot::lost), new Goal.AtMost(0));
            bench.section().figure("memory, MiB", rounds.of("all", Snapshot::memoryMebibytes), new Goal.Open());
            bench.section().figure("peak memory, MiB", rounds.of("all", Snapshot::peakMebibytes), new Goal.Open());
        }
        try (Server nginx = bench.startNginx()) {
            Rounds<Snapshot> rounds = observe(bench, nginx);
            bench.section().peerFigure("memory, MiB", "nginx", rounds.of("all", Snapshot::memoryMebibytes));
        }
    }

    private static Rounds<Snapshot> observe(Bench bench, Server server) throws Exception {
        Place place = server.place();
        List<String> paths = new ArrayList<>();
        for (int i = 0; i < BLOBS; i++) {
            paths.add(place.blob(bench.upstream().blob(BLOB_BYTES).digest()));
            Crowd.pull(place, 1, 1, paths.getLast());
        }
        for (int i = 0; i < BLOBS; i++) {
            paths.add(place.blob(bench.upstream()
                    .blob(BLOB_BYTES, FETCH_BYTES_PER_SECOND, Duration.ZERO)
                    .digest()));
        }
        String manifest = bench.upstream()
                .manifest(
                        "memory", bench.upstream().blob(2048), bench.upstream().blob(Bench.MIB));
        try (SlowReaders readers = SlowReaders.open(place, READERS, paths)) {
            TimeUnit.SECONDS.sleep(SETTLE_SECONDS);
            return new Rounds<Snapshot>()
                    .add("all", () -> {
                        TimeUnit.SECONDS.sleep(1);
                        Crowd.pull(place, 1, 1, place.manifest(manifest));
                        return snapshot(bench, server, readers);
                    })
                    .run(bench.options().rounds());
        }
    }

    private static Snapshot snapshot(Bench bench, Server server, SlowReaders readers) throws Exception {
        double heap = 0;
        if (server.name().equals("Entrepôt")) {
            String jcmd =
                    Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
            String pid = Long.toString(server.process().pid());
            bench.workspace().runTool(List.of(jcmd, pid, "GC.run"));
            String info = bench.workspace().runTool(List.of(jcmd, pid, "GC.heap_info"));
            heap = HEAP_USED
                            .matcher(info)
                            .results()
                            .mapToDouble(Memory::kibibytes)
                            .sum()
                    / 1024;
        }
        return new Snapshot(
                heap, server.process().memoryMebibytes(), server.process().peakMebibytes(), readers.lost());
    }

    private static double kibibytes(MatchResult used) {
        return Double.parseDouble(used.group(1));
    }
}
