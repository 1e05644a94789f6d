package dev.entrepot.proxy;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.FutureTask;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of the process of a command that has closed all that it opened. {@link System#exit} waits up to 300 ms for
 * threads that are inside the operating system, and the ones that watch sockets for virtual threads always are, so that
 * each command that had asked a registry took that much longer. This one calls {@code _exit} of the C library, which is
 * linked on a thread of its own while the command runs.
 *
 * <p>No shutdown hook runs, and the JVM writes nothing that it was told to write at its end (recordings, caches). So it
 * is not for a server, nor where somebody has given options to the JVM. Where it cannot be had the process ends as
 * usual.
 */
final class ProcessEnd {
    private static final Logger LOG = LoggerFactory.getLogger(ProcessEnd.class);
    private static final String FUNCTION = "_exit";
    // Those that speak to registries, or to a server; the others have no such threads, and end at once anyway.
    private static final Set<String> COMMANDS =
            Set.of("cache", "copy", "explain", "export", "import", "plan", "sync", "tree", "upstreams");
    private static final List<String> OPTIONS =
            List.of("ENTREPOT_JAVA_OPTS", "JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS");

    private final FutureTask<Optional<MethodHandle>> linked = new FutureTask<>(ProcessEnd::link);

    private ProcessEnd() {}

    /**
     * Whether a command may end like this, and gains by it.
     *
     * @param arguments of the command line
     * @param environment variables of the process; those that give options to the JVM may ask for what happens at its
     *     end
     */
    static boolean fits(List<String> arguments, Map<String, String> environment) {
        return !arguments.isEmpty()
                && COMMANDS.contains(arguments.getFirst())
                && OPTIONS.stream()
                        .allMatch(name -> environment.getOrDefault(name, "").isBlank());
    }

    /** Prepares it in the background. */
    static ProcessEnd prepare() {
        ProcessEnd end = new ProcessEnd();
        Thread.ofPlatform().daemon().name("process-end").start(end.linked);
        return end;
    }

    // The function itself can do no harm to memory, and takes what the descriptor says.
    @SuppressWarnings("restricted")
    private static Optional<MethodHandle> link() {
        try {
            Linker linker = Linker.nativeLinker();
            return linker.defaultLookup()
                    .find(FUNCTION)
                    .map(function -> linker.downcallHandle(function, FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT)));
        } catch (RuntimeException | LinkageError e) {
            LOG.debug("the process will end as usual: {}", e.toString());
            return Optional.empty();
        }
    }

    /**
     * Ends the process, whose streams have been flushed; returns only if that cannot be done.
     *
     * @param code the exit code
     */
    void now(int code) {
        try {
            Optional<MethodHandle> exit = linked.get();
            if (exit.isPresent()) {
                exit.get().invokeExact(code);
            }
        } catch (Throwable e) {
            LOG.debug("the process ends as usual: {}", e.toString());
        }
    }
}
