package dev.entrepot.proxy.admin;

import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Whether requests should be sent here. Safe for all threads. */
public final class Readiness {
    private final List<Supplier<Optional<String>>> checks;
    private final List<Supplier<Optional<String>>> remarks;
    private volatile boolean listening;
    private volatile boolean draining;

    /**
     * Ready from {@link #listen} to {@link #drain}, while none of the checks objects.
     *
     * @param checks each gives a reason not to be ready, or empty; called whenever somebody asks
     */
    public Readiness(List<Supplier<Optional<String>>> checks) {
        this(checks, List.of());
    }

    /**
     * As above, with remarks that operators should see and that keep no request away.
     *
     * @param remarks each gives something to say, or empty; called whenever somebody asks
     */
    public Readiness(List<Supplier<Optional<String>>> checks, List<Supplier<Optional<String>>> remarks) {
        this.checks = List.copyOf(checks);
        this.remarks = List.copyOf(remarks);
    }

    /** What operators should know although requests may be sent here. */
    public List<String> remarks() {
        return remarks.stream().map(Supplier::get).flatMap(Optional::stream).toList();
    }

    /** From now on, requests find somebody at the registry port. */
    public void listen() {
        listening = true;
    }

    /** From now on, not ready: the process is about to end. */
    public void drain() {
        draining = true;
    }

    /** Why no requests should be sent here; empty if they may. */
    public Optional<String> reasonAgainst() {
        if (draining) {
            return Optional.of("draining: this process is stopping");
        }
        if (!listening) {
            return Optional.of("starting: the registry port is not open yet");
        }
        return checks.stream().map(Supplier::get).flatMap(Optional::stream).findFirst();
    }
}
