package dev.entrepot.bench;

import java.util.List;
import java.util.concurrent.TimeUnit;

/** What 300 clients that read a large blob slowly cost those who ask for manifests. */
final class SlowNeighbours implements Scenario {
    private static final int READERS = 300;
    private static final int SETTLE_SECONDS = 2;

    @Override
    public String name() {
        return "slow-readers";
    }

    @Override
    public void run(Bench bench) throws Exception {
        String blob = bench.upstream().blob(256 * Bench.MIB).digest();
        String manifest = bench.upstream()
                .manifest("slow", bench.upstream().blob(2048), bench.upstream().blob(Bench.MIB));
        try (Server ours = bench.startSubject();
                Server nginx = bench.startNginx()) {
            measure(bench, ours, blob, manifest, new Goal.AtLeast(0.8));
            measure(bench, nginx, blob, manifest, new Goal.Open());
        }
    }

    private static void measure(Bench bench, Server server, String blob, String manifest, Goal goal) throws Exception {
        Place place = server.place();
        Crowd.pull(place, 1, 1, place.blob(blob));
        Wrk.warmUp(place, place.manifest(manifest), List.of());
        Rounds<Wrk> rounds = new Rounds<Wrk>()
                .add("with", () -> withReaders(bench, place, blob, manifest))
                .add(
                        "without",
                        () -> Wrk.run(
                                place, place.manifest(manifest), bench.options().seconds(), List.of()))
                .run(bench.options().rounds());
        bench.section()
                .ratio(
                        place.name() + " with 300 slow readers, requests/s",
                        rounds.of("with", Wrk::requestsPerSecond),
                        "itself without",
                        rounds.of("without", Wrk::requestsPerSecond),
                        goal);
        bench.section()
                .ratio(
                        place.name() + " with 300 slow readers, p99 ms",
                        rounds.of("with", Wrk::p99Millis),
                        "itself without",
                        rounds.of("without", Wrk::p99Millis),
                        new Goal.Open());
    }

    private static Wrk withReaders(Bench bench, Place place, String blob, String manifest) throws Exception {
        try (SlowReaders readers = SlowReaders.open(place, READERS, List.of(place.blob(blob)))) {
            TimeUnit.SECONDS.sleep(SETTLE_SECONDS);
            Wrk wrk = Wrk.run(place, place.manifest(manifest), bench.options().seconds(), List.of());
            if (readers.lost() > 0) {
                throw new IllegalStateException(place.name() + " cut off " + readers.lost() + " slow readers");
            }
            return wrk;
        }
    }
}
