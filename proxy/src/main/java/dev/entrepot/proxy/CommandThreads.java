package dev.entrepot.proxy;

import java.util.List;
import java.util.Set;

/**
 * How the threads of a command are scheduled that moves or checks content: as a server's are. As many carry virtual
 * threads as there are processors, at least two, and more while others wait for these ({@link CarrierWatch}); and they
 * work off what there is ({@link BatchScheduling}).
 */
final class CommandThreads {
    private static final Set<String> COMMANDS =
            Set.of("cache", "copy", "export", "import", "plan", "receipt", "sync", "verify");

    private CommandThreads() {}

    /** Whether a command moves or checks content: the others end soon. */
    static boolean fits(List<String> arguments) {
        return !arguments.isEmpty() && COMMANDS.contains(arguments.getFirst());
    }

    /**
     * Sees to it, on a thread of its own, while the command line and the configuration are read.
     *
     * @param arguments of the command line
     */
    static void prepare(List<String> arguments) {
        if (fits(arguments)) {
            Thread.ofPlatform().daemon().name("command-threads").start(CommandThreads::schedule);
        }
    }

    private static void schedule() {
        BatchScheduling.beginAtOnce();
        CarrierWatch.start(); // it ends with the process
    }
}
