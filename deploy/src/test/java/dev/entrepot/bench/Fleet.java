package dev.entrepot.bench;

import dev.entrepot.oci.testing.RecordedCall;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.TestRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Replication of ten repositories with five tags each, from a source that answers each request 20 ms late, to
 * distribution's registry, to crane's and to one 50 ms away; against {@code oras copy -r}, once for each tag.
 */
final class Fleet implements Scenario {
    private static final int REPOSITORIES = 10;
    private static final int TAGS = 5;
    private static final Duration SOURCE_LATENCY = Duration.ofMillis(20);
    private static final Duration FAR_AWAY = Duration.ofMillis(50);
    private static final int PLAN_HEAP_MEBIBYTES = 256;
    private static final List<Integer> PLANNED_TAGS = List.of(2_500, 10_000);

    /** An empty registry that runs, and its host and port. */
    private record Target(String host, AutoCloseable registry) implements AutoCloseable {
        @Override
        public void close() throws Exception {
            registry.close();
        }
    }

    /** Starts an empty registry of one kind. */
    private interface Make {
        Target start(Bench bench, Path folder) throws Exception;
    }

    private static Target distribution(Bench bench, Path folder) throws Exception {
        int port = bench.workspace().freePort();
        return new Target("127.0.0.1:" + port, DistributionRegistry.start(folder, port));
    }

    private static Target crane(Bench bench, Path folder) throws Exception {
        int port = bench.workspace().freePort();
        return new Target("127.0.0.1:" + port, CraneRegistry.start(folder, port));
    }

    // In another region, and with the referrers API.
    private static Target farAway(Bench bench, Path folder) throws Exception {
        TestRegistry registry = TestRegistry.started();
        registry.server().latency(FAR_AWAY);
        return new Target(registry.host().toString(), registry);
    }

    private record Outcome(double seconds, double blobBytes) {}

    private record Again(
            double seconds, double ofCold, double blobs, double gets, double lists, double heads, double referrers) {}

    @Override
    public String name() {
        return "fleet";
    }

    @Override
    public void run(Bench bench) throws Exception {
        try (TestRegistry source = TestRegistry.started()) {
            FleetContent fleet = FleetContent.into(source, REPOSITORIES, TAGS);
            source.server().latency(SOURCE_LATENCY);
            cold(bench, source, fleet);
            coldAtCrane(bench, source, fleet);
            coldFarAway(bench, source, fleet);
            again(bench, source, fleet, "", Fleet::distribution);
            again(bench, source, fleet, ", crane's registry", Fleet::crane);
            again(bench, source, fleet, ", 50 ms away", Fleet::farAway);
        }
        plans(bench);
    }

    private static void cold(Bench bench, TestRegistry source, FleetContent fleet) throws Exception {
        List<String> bare = bareCopy(bench, source);
        Rounds<Outcome> rounds = new Rounds<Outcome>()
                .add("one", () -> replicated(bench, source, fleet, 1, Fleet::distribution))
                .add("oras", () -> copied(bench, source, fleet, Fleet::distribution))
                .add("two", () -> replicated(bench, source, fleet, 2, Fleet::distribution))
                .add("bare one", () -> bareCopied(bench, bare, source, fleet, 1))
                .add("bare two", () -> bareCopied(bench, bare, source, fleet, 2))
                .run(bench.options().rounds());
        Samples one = rounds.of("one", Outcome::seconds);
        Report.Section section = bench.section();
        section.ratio("one target, s", one, "oras", rounds.of("oras", Outcome::seconds), new Goal.AtMost(0.2));
        section.ratio("two targets, s", rounds.of("two", Outcome::seconds), "one target", one, new Goal.AtMost(1.3));
        Samples bareOne = rounds.of("bare one", Outcome::seconds);
        Samples bareTwo = rounds.of("bare two", Outcome::seconds);
        section.ratio("one target, s", one, "bare copy", bareOne, new Goal.Open());
        section.ratio("two targets, s", rounds.of("two", Outcome::seconds), "bare copy", bareTwo, new Goal.Open());
        section.ratio(
                "one target by the bare copy, s",
                bareOne,
                "oras",
                rounds.of("oras", Outcome::seconds),
                new Goal.Open());
        section.ratio("two targets by the bare copy, s", bareTwo, "one target", bareOne, new Goal.Open());
        section.figure(
                "one target, source blob bytes per unique byte",
                rounds.of("one", Outcome::blobBytes),
                new Goal.AtMost(1));
        section.figure(
                "two targets, source blob bytes per unique byte",
                rounds.of("two", Outcome::blobBytes),
                new Goal.AtMost(1));
        section.peerFigure(
                "one target, source blob bytes per unique byte", "oras", rounds.of("oras", Outcome::blobBytes));
    }

    // What a target costs is mostly its registry's own processor time, where that is on the same two processors.
    private static void coldAtCrane(Bench bench, TestRegistry source, FleetContent fleet) throws Exception {
        Rounds<Outcome> rounds = new Rounds<Outcome>()
                .add("one", () -> replicated(bench, source, fleet, 1, Fleet::crane))
                .add("oras", () -> copied(bench, source, fleet, Fleet::crane))
                .add("two", () -> replicated(bench, source, fleet, 2, Fleet::crane))
                .run(bench.options().rounds());
        Samples one = rounds.of("one", Outcome::seconds);
        Report.Section section = bench.section();
        section.ratio(
                "one target, crane's registry, s",
                one,
                "oras",
                rounds.of("oras", Outcome::seconds),
                new Goal.AtMost(0.2));
        section.ratio(
                "two targets, crane's registry, s",
                rounds.of("two", Outcome::seconds),
                "one target",
                one,
                new Goal.AtMost(1.3));
    }

    // Waiting counts there, and not processors.
    private static void coldFarAway(Bench bench, TestRegistry source, FleetContent fleet) throws Exception {
        Rounds<Outcome> rounds = new Rounds<Outcome>()
                .add("one", () -> replicated(bench, source, fleet, 1, Fleet::farAway))
                .add("oras", () -> copied(bench, source, fleet, Fleet::farAway))
                .add("two", () -> replicated(bench, source, fleet, 2, Fleet::farAway))
                .run(bench.options().rounds());
        Samples one = rounds.of("one", Outcome::seconds);
        Report.Section section = bench.section();
        section.ratio(
                "one target 50 ms away, s", one, "oras", rounds.of("oras", Outcome::seconds), new Goal.AtMost(0.2));
        section.ratio(
                "two targets 50 ms away, s",
                rounds.of("two", Outcome::seconds),
                "one target",
                one,
                new Goal.AtMost(1.3));
    }

    private static Outcome replicated(Bench bench, TestRegistry source, FleetContent fleet, int targets, Make target)
            throws Exception {
        try (Replica replica = Replica.start(bench, source, targets, target)) {
            source.calls().clear();
            double seconds = replica.sync().seconds();
            return new Outcome(seconds, fleet.blobBytesSent());
        }
    }

    // With a startup cache of its own, which the first run makes.
    private static List<String> bareCopy(Bench bench, TestRegistry source) throws Exception {
        Path folder = bench.workspace().newFolder("bare");
        Path jar = folder.resolve("bare.jar");
        Path classes = Path.of(BareCopy.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        Path here = Path.of(BareCopy.class.getPackageName().replace('.', '/'));
        bench.workspace()
                .runTool(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "jar").toString(),
                        "--create",
                        "--file=" + jar,
                        "-C",
                        classes.toString(),
                        here.toString()));
        Path cache = folder.resolve("startup.aot");
        Path libraries = bench.workspace().project().resolve("deploy/target/entrepot/lib");
        String needed;
        try (Stream<Path> all = Files.list(libraries)) {
            needed = all.map(Path::toString)
                    .filter(name -> name.matches(".*/(httpclient5|httpcore5|jackson|slf4j-api).*"))
                    .sorted()
                    .collect(Collectors.joining(":"));
        }
        List<String> command = List.of(jar + ":" + needed, BareCopy.class.getName());
        try (Replica replica = Replica.start(bench, source, 1, Fleet::distribution)) {
            replica.run(java("-XX:AOTCacheOutput=" + cache, command), source);
        }
        List<String> timed = java("-XX:AOTCache=" + cache, command);
        timed.addAll(1, List.of("-XX:AOTMode=on", "-D" + BareCopy.ENDS_AT_ONCE + "=true"));
        // As sync asks for it itself (decision 0018).
        timed.addAll(0, List.of("chrt", "--batch", "0"));
        return timed;
    }

    // The options of the launcher for sync.
    private static List<String> java(String cache, List<String> command) {
        List<String> java = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                cache,
                "-XX:+UseParallelGC",
                "-Xms48m",
                "-Xmx512m",
                "-XX:-UsePerfData",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UnlockDiagnosticVMOptions",
                "-XX:-AOTReplayTraining",
                "-XX:Tier4InvocationThreshold=50000",
                "-XX:Tier4MinInvocationThreshold=6000",
                "-XX:Tier4CompileThreshold=150000",
                "-XX:Tier4BackEdgeThreshold=400000",
                "-XX:-C1ProfileCalls",
                "-XX:-C1ProfileVirtualCalls",
                "-XX:-C1ProfileInlinedCalls",
                "-XX:-C1ProfileBranches",
                "-XX:-C1ProfileCheckcasts",
                "-Djdk.pollerMode=1",
                "-cp"));
        java.addAll(command);
        return java;
    }

    private static Outcome bareCopied(
            Bench bench, List<String> command, TestRegistry source, FleetContent fleet, int targets) throws Exception {
        try (Replica replica = Replica.start(bench, source, targets, Fleet::distribution)) {
            source.calls().clear();
            double seconds = replica.run(command, source).seconds();
            return new Outcome(seconds, fleet.blobBytesSent());
        }
    }

    private static Outcome copied(Bench bench, TestRegistry source, FleetContent fleet, Make target) throws Exception {
        Path folder = bench.workspace().newFolder("oras");
        try (Target registry = target.start(bench, folder)) {
            bench.workspace().settle();
            source.calls().clear();
            double seconds = 0;
            for (String image : fleet.images()) {
                List<String> command = List.of(
                        "oras",
                        "cp",
                        "-r",
                        "--no-tty",
                        "--from-plain-http",
                        "--to-plain-http",
                        "--concurrency",
                        "8",
                        source.host() + "/" + image,
                        registry.host() + "/" + image);
                seconds += FinishedProcess.run(command, Map.of(), folder.resolve("log"))
                        .seconds();
            }
            return new Outcome(seconds, fleet.blobBytesSent());
        }
    }

    private static void again(Bench bench, TestRegistry source, FleetContent fleet, String where, Make target)
            throws Exception {
        try (Replica replica = Replica.start(bench, source, 1, target)) {
            double cold = replica.sync().seconds();
            Rounds<Again> rounds = new Rounds<Again>()
                    .add("ours", () -> again(source, replica, cold))
                    .run(bench.options().rounds());
            Report.Section section = bench.section();
            String what = "nothing changed" + where + ", ";
            section.figure(what + "s", rounds.of("ours", Again::seconds), new Goal.Open());
            section.figure(what + "of the cold time", rounds.of("ours", Again::ofCold), new Goal.AtMost(0.3));
            section.figure(what + "blob requests", rounds.of("ours", Again::blobs), new Goal.AtMost(0));
            section.figure(what + "manifest GETs", rounds.of("ours", Again::gets), new Goal.AtMost(0));
            section.figure(what + "tag lists", rounds.of("ours", Again::lists), new Goal.AtMost(REPOSITORIES));
            section.figure(
                    what + "HEADs",
                    rounds.of("ours", Again::heads),
                    new Goal.AtMost(fleet.images().size()));
            section.figure(
                    what + "referrers requests", rounds.of("ours", Again::referrers), new Goal.AtMost(fleet.nodes()));
        }
    }

    private static Again again(TestRegistry source, Replica replica, double cold) throws Exception {
        source.calls().clear();
        double seconds = replica.sync().seconds();
        return new Again(
                seconds,
                seconds / cold,
                count(source, request -> request.path().contains("/blobs/")),
                count(
                        source,
                        request ->
                                request.method().equals("GET") && request.path().contains("/manifests/")),
                count(source, request -> request.path().endsWith("/tags/list")),
                count(
                        source,
                        request -> request.method().equals("HEAD")
                                && request.path().contains("/manifests/")),
                count(source, request -> request.path().contains("/referrers/")));
    }

    private static double count(TestRegistry source, Predicate<Request> predicate) {
        List<RecordedCall> calls = source.requests(predicate);
        return calls.size();
    }

    // Time and memory of plans of one repository with many tags; a heap that is too small would make the command fail.
    private static void plans(Bench bench) throws Exception {
        for (int tags : PLANNED_TAGS) {
            try (TestRegistry source = TestRegistry.started();
                    TestRegistry target = TestRegistry.started()) {
                FleetContent.tagsInto(source, tags);
                Replica replica = new Replica(
                        bench.workspace().project(), bench.workspace().newFolder("plan"), List.of(), List.of());
                replica.configure(source, List.of(target.uri().toString()));
                FinishedProcess plan = replica.plan(PLAN_HEAP_MEBIBYTES);
                String what = "plan of %,d tags in a heap of %d MiB, ".formatted(tags, PLAN_HEAP_MEBIBYTES);
                Report.Section section = bench.section();
                section.figure(what + "ms per tag", only(plan.seconds() * 1000 / tags), new Goal.Open());
                section.figure(what + "peak memory of the process, MiB", only(plan.peakMebibytes()), new Goal.Open());
            }
        }
    }

    private static Samples only(double figure) {
        return new Samples(List.of(figure));
    }

    /** Empty targets, and a rule that copies everything to them. */
    private record Replica(Path project, Path folder, List<Target> targets, List<String> urls)
            implements AutoCloseable {
        static Replica start(Bench bench, TestRegistry source, int targetCount, Make target) throws Exception {
            Path folder = bench.workspace().newFolder("replica");
            List<Target> targets = new ArrayList<>();
            List<String> urls = new ArrayList<>();
            for (int i = 0; i < targetCount; i++) {
                Target started = target.start(bench, Files.createDirectory(folder.resolve("target" + i)));
                targets.add(started);
                urls.add("http://" + started.host());
            }
            Replica replica = new Replica(bench.workspace().project(), folder, targets, urls);
            replica.configure(source, urls);
            bench.workspace().settle();
            return replica;
        }

        private void configure(TestRegistry source, List<String> targetUrls) throws Exception {
            String shown =
                    targetUrls.stream().map(url -> "{url: \"" + url + "\"}").collect(Collectors.joining(", "));
            Files.writeString(folder.resolve("entrepot.yaml"), """
                    cache: {directory: %s/data}
                    upstreams:
                      source.test: {url: "%s"}
                    replication:
                      rules:
                        - name: fleet
                          source: source.test
                          repositories: ["*/*"]
                          tags: ["v*"]
                          targets: [%s]
                    """.formatted(folder, source.uri(), shown));
        }

        FinishedProcess run(List<String> bareCopy, TestRegistry source) throws Exception {
            List<String> command = new ArrayList<>(bareCopy);
            command.add(source.uri().toString().replaceAll("/$", ""));
            command.addAll(urls);
            return FinishedProcess.run(command, Map.of(), folder.resolve("log"));
        }

        FinishedProcess sync() throws Exception {
            return entrepot("sync", "");
        }

        FinishedProcess plan(int heapMebibytes) throws Exception {
            return entrepot("plan", "-Xmx" + heapMebibytes + "m");
        }

        private FinishedProcess entrepot(String command, String javaOptions) throws Exception {
            Map<String, String> environment = new HashMap<>();
            environment.put("ENTREPOT_JAVA_OPTS", javaOptions);
            return FinishedProcess.run(
                    List.of(
                            project.resolve("entrepot").toString(),
                            command,
                            "fleet",
                            "--config",
                            folder.resolve("entrepot.yaml").toString()),
                    environment,
                    folder.resolve("log"));
        }

        @Override
        public void close() throws Exception {
            for (Target target : targets) {
                target.close();
            }
        }
    }
}
