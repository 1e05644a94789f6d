package dev.entrepot.oci.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** What the threads of a Java process do, for the messages of tests that waited for it in vain. */
final class ProcessThreads {
    private static final long DUMP_SECONDS = 10;
    private static final int INNERMOST = 3;
    private static final int OURS = 6;
    private static final String OUR_CODE = "dev.entrepot.";

    private ProcessThreads() {}

    /** Whether one of them waits for a disk, as the kernel tells (proc(5), state D); false where there is no /proc. */
    static boolean waitForDisk(long pid) {
        try (Stream<Path> tasks = Files.list(Path.of("/proc", Long.toString(pid), "task"))) {
            return tasks.anyMatch(task -> state(task).equals("D"));
        } catch (IOException | UncheckedIOException e) {
            return false;
        }
    }

    // It stands behind the name of the program, which is in parentheses and may hold some, too.
    private static String state(Path task) {
        try {
            String stat = Files.readString(task.resolve("stat"));
            return stat.substring(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
        } catch (IOException e) {
            return ""; // it has ended
        }
    }

    /**
     * The threads that run code of this project, virtual ones too, one to a line with its innermost frames and those of
     * this project; or why they cannot be told.
     */
    static String told(long pid) throws InterruptedException {
        try {
            Path dump = Files.createTempFile("threads", ".txt");
            try {
                Process jcmd = new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "jcmd")
                                        .toString(),
                                Long.toString(pid),
                                "Thread.dump_to_file",
                                "-overwrite",
                                dump.toString())
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
                if (!jcmd.waitFor(DUMP_SECONDS, TimeUnit.SECONDS)) {
                    jcmd.destroyForcibly();
                    return "does not tell what its threads do" + (waitForDisk(pid) ? ", and waits for a disk" : "");
                }
                return jcmd.exitValue() == 0
                        ? digest(Files.readString(dump))
                        : "it cannot be asked, so it is gone or going";
            } finally {
                Files.deleteIfExists(dump);
            }
        } catch (IOException e) {
            return "no threads can be told: " + e;
        }
    }

    // An empty line stands between two threads, and a thread's name before its frames.
    private static String digest(String dump) {
        List<String> threads = new ArrayList<>();
        for (String thread : dump.split("\n\\s*\n")) {
            if (thread.contains(OUR_CODE)) {
                List<String> lines = thread.lines().map(String::strip).toList();
                List<String> inner = lines.subList(0, Math.min(lines.size(), 1 + INNERMOST));
                List<String> ours = lines.subList(inner.size(), lines.size()).stream()
                        .filter(line -> line.contains(OUR_CODE))
                        .limit(OURS)
                        .toList();
                threads.add(String.join(" < ", inner) + (ours.isEmpty() ? "" : " < … " + String.join(" < ", ours)));
            }
        }
        return String.join("\n", threads);
    }
}
