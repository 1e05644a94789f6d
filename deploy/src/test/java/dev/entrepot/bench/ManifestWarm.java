package dev.entrepot.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * A cached manifest, by digest and by a tag that is still fresh, to 64 connections: answers per second and the slowest
 * percent.
 */
final class ManifestWarm implements Scenario {
    private static final List<String> ACCEPT = List.of("Accept: application/vnd.oci.image.manifest.v1+json");

    private record Load(Wrk wrk, double cpuMicrosPerRequest) {}

    @Override
    public String name() {
        return "manifest-warm";
    }

    @Override
    public void run(Bench bench) throws Exception {
        BenchBlob config = bench.upstream().blob(2048);
        String digest = bench.upstream().manifest("v1", config, bench.upstream().blob(Bench.MIB));
        List<Server> servers = new ArrayList<>();
        try {
            servers.add(bench.startSubject());
            servers.add(bench.startNginx());
            if (bench.options().distribution()) {
                servers.add(Contestant.DISTRIBUTION.start(
                        bench.workspace(), Launch.plain(bench.upstream().place())));
            }
            measure(bench, servers, "by digest", digest);
            measure(bench, servers, "by tag", "v1");
        } finally {
            servers.forEach(Server::close);
        }
    }

    private static void measure(Bench bench, List<Server> servers, String what, String reference) throws Exception {
        Rounds<Load> rounds = new Rounds<>();
        for (Server server : servers) {
            String path = server.place().manifest(reference);
            Wrk.warmUp(server.place(), path, ACCEPT);
            rounds.add(
                    server == servers.getFirst() ? "ours" : server.name(),
                    () -> load(server, path, bench.options().seconds()));
        }
        rounds.run(bench.options().rounds());
        for (String peer : rounds.names().subList(1, rounds.names().size())) {
            boolean nginx = peer.equals("nginx");
            bench.section()
                    .ratio(
                            what + ", requests/s",
                            rounds.of("ours", load -> load.wrk().requestsPerSecond()),
                            peer,
                            rounds.of(peer, load -> load.wrk().requestsPerSecond()),
                            nginx ? new Goal.AtLeast(1.0) : new Goal.Open());
            bench.section()
                    .ratio(
                            what + ", p99 ms",
                            rounds.of("ours", load -> load.wrk().p99Millis()),
                            peer,
                            rounds.of(peer, load -> load.wrk().p99Millis()),
                            nginx ? new Goal.AtMost(2.0) : new Goal.Open());
            bench.section()
                    .ratio(
                            what + ", CPU µs/request",
                            rounds.of("ours", Load::cpuMicrosPerRequest),
                            peer,
                            rounds.of(peer, Load::cpuMicrosPerRequest),
                            new Goal.Open());
        }
    }

    private static Load load(Server server, String path, int seconds) throws Exception {
        double cpu = server.process().cpuSeconds();
        Wrk wrk = Wrk.run(server.place(), path, seconds, ACCEPT);
        double used = server.process().cpuSeconds() - cpu;
        return new Load(wrk, used * 1e6 / (wrk.requestsPerSecond() * seconds));
    }
}
