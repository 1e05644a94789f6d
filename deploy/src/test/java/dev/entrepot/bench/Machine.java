package dev.entrepot.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the figures were measured on: enough to judge them, nothing that names the machine. */
final class Machine {
    private Machine() {}

    /** One line: date, cores, memory, versions, load. */
    static String describe(Workspace workspace) throws Exception {
        String memory = field("/proc/meminfo", "MemTotal").replaceAll("[^0-9]", "");
        String flags = " " + field("/proc/cpuinfo", "flags") + " ";
        String nginx = workspace.runTool(List.of("nginx", "-v")).strip().replaceAll(".*/", "");
        return "%s; %d cores (%s, SHA instructions: %s), %d GiB; JDK %s; nginx %s; load average %s at the start."
                .formatted(
                        java.time.LocalDate.now(java.time.ZoneOffset.UTC),
                        Runtime.getRuntime().availableProcessors(),
                        System.getProperty("os.arch"),
                        flags.contains(" sha_ni ") ? "yes" : "no",
                        Math.round(Double.parseDouble(memory) / 1024 / 1024),
                        Runtime.version().toString().replaceAll("[-+].*", ""),
                        nginx,
                        load());
    }

    /** Load averages of the last 1, 5 and 15 minutes. */
    static String load() throws IOException {
        return String.join(
                " ",
                List.of(Files.readString(Path.of("/proc/loadavg")).split(" ")).subList(0, 3));
    }

    private static String field(String file, String name) throws IOException {
        return Files.readAllLines(Path.of(file)).stream()
                .filter(line -> line.startsWith(name))
                .map(line -> line.substring(line.indexOf(':') + 1).strip())
                .findFirst()
                .orElse("0");
    }
}
