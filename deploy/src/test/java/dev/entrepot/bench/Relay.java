package dev.entrepot.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The whole way from an upstream without limit to a client, against {@link BareRelay}, with and without forcing the
 * disk.
 */
final class Relay implements Scenario {
    private static final long BLOB_BYTES = 512 * Bench.MIB;

    private record Outcome(double megabytesPerSecond, double cpuSecondsPerGib) {}

    @Override
    public String name() {
        return "relay";
    }

    @Override
    public void run(Bench bench) throws Exception {
        try (Server ours = bench.startSubject();
                Server forced = startBare(bench, "force");
                Server unforced = startBare(bench, "no-force")) {
            bench.rehearse(List.of(ours, forced, unforced), 5, 64 * Bench.MIB);
            Rounds<Outcome> rounds = new Rounds<Outcome>()
                    .add("ours", () -> pull(bench, ours))
                    .add("bare, forced to disk", () -> pull(bench, forced))
                    .add("bare, not forced", () -> pull(bench, unforced))
                    .run(bench.options().rounds());
            for (String peer : rounds.names().subList(1, rounds.names().size())) {
                // Ours forces every blob to the disk before it is visible: the same relay is the one that does so too.
                boolean same = peer.equals("bare, forced to disk");
                bench.section()
                        .ratio(
                                "512 MiB, MB/s",
                                rounds.of("ours", Outcome::megabytesPerSecond),
                                peer,
                                rounds.of(peer, Outcome::megabytesPerSecond),
                                same ? new Goal.AtLeast(0.8) : new Goal.Open());
                bench.section()
                        .ratio(
                                "512 MiB, CPU s/GiB",
                                rounds.of("ours", Outcome::cpuSecondsPerGib),
                                peer,
                                rounds.of(peer, Outcome::cpuSecondsPerGib),
                                new Goal.Open());
            }
        }
    }

    private static Server startBare(Bench bench, String force) throws Exception {
        Path folder = bench.workspace().newFolder("bare");
        int port = bench.workspace().freePort();
        int carriers = Math.max(4, 2 * Runtime.getRuntime().availableProcessors());
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseParallelGC",
                "-Xmx512m",
                "-Djdk.virtualThreadScheduler.parallelism=" + carriers,
                "-cp",
                System.getProperty("java.class.path"),
                BareRelay.class.getName(),
                Integer.toString(port),
                bench.upstream().place().root(),
                folder.toString(),
                force);
        ServerProcess process = ServerProcess.start("bare relay", command, Map.of(), folder.resolve("log"));
        return new Server(new Place("bare relay", port, false, "/v2/library/app"), process.awaitPort(port));
    }

    private static Outcome pull(Bench bench, Server server) throws Exception {
        bench.workspace().settle();
        String path = server.place().blob(bench.upstream().blob(BLOB_BYTES).digest());
        double cpu = server.process().cpuSeconds();
        Crowd crowd = Crowd.pull(server.place(), 1, 1, path);
        double used = server.process().cpuSeconds() - cpu;
        return new Outcome(crowd.megabytesPerSecond(), used * Bench.GIB / crowd.bytes());
    }
}
