package dev.entrepot.replicator;

import dev.entrepot.oci.testing.CrashProcess;
import dev.entrepot.oci.testing.Fault;
import dev.entrepot.oci.testing.Request;
import dev.entrepot.oci.testing.TestRegistry;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;

/**
 * A moment at which a process is killed: when a registry sees the n-th request of a kind in a run, up to two
 * milliseconds later, with that request still taking effect or not.
 *
 * @param registry where requests are counted
 * @param name what the registry is called in messages
 * @param counted the requests that count
 * @param request the number of the request, from 1
 * @param delayNanos how long after its arrival
 * @param takesEffect whether the request is handled, for nobody
 */
public record KillPoint(
        TestRegistry registry,
        String name,
        Predicate<Request> counted,
        int request,
        long delayNanos,
        boolean takesEffect) {
    public static KillPoint random(TestRegistry registry, String name, int requests, RandomGenerator random) {
        return new KillPoint(
                registry,
                name,
                any -> true,
                1 + random.nextInt(requests),
                random.nextLong(2_000_000),
                random.nextBoolean());
    }

    /** The moment at which the first tag that is no fallback tag has been put, for nobody. */
    public static KillPoint firstTag(TestRegistry registry, String name) {
        return new KillPoint(registry, name, KillPoint::putsTag, 1, 0, true);
    }

    private static boolean putsTag(Request request) {
        String reference = request.path().substring(request.path().lastIndexOf('/') + 1);
        return request.method().equals("PUT")
                && request.path().contains("/manifests/")
                && !reference.startsWith("sha256");
    }

    /** Makes the registry kill the process when the moment has come. */
    public void arm(CompletableFuture<CrashProcess> victim) {
        AtomicInteger seen = new AtomicInteger();
        registry.faults().always(counted, new Fault() {
            @Override
            public Request before(Request arrived) throws IOException, InterruptedException {
                if (seen.incrementAndGet() == request) {
                    long due = System.nanoTime() + delayNanos;
                    while (System.nanoTime() < due) {
                        Thread.onSpinWait();
                    }
                    victim.join().kill();
                    if (!takesEffect) {
                        throw new IOException("the process is gone");
                    }
                }
                return arrived;
            }
        });
    }

    @Override
    public String toString() {
        return "killed " + delayNanos / 1000 + " us after counted request " + request + " of " + name
                + (takesEffect ? ", which takes effect" : "");
    }
}
