package dev.entrepot.proxy;

import dev.entrepot.oci.OciJson;
import dev.entrepot.proxy.replication.RunTexts;
import dev.entrepot.replicator.bundle.ExportRuns;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Keeps the report of one export, for {@code entrepot runs --exports}. A report that cannot be kept is no reason to
 * fail an export that was written. For one export.
 */
final class ExportLog implements AutoCloseable {
    private final Path data;
    private final InstantSource clock;
    private final PrintStream err;
    private final Instant started;
    private String name = "";
    private @Nullable ExportRuns runs;
    private long run;
    private boolean open;

    /** For the data folder; nothing is kept before {@link #begin}. */
    ExportLog(Path data, InstantSource clock, PrintStream err) {
        this.data = data;
        this.clock = clock;
        this.err = err;
        this.started = clock.instant();
    }

    /** Notes that it begins. */
    void begin(String what) {
        try {
            ExportRuns opened = ExportRuns.open(data, clock);
            runs = opened;
            run = opened.begin(what);
            name = what;
            open = true;
        } catch (IOException e) {
            notKept(e);
        }
    }

    /**
     * Notes that it has ended.
     *
     * @param code its exit code
     * @param json its report
     * @param text the same for people
     * @return the report, with its times, its exit code and, where it is kept, its number
     */
    ObjectNode ended(int code, String json, String text) {
        ObjectNode report = (ObjectNode) OciJson.mapper().readTree(json);
        Instant now = clock.instant();
        report.put("started", started.toString());
        report.put("ended", now.toString());
        report.put("exitCode", code);
        if (open) {
            report.put("run", run);
            ObjectNode kept = report.deepCopy();
            kept.put(RunTexts.TEXT, text + RunTexts.lastLine(started, now, code));
            keep(found -> found.end(run, code == ExitCodes.OK ? "complete" : "failed", kept.toString()));
        }
        return report;
    }

    /** Notes that it has failed, unless it has ended before; an interrupt breaks it off. */
    void failed(Exception cause) {
        if (!open) {
            return;
        }
        if (cause instanceof InterruptedException || Thread.currentThread().isInterrupted()) {
            boolean interrupted = Thread.interrupted();
            keep(found -> found.breakOff(run));
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            return;
        }
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("name", name);
        json.put("outcome", "failed");
        json.put("failure", FailureWords.of(cause));
        ended(ExitCodes.of(cause), json.toString(), "  FAILED  " + FailureWords.of(cause) + "\n");
    }

    private interface Keeping {
        void in(ExportRuns runs) throws IOException;
    }

    private void keep(Keeping keeping) {
        ExportRuns found = runs;
        open = false;
        if (found != null) {
            try {
                keeping.in(found);
            } catch (IOException e) {
                notKept(e);
            }
        }
    }

    private void notKept(IOException why) {
        err.println("entrepot: the report of this export is not kept in " + ExportRuns.of(data) + ": "
                + FailureWords.of(why));
    }

    @Override
    public void close() throws IOException {
        ExportRuns found = runs;
        if (found != null) {
            found.close();
        }
    }
}
