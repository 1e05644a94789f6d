package dev.entrepot.oci.testing;

import java.util.concurrent.CountDownLatch;

/**
 * An empty registry that can do everything, the referrers API included, as a process of its own: for runs with real
 * clients.
 */
public final class TestRegistryProcess {
    private TestRegistryProcess() {}

    /** Prints the host and port that it listens on, in a line, and serves until the process is ended. */
    public static void main(String[] arguments) throws InterruptedException {
        try (TestRegistry registry = TestRegistry.started()) {
            System.out.println(registry.host());
            new CountDownLatch(1).await();
        }
    }
}
