package dev.entrepot.bench;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A command that ran to its end and succeeded.
 *
 * @param seconds from its start to its end
 * @param peakMebibytes the most memory that was resident at any time, looked at twenty times a second
 */
record FinishedProcess(double seconds, double peakMebibytes) {
    private static final int LOOK_MILLIS = 50;

    /**
     * Runs a command.
     *
     * @param log what it prints
     * @throws IOException if it fails
     */
    static FinishedProcess run(List<String> command, Map<String, String> environment, Path log) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
        builder.environment().putAll(environment);
        long begun = System.nanoTime();
        Process process = builder.start();
        double peak = 0;
        try {
            while (!process.waitFor(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
                peak = Math.max(peak, peakMebibytes(process.pid()));
            }
        } finally {
            process.destroy();
        }
        if (process.exitValue() != 0) {
            String text = Files.readString(log);
            throw new IOException(String.join(" ", command) + " ended with " + process.exitValue() + ":\n"
                    + text.substring(Math.max(0, text.length() - 2000)));
        }
        return new FinishedProcess((System.nanoTime() - begun) / 1e9, peak);
    }

    private static double peakMebibytes(long pid) {
        try {
            return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                    .filter(line -> line.startsWith("VmHWM:"))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("[^0-9]", "")) / 1024)
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            return 0; // it has ended
        }
    }
}
