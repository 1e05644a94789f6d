package dev.entrepot.proxy.admin;

import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Whether requests should be sent here. Safe for all threads. */
public final class Readiness {
    private final List<Supplier<Optional<String>>> checks;
    private volatile boolean draining;

    /**
     * Ready while none of the checks objects.
     *
     * @param checks each gives a reason not to be ready, or empty; called whenever somebody asks
     */
    public Readiness(List<Supplier<Optional<String>>> checks) {
        this.checks = List.copyOf(checks);
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
        return checks.stream().map(Supplier::get).flatMap(Optional::stream).findFirst();
    }
}
