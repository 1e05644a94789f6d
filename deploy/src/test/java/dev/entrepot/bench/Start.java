package dev.entrepot.bench;

import java.util.concurrent.TimeUnit;

/**
 * From the start of the process to its first answer, and the memory of a server that has nothing to do: of the
 * distribution, which is what is installed, and of a checkout, whose launcher looks for a JDK and for changed sources
 * first.
 */
final class Start implements Scenario {
    private static final int IDLE_SECONDS = 3;
    private static final Goal SOON = new Goal.AtMost(700);
    private static final double BYTES_PER_MEBIBYTE = 1 << 20;
    /** 120 MB, in the unit that memory is shown in. */
    private static final Goal SMALL = new Goal.AtMost(120e6 / BYTES_PER_MEBIBYTE);

    private record Outcome(double millis, double memoryMebibytes) {}

    @Override
    public String name() {
        return "start";
    }

    @Override
    public void run(Bench bench) throws Exception {
        Rounds<Outcome> rounds = new Rounds<Outcome>()
                .add("ours", () -> start(bench, subject(bench)))
                .add("checkout", () -> start(bench, bench.options().subject()))
                .add("nginx", () -> start(bench, Contestant.NGINX));
        if (bench.options().distribution()) {
            rounds.add("distribution", () -> start(bench, Contestant.DISTRIBUTION));
        }
        rounds.run(bench.options().rounds());
        Report.Section section = bench.section();
        section.figure("first answer after, ms", rounds.of("ours", Outcome::millis), SOON);
        section.figure("idle memory (PSS), MiB", rounds.of("ours", Outcome::memoryMebibytes), SMALL);
        for (String peer : rounds.names().subList(1, rounds.names().size())) {
            section.ratio(
                    "first answer after, ms",
                    rounds.of("ours", Outcome::millis),
                    peer,
                    rounds.of(peer, Outcome::millis),
                    new Goal.Open());
            section.ratio(
                    "idle memory (PSS), MiB",
                    rounds.of("ours", Outcome::memoryMebibytes),
                    peer,
                    rounds.of(peer, Outcome::memoryMebibytes),
                    new Goal.Open());
        }
    }

    private static Contestant subject(Bench bench) {
        Contestant subject = bench.options().subject();
        return subject == Contestant.ENTREPOT ? Contestant.PACKAGED : subject;
    }

    private static Outcome start(Bench bench, Contestant contestant) throws Exception {
        long from = System.nanoTime();
        try (Server server = contestant.start(
                bench.workspace(), Launch.plain(bench.upstream().place()))) {
            Crowd.pull(server.place(), 1, 1, "/v2/");
            double millis = (System.nanoTime() - from) / 1e6;
            TimeUnit.SECONDS.sleep(IDLE_SECONDS);
            return new Outcome(millis, server.process().memoryMebibytes());
        }
    }
}
