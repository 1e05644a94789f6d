package dev.entrepot.proxy.upstreams;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.RegistryException;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.UnauthorizedException;
import dev.entrepot.oci.client.MirrorEndpoint;
import dev.entrepot.oci.client.RegistryClient;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Says of each upstream what is known of it, and asks them on demand, all at the same time. */
public final class UpstreamSurvey {
    /** How long a check waits for all upstreams together. */
    public static final Duration LONGEST_CHECK = Duration.ofSeconds(15);

    private final Map<String, Asked> places = new LinkedHashMap<>();
    private final Duration longest;

    /** An upstream, or a mirror of one. */
    private record Asked(RegistryClient client, Optional<MirrorEndpoint> mirror) {}

    /** Of the clients of the upstreams, in the order in which they are shown, each followed by its mirrors. */
    public UpstreamSurvey(Map<RegistryHost, RegistryClient> clients) {
        this(clients, LONGEST_CHECK);
    }

    UpstreamSurvey(Map<RegistryHost, RegistryClient> clients, Duration longest) {
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
        return new UpstreamReport(lines);
    }

    /**
     * Asks each upstream whether it is there and takes the credentials ({@code GET /v2/}).
     *
     * @throws InterruptedException if the thread is interrupted while waiting for the answers
     */
    public UpstreamReport check() throws InterruptedException {
        Map<String, CompletableFuture<UpstreamLine.Check>> checks = new LinkedHashMap<>();
        places.forEach((name, place) -> checks.put(name, started(name, place.client())));
        long end = System.nanoTime() + longest.toNanos();
        List<UpstreamLine> lines = new ArrayList<>();
        for (Map.Entry<String, CompletableFuture<UpstreamLine.Check>> check : checks.entrySet()) {
            UpstreamLine.Check result = result(check.getValue(), Math.max(0, end - System.nanoTime()));
            Asked place = places.get(check.getKey());
            if (place != null) {
                lines.add(line(check.getKey(), place, Optional.of(result)));
            }
        }
        return new UpstreamReport(lines);
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
    private static CompletableFuture<UpstreamLine.Check> started(String name, RegistryClient client) {
        CompletableFuture<UpstreamLine.Check> outcome = new CompletableFuture<>();
        Thread.ofVirtual().name("check " + name).start(() -> {
            try {
                outcome.complete(asked(client));
            } catch (RuntimeException e) {
                outcome.completeExceptionally(e);
            }
        });
        return outcome;
    }

    private static UpstreamLine.Check asked(RegistryClient client) {
        try {
            client.ping();
            return new UpstreamLine.Check(
                    true, hasAccount(client) ? Optional.of(true) : Optional.empty(), Optional.empty());
        } catch (UnauthorizedException e) {
            // Without credentials that says nothing of its public repositories.
            return hasAccount(client)
                    ? new UpstreamLine.Check(true, Optional.of(false), message(e))
                    : new UpstreamLine.Check(true, Optional.empty(), Optional.empty());
        } catch (OutageException e) {
            return new UpstreamLine.Check(false, Optional.empty(), message(e));
        } catch (RegistryException e) {
            return new UpstreamLine.Check(true, Optional.empty(), message(e));
        } catch (IOException e) {
            return new UpstreamLine.Check(false, Optional.empty(), message(e));
        }
    }

    private static boolean hasAccount(RegistryClient client) {
        return !client.state().account().equals("anonymous");
    }

    private static Optional<String> message(IOException e) {
        return Optional.of(e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage());
    }

    private UpstreamLine.Check result(CompletableFuture<UpstreamLine.Check> check, long nanos)
            throws InterruptedException {
        try {
            return check.get(nanos, TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            return new UpstreamLine.Check(
                    false, Optional.empty(), Optional.of("no answer within " + longest.toSeconds() + " s"));
        } catch (ExecutionException e) {
            throw new IllegalStateException("a check failed in a way that no registry causes", e.getCause());
        }
    }
}
