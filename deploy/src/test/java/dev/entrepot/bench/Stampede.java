package dev.entrepot.bench;

import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;

/** 100 clients at once ask for a blob of 64 MiB that is not in the cache. */
final class Stampede implements Scenario {
    private static final int CLIENTS = 100;
    private static final long BLOB_BYTES = 64 * Bench.MIB;
    private static final OptionalLong SLOW_BYTES_PER_SECOND = OptionalLong.of(20_000_000);

    private record Outcome(double seconds, double gets, double bytes) {}

    @Override
    public String name() {
        return "stampede";
    }

    @Override
    public void run(Bench bench) throws Exception {
        try (Server ours = bench.startSubject();
                Server nginx = bench.startNginx()) {
            bench.rehearse(List.of(ours, nginx), 5, BLOB_BYTES);
            slowUpstream(bench, ours);
            fastUpstream(bench, ours, nginx);
        }
    }

    private static void slowUpstream(Bench bench, Server ours) throws Exception {
        Rounds<Outcome> rounds = new Rounds<Outcome>()
                .add("hundred", () -> pull(bench, ours, CLIENTS, SLOW_BYTES_PER_SECOND))
                .add("one", () -> pull(bench, ours, 1, SLOW_BYTES_PER_SECOND))
                .run(bench.options().rounds());
        bench.section()
                .ratio(
                        "upstream of 20 MB/s, 100 clients, s",
                        rounds.of("hundred", Outcome::seconds),
                        "one client",
                        rounds.of("one", Outcome::seconds),
                        new Goal.AtMost(1.15));
        cost(bench, "upstream of 20 MB/s", rounds.of("hundred", Outcome::gets), rounds.of("hundred", Outcome::bytes));
    }

    private static void fastUpstream(Bench bench, Server ours, Server nginx) throws Exception {
        Rounds<Outcome> rounds = new Rounds<Outcome>()
                .add("ours", () -> pull(bench, ours, CLIENTS, OptionalLong.empty()))
                .add("nginx", () -> pull(bench, nginx, CLIENTS, OptionalLong.empty()))
                .run(bench.options().rounds());
        bench.section()
                .ratio(
                        "fast upstream, 100 clients, s",
                        rounds.of("ours", Outcome::seconds),
                        "nginx",
                        rounds.of("nginx", Outcome::seconds),
                        new Goal.AtMost(1.2));
        cost(bench, "fast upstream", rounds.of("ours", Outcome::gets), rounds.of("ours", Outcome::bytes));
        bench.section().peerFigure("fast upstream, upstream GETs", "nginx", rounds.of("nginx", Outcome::gets));
    }

    private static void cost(Bench bench, String what, Samples gets, Samples bytes) {
        bench.section().figure(what + ", upstream GETs", gets, new Goal.AtMost(1));
        bench.section().figure(what + ", upstream bytes per byte of the blob", bytes, new Goal.AtMost(1));
    }

    private static Outcome pull(Bench bench, Server server, int clients, OptionalLong rate) throws Exception {
        bench.workspace().settle();
        BenchBlob blob = bench.upstream().blob(BLOB_BYTES, rate, Duration.ZERO);
        Crowd crowd = Crowd.pull(server.place(), clients, 1, server.place().blob(blob.digest()));
        return new Outcome(
                crowd.seconds(), blob.gets().get(), (double) blob.bytesSent().get() / blob.size());
    }
}
