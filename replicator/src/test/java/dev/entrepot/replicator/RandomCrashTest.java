package dev.entrepot.replicator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.testing.Abilities;
import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Feature;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs against real registries, killed without warning at random moments of their work: reading through the cache,
 * which is killed with them, and writing. The number of kills and the seed are the system properties
 * {@code entrepot.crash.kills} and {@code entrepot.crash.seed}; the seed of each test is printed.
 */
class RandomCrashTest {
    private static final int KILLS = Integer.getInteger("entrepot.crash.kills", 10);
    private static final long SEED = Long.getLong("entrepot.crash.seed", System.nanoTime());
    private static final int MOST_KILLS_IN_A_ROW = 3;
    private static final int COMPLETE = 0;
    private static final int KILLED = 137;

    @TempDir
    private Path folder;

    private final RandomGenerator random =
            RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
    private final CrashFleet fleet = new CrashFleet();

    /** One run in a process of its own. Arguments: the folder of journal and cache, the source, the targets. */
    static final class Program {
        private Program() {}

        public static void main(String[] arguments) throws IOException {
            List<URI> uris = List.of(arguments).subList(1, arguments.length).stream()
                    .map(URI::create)
                    .toList();
            ReplicationReport report =
                    CrashFleet.run(Path.of(arguments[0]), uris.getFirst(), uris.subList(1, uris.size()));
            IO.println(ReportWriter.toText(report));
            System.exit(report.outcome() == ReplicationReport.Outcome.COMPLETE ? COMPLETE : 1);
        }
    }

    /** A source, two targets of different abilities, and a journal. */
    private final class World implements AutoCloseable {
        private final TestRegistry source = TestRegistry.started();
        private final TestRegistry able = TestRegistry.started(Abilities.DEFAULT.with(Feature.SINGLE_POST));
        private final TestRegistry unable;
        private final Path journal;
        private final Queue<String> tornTags = new ConcurrentLinkedQueue<>();

        World(Path journal, Abilities abilities) {
            this.journal = journal;
            this.unable = TestRegistry.started(abilities);
            fleet.loadInto(source);
        }

        List<URI> targets() {
            return List.of(able.uri(), unable.uri());
        }

        /** Looks at what is under each tag at the very moment at which it is written. */
        void watchTags() {
            for (TestRegistry target : List.of(able, unable)) {
                target.faults().always(request -> request.method().equals("PUT"), new Fault() {
                    @Override
                    public Request before(Request request) throws IOException {
                        String[] path = request.path().split("/manifests/");
                        if (path.length == 2) {
                            tornTags.addAll(fleet.lackingUnder(target, path[0].substring("/v2/".length()), path[1]));
                        }
                        return request;
                    }
                });
            }
        }

        CrashProcess start() {
            return CrashProcess.start(
                    Program.class,
                    journal.toString(),
                    source.uri().toString(),
                    able.uri().toString(),
                    unable.uri().toString());
        }

        KillPoint killPoint(Map<String, Integer> requests) {
            List<String> names = List.of("source", "able", "unable");
            String name = names.get(random.nextInt(names.size()));
            TestRegistry registry = name.equals("source") ? source : name.equals("able") ? able : unable;
            return KillPoint.random(registry, name, requests.getOrDefault(name, 1), random);
        }

        void assertNoTornTag(String when) throws Exception {
            for (TestRegistry target : List.of(able, unable)) {
                target.calls().awaitIdle();
                assertThat(fleet.lackingUnderTags(target)).as(when).isEmpty();
            }
            assertThat(tornTags).as(when).isEmpty();
        }

        void assertComplete(String when) throws Exception {
            assertNoTornTag(when);
            assertThat(List.of(fleet.tagsAt(able), fleet.tagsAt(unable)))
                    .as(when)
                    .containsOnly(fleet.size());
        }

        @Override
        public void close() {
            source.close();
            able.close();
            unable.close();
        }
    }

    @Test
    void tagsAreNeverTornByKillsAtRandomMomentsAndTheNextRunCompletes() throws Exception {
        IO.println("entrepot.crash.seed=" + SEED);
        Map<String, Integer> requests = countRequests();
        int kills = 0;
        for (int life = 0; kills < KILLS; life++) {
            kills += killSeveralTimes(life, Math.min(KILLS - kills, 1 + random.nextInt(MOST_KILLS_IN_A_ROW)), requests);
        }
        IO.println("killed " + kills + " times; requests of a whole run: " + requests);
        assertThat(kills).isEqualTo(KILLS);
    }

    /** How many requests each registry sees in a run that is left alone. */
    private Map<String, Integer> countRequests() throws Exception {
        try (World world = new World(folder.resolve("undisturbed"), Abilities.WITHOUT_REFERRERS)) {
            try (CrashProcess process = world.start()) {
                assertThat(process.awaitExit()).as("%s", process.output()).isEqualTo(COMPLETE);
            }
            world.assertComplete("undisturbed");
            return Map.of(
                    "source", world.source.calls().all().size(),
                    "able", world.able.calls().all().size(),
                    "unable", world.unable.calls().all().size());
        }
    }

    /** Runs and kills on the same state, then lets a run end; returns how often it killed. */
    private int killSeveralTimes(int life, int times, Map<String, Integer> requests) throws Exception {
        Abilities abilities = random.nextBoolean() ? Abilities.WITHOUT_REFERRERS : Abilities.PRETENDS_REFERRERS;
        Path journal = Files.createDirectory(folder.resolve("life-" + life));
        try (World world = new World(journal, abilities)) {
            int kills = 0;
            boolean complete = false;
            while (kills < times && !complete) {
                KillPoint point = world.killPoint(requests);
                String when = "seed " + SEED + ", life " + life + ", kill " + kills + ": " + point;
                complete = runUnderThreat(world, point, when);
                kills += complete ? 0 : 1;
                world.assertNoTornTag(when);
            }
            ReplicationReport report = CrashFleet.run(journal, world.source.uri(), world.targets());
            String when = "seed " + SEED + ", life " + life + "\n" + ReportWriter.toText(report);
            assertThat(report.outcome()).as(when).isEqualTo(ReplicationReport.Outcome.COMPLETE);
            world.assertComplete(when);
            return kills;
        }
    }

    /** Whether the run ended before its moment came, as one that has little left to do may. */
    private static boolean runUnderThreat(World world, KillPoint point, String when) throws Exception {
        CompletableFuture<CrashProcess> victim = new CompletableFuture<>();
        world.watchTags();
        point.arm(victim);
        try (CrashProcess process = world.start()) {
            victim.complete(process);
            int exit = process.awaitExit();
            assertThat(exit).as(when + "\n" + process.output()).isIn(COMPLETE, KILLED);
            return exit == COMPLETE;
        } finally {
            List.of(world.source, world.able, world.unable)
                    .forEach(registry -> registry.faults().clear());
        }
    }
}
