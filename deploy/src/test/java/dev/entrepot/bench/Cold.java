package dev.entrepot.bench;

import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;

/** A blob that is not in the cache, for one client, against fetching it from the upstream directly. */
final class Cold implements Scenario {
    private static final OptionalLong LINE_BYTES_PER_SECOND = OptionalLong.of(100_000_000);
    private static final int FIRST_BYTE_ROUNDS = 20;

    @Override
    public String name() {
        return "cold";
    }

    @Override
    public void run(Bench bench) throws Exception {
        try (Server ours = bench.startSubject();
                Server nginx = bench.startNginx()) {
            bench.rehearse(List.of(ours, nginx), 5, 64 * Bench.MIB);
            Goal goal = new Goal.AtMost(1.3);
            time(bench, ours, nginx, "64 MiB, upstream of 100 MB/s", 64 * Bench.MIB, LINE_BYTES_PER_SECOND, goal);
            time(bench, ours, nginx, "1 GiB, upstream of 100 MB/s", Bench.GIB, LINE_BYTES_PER_SECOND, goal);
            // At the speed of memory the ratio is that of SHA-256 and a disk to sendfile: shown, not promised.
            time(bench, ours, nginx, "64 MiB, no limit", 64 * Bench.MIB, OptionalLong.empty(), new Goal.Open());
            time(bench, ours, nginx, "1 GiB, no limit", Bench.GIB, OptionalLong.empty(), new Goal.Open());
            firstByte(bench, ours, nginx, Duration.ZERO);
            firstByte(bench, ours, nginx, Duration.ofMillis(50));
        }
    }

    private static void time(
            Bench bench, Server ours, Server nginx, String what, long size, OptionalLong rate, Goal goal)
            throws Exception {
        Place direct = bench.upstream().place();
        Rounds<Pull> rounds = new Rounds<Pull>()
                .add("ours", () -> pull(bench, ours.place(), size, rate, Duration.ZERO))
                .add("direct", () -> pull(bench, direct, size, rate, Duration.ZERO))
                .add("nginx", () -> pull(bench, nginx.place(), size, rate, Duration.ZERO))
                .run(bench.options().rounds());
        Samples seconds = rounds.of("ours", Cold::seconds);
        bench.section().ratio(what + ", s", seconds, "direct", rounds.of("direct", Cold::seconds), goal);
        bench.section().ratio(what + ", s", seconds, "nginx", rounds.of("nginx", Cold::seconds), new Goal.Open());
    }

    private static void firstByte(Bench bench, Server ours, Server nginx, Duration delay) throws Exception {
        Place direct = bench.upstream().place();
        Rounds<Pull> rounds = new Rounds<Pull>()
                .add("ours", () -> pull(bench, ours.place(), Bench.MIB, OptionalLong.empty(), delay))
                .add("direct", () -> pull(bench, direct, Bench.MIB, OptionalLong.empty(), delay))
                .add("nginx", () -> pull(bench, nginx.place(), Bench.MIB, OptionalLong.empty(), delay))
                .run(Math.max(FIRST_BYTE_ROUNDS, bench.options().rounds()));
        String what = "first byte, upstream answers after %d ms, ms".formatted(delay.toMillis());
        Samples first = rounds.of("ours", Cold::firstByteMillis);
        bench.section()
                .difference(
                        what, "ms", first, "direct", rounds.of("direct", Cold::firstByteMillis), new Goal.AtMost(10));
        bench.section()
                .difference(what, "ms", first, "nginx", rounds.of("nginx", Cold::firstByteMillis), new Goal.Open());
    }

    private static Pull pull(Bench bench, Place place, long size, OptionalLong rate, Duration delay) throws Exception {
        bench.workspace().settle();
        BenchBlob blob = bench.upstream().blob(size, rate, delay);
        return Crowd.pull(place, 1, 1, place.blob(blob.digest())).pulls().getFirst();
    }

    private static double seconds(Pull pull) {
        return pull.nanos() / 1e9;
    }

    private static double firstByteMillis(Pull pull) {
        return pull.firstByteNanos() / 1e6;
    }
}
