package dev.entrepot.bench;

import java.util.List;
import java.util.Optional;

/**
 * A cached blob of 256 MiB, sent to 1, 4 and 16 clients: throughput, and processor time of the server per GiB.
 *
 * @param name the name on the command line
 * @param tls whether both servers speak TLS
 */
record BlobWarm(String name, boolean tls) implements Scenario {
    private static final long BLOB_BYTES = 256 * Bench.MIB;
    private static final List<Integer> CLIENTS = List.of(1, 4, 16);
    private static final int PULLS_PER_SAMPLE = 16;
    private static final int WARM_UP_SAMPLES = 6;

    private record Load(double megabytesPerSecond, double cpuSecondsPerGib) {}

    @Override
    public void run(Bench bench) throws Exception {
        Launch launch = new Launch(
                bench.upstream().place(), tls ? Optional.of(bench.workspace().certificate()) : Optional.empty(), "");
        String digest = bench.upstream().blob(BLOB_BYTES).digest();
        try (Server ours = bench.startSubject(launch);
                Server nginx = Contestant.NGINX.start(bench.workspace(), launch)) {
            for (Server server : List.of(ours, nginx)) {
                Crowd.pull(server.place(), 1, 1, server.place().blob(digest));
                if (!tls) {
                    bench.verify(server.place(), digest);
                }
                for (int i = 0; i < WARM_UP_SAMPLES; i++) {
                    load(server, digest, 4);
                }
            }
            bench.workspace().settle();
            for (int clients : CLIENTS) {
                Rounds<Load> rounds = new Rounds<Load>()
                        .add("ours", () -> load(ours, digest, clients))
                        .add("nginx", () -> load(nginx, digest, clients))
                        .run(bench.options().rounds());
                report(bench, clients, rounds);
            }
        }
    }

    private Load load(Server server, String digest, int clients) throws Exception {
        double cpu = server.process().cpuSeconds();
        int each = tls ? Math.max(1, PULLS_PER_SAMPLE / 2 / clients) : Math.max(2, PULLS_PER_SAMPLE / clients);
        Crowd crowd = Crowd.pull(server.place(), clients, each, server.place().blob(digest));
        double used = server.process().cpuSeconds() - cpu;
        return new Load(crowd.megabytesPerSecond(), used * Bench.GIB / crowd.bytes());
    }

    private void report(Bench bench, int clients, Rounds<Load> rounds) {
        Goal throughput = new Goal.AtLeast(tls ? 1.1 : clients == 1 ? 0.85 : 1.0);
        String who = clients == 1 ? "1 client" : clients + " clients";
        bench.section()
                .ratio(
                        who + ", MB/s",
                        rounds.of("ours", Load::megabytesPerSecond),
                        "nginx",
                        rounds.of("nginx", Load::megabytesPerSecond),
                        throughput);
        bench.section()
                .ratio(
                        who + ", CPU s/GiB",
                        rounds.of("ours", Load::cpuSecondsPerGib),
                        "nginx",
                        rounds.of("nginx", Load::cpuSecondsPerGib),
                        tls ? new Goal.Open() : new Goal.AtMost(1.3));
    }
}
