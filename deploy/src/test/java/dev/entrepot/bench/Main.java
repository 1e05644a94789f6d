package dev.entrepot.bench;

import java.nio.file.Path;
import java.util.List;

/**
 * Runs the scenarios that the command line names. Exit codes: 0 all goals met, 1 a goal missed, 2 wrong usage or a
 * failure.
 */
final class Main {
    private static final List<Scenario> SCENARIOS = List.of(
            new BlobWarm("blob-warm", false),
            new BlobWarm("blob-warm-tls", true),
            new ManifestWarm(),
            new SilentUpstream(),
            new SlowNeighbours(),
            new Stampede(),
            new Cold(),
            new Memory(),
            new Relay(),
            new Fleet(),
            new BundleTravel(),
            new Start(),
            new StartFull());

    private Main() {}

    /** The entry point; the first argument is the checkout. */
    static void main(String[] arguments) throws Exception {
        Path project = Path.of(arguments[0]);
        Options options;
        List<Scenario> chosen;
        try {
            options = Options.parse(
                    List.of(arguments).subList(1, arguments.length), project.resolve("deploy/target/bench/run"));
            chosen = choose(options);
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage());
            System.exit(2);
            return;
        }
        Report report = new Report(System.out);
        run(project, options, chosen, report);
        System.exit(report.anyMissed() ? 1 : 0);
    }

    private static List<Scenario> choose(Options options) {
        List<String> known = SCENARIOS.stream().map(Scenario::name).toList();
        options.scenarios().stream().filter(name -> !known.contains(name)).forEach(name -> {
            throw new IllegalArgumentException("no scenario " + name + "; there are " + String.join(", ", known));
        });
        return SCENARIOS.stream()
                .filter(scenario ->
                        options.scenarios().isEmpty() || options.scenarios().contains(scenario.name()))
                .toList();
    }

    private static void run(Path project, Options options, List<Scenario> chosen, Report report) throws Exception {
        try (RunLock _ = RunLock.take(options.folder());
                Workspace all = Workspace.create(options.folder(), project);
                FakeUpstream upstream = FakeUpstream.start(all.folder())) {
            String machine = Machine.describe(all);
            report.say(machine);
            for (Scenario scenario : chosen) {
                report.say(scenario.name() + " (load average " + Machine.load() + ")");
                CpuShare start = CpuShare.now();
                try (Workspace own = Workspace.create(all.folder().resolve(scenario.name()), project)) {
                    scenario.run(new Bench(own, upstream, report.section(scenario.name()), options));
                }
                report.others(scenario.name(), CpuShare.now().othersPercentSince(start));
            }
            report.printTable(machine);
        }
    }
}
