package dev.entrepot.proxy.upstreams;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.oci.client.CredentialSource;
import dev.entrepot.oci.client.MirrorEndpoint;
import dev.entrepot.oci.client.MountsAsked;
import dev.entrepot.oci.client.RegistryClient;
import dev.entrepot.oci.client.Sample;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says of each upstream what is known of it, and asks them on demand, all at the same time. */
public final class UpstreamSurvey {
    private static final Logger LOG = LoggerFactory.getLogger(UpstreamSurvey.class);

    /** How long a check waits for all upstreams together. */
    public static final Duration LONGEST_CHECK = Duration.ofSeconds(15);

    private final Map<String, Asked> places = new LinkedHashMap<>();
    private final Function<RegistryHost, Optional<Sample>> samples;
    private final List<RegistryClient> targets;
    private final Duration longest;

    /** An upstream, or a mirror of one. */
    private record Asked(RegistryClient client, Optional<MirrorEndpoint> mirror) {}

    /** A check under way, and whether there was something to ask for. */
    private record Started(CompletableFuture<UpstreamLine.Check> check, CompletableFuture<Boolean> probed) {}

    /** Of the clients of the upstreams, in the order in which they are shown, each followed by its mirrors. */
    public UpstreamSurvey(Map<RegistryHost, RegistryClient> clients) {
        this(clients, _ -> Optional.empty(), List.of());
    }

    /**
     * As above.
     *
     * @param samples something that an upstream is known, or supposed, to have, by which a check sees what it can do
     * @param targets of replication, of which is shown what they have shown that they can do; they are not asked
     */
    public UpstreamSurvey(
            Map<RegistryHost, RegistryClient> clients,
            Function<RegistryHost, Optional<Sample>> samples,
            List<RegistryClient> targets) {
        this(clients, samples, targets, LONGEST_CHECK);
    }

    UpstreamSurvey(Map<RegistryHost, RegistryClient> clients, Duration longest) {
        this(clients, _ -> Optional.empty(), List.of(), longest);
    }

    private UpstreamSurvey(
            Map<RegistryHost, RegistryClient> clients,
            Function<RegistryHost, Optional<Sample>> samples,
            List<RegistryClient> targets,
            Duration longest) {
        this.samples = samples;
        this.targets = List.copyOf(targets);
        clients.forEach((name, client) -> {
            places.put(name.value(), new Asked(client, Optional.empty()));
            client.mirrors()
                    .forEach(mirror -> places.put(
                            name + " via " + mirror.name(), new Asked(mirror.client(), Optional.of(mirror))));
        });
        this.longest = longest;
    }

    /** What is known, without asking anybody. */
    public UpstreamReport known() {
        List<UpstreamLine> lines = new ArrayList<>();
        places.forEach((name, place) -> lines.add(line(name, place, Optional.empty())));
        return new UpstreamReport(lines, targetLines(), false);
    }

    /**
     * Asks each upstream whether it is there and takes the credentials ({@code GET /v2/}), and sees what it can do by
     * something that it is known to have.
     *
     * @throws InterruptedException if the thread is interrupted while waiting for the answers
     */
    public UpstreamReport check() throws InterruptedException {
        return check(false);
    }

    /**
     * The same, and asks each upstream whether it mounts blobs, by something that it is known to have: this wants the
     * right to push, and writes nothing where it works.
     *
     * @throws InterruptedException if the thread is interrupted while waiting for the answers
     */
    public UpstreamReport checkWithMounts() throws InterruptedException {
        return check(true);
    }

    private UpstreamReport check(boolean mounts) throws InterruptedException {
        Map<String, Started> checks = new LinkedHashMap<>();
        places.forEach((name, place) -> checks.put(name, started(name, place, mounts)));
        long end = System.nanoTime() + longest.toNanos();
        Map<String, Boolean> probed = new HashMap<>();
        for (Map.Entry<String, Started> check : checks.entrySet()) {
            probed.put(check.getKey(), awaitProbe(check.getValue().probed(), Math.max(0, end - System.nanoTime())));
        }
        List<UpstreamLine> lines = new ArrayList<>();
        for (Map.Entry<String, Started> check : checks.entrySet()) {
            UpstreamLine.Check result = result(check.getValue().check(), Math.max(0, end - System.nanoTime()));
            Asked place = places.get(check.getKey());
            if (place != null) {
                boolean nothing = !probed.getOrDefault(check.getKey(), true);
                lines.add(line(check.getKey(), place, Optional.of(nothing ? result.withNothingToAskFor() : result)));
            }
        }
        return new UpstreamReport(lines, targetLines(), mounts);
    }

    private static UpstreamLine line(String name, Asked place, Optional<UpstreamLine.Check> check) {
        RegistryClient client = place.client();
        return new UpstreamLine(
                name,
                client.endpoint().baseUrl(),
                check,
                client.state(),
                place.mirror()
                        .map(mirror ->
                                new UpstreamLine.Mirror(mirror.resolves(), mirror.answered(), mirror.passedOn())));
    }

    // A check that is not waited for any longer ends by the client's own time-outs.
    private Started started(String name, Asked place, boolean mounts) {
        Started started = new Started(new CompletableFuture<>(), new CompletableFuture<>());
        Thread.ofVirtual().name("check " + name).start(() -> {
            try {
                UpstreamLine.Check check = asked(place.client());
                started.check().complete(check);
                boolean nothing = check.reachable() && place.mirror().isEmpty() && !probe(place.client(), mounts);
                started.probed().complete(!nothing);
            } catch (RuntimeException | Error e) {
                started.check().completeExceptionally(e);
            } finally {
                started.probed().complete(true);
            }
        });
        return started;
    }

    // What it can do is no matter of being well: an upstream that does not answer now has just answered.
    // Says whether there was something to ask for.
    private boolean probe(RegistryClient client, boolean mounts) {
        RegistryHost name = client.endpoint().registry();
        Optional<Sample> sample = samples.apply(name);
        if (sample.isEmpty()) {
            return false;
        }
        try {
            client.probe(sample.get());
        } catch (IOException e) {
            LOG.info("what {} can do was not found out: {}", name, e.getMessage());
            return true;
        }
        if (mounts) {
            MountsAsked asked = client.probeMounts(sample.get());
            targets.forEach(target -> target.learnMounts(client, asked));
        }
        return true;
    }

    private static boolean awaitProbe(CompletableFuture<Boolean> probed, long nanos) throws InterruptedException {
        try {
            return probed.get(nanos, TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            LOG.debug("a probe is not waited for any longer");
            return true;
        } catch (ExecutionException e) {
            throw new IllegalStateException("a probe failed in a way that no registry causes", e.getCause());
        }
    }

    private List<UpstreamReport.Target> targetLines() {
        return targets.stream()
                .map(client -> new UpstreamReport.Target(
                        client.endpoint().registry().value(),
                        client.endpoint().baseUrl(),
                        client.state().capabilities()))
                .toList();
    }

    private static UpstreamLine.Check asked(RegistryClient client) {
        try {
            // A registry that lets everybody in without a question has said nothing of them.
            boolean shown = client.ping();
            return UpstreamLine.Check.of(
                    true, shown && hasAccount(client) ? Optional.of(true) : Optional.empty(), Optional.empty());
        } catch (UnauthorizedException e) {
            // Without credentials that says nothing of its public repositories.
            return hasAccount(client)
                    ? UpstreamLine.Check.of(true, Optional.of(false), message(e))
                    : UpstreamLine.Check.of(true, Optional.empty(), Optional.empty());
        } catch (OutageException e) {
            // A 429 is an answer, also where it was an earlier one.
            boolean answers = e.reason() == OutageException.Reason.RATE_LIMITED;
            return UpstreamLine.Check.of(answers, Optional.empty(), message(e));
        } catch (RegistryException e) {
            return UpstreamLine.Check.of(true, Optional.empty(), message(e));
        } catch (IOException e) {
            return UpstreamLine.Check.of(false, Optional.empty(), message(e));
        }
    }

    private static boolean hasAccount(RegistryClient client) {
        String account = client.state().account();
        return !account.equals("anonymous") && !account.equals(CredentialSource.EACH_CLIENTS);
    }

    private static Optional<String> message(IOException e) {
        return Optional.of(e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage());
    }

    private UpstreamLine.Check result(CompletableFuture<UpstreamLine.Check> check, long nanos)
            throws InterruptedException {
        try {
            return check.get(nanos, TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return UpstreamLine.Check.of(
                    false, Optional.empty(), Optional.of("no answer within " + longest.toSeconds() + " s"));
        } catch (ExecutionException e) {
            throw new IllegalStateException("a check failed in a way that no registry causes", e.getCause());
        }
    }
}
