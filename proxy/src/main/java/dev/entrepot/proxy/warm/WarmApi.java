package dev.entrepot.proxy.warm;

import dev.entrepot.oci.OciJson;
import dev.entrepot.oci.Platform;
import dev.entrepot.proxy.admin.AdminEndpoint;
import dev.entrepot.proxy.admin.AdminReply;
import dev.entrepot.proxy.admin.AdminRequest;
import dev.entrepot.replicator.fill.GraphFiller;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Warming over the admin API, in JSON:
 *
 * <pre>
 * POST /cache/warm       {"images", "platforms", "referrers"}: begin; 202 and a number, 503 if too much is under way. Without platforms those of this site
 * GET  /cache/warm/N     how far it is, or its report; the last ones are remembered
 * </pre>
 */
public final class WarmApi implements AdminEndpoint, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(WarmApi.class);
    private static final String ROOT = "/cache/warm";
    private static final int AT_ONCE = 4;
    private static final int REMEMBERED = 20;
    private static final Duration ENDS = Duration.ofSeconds(10);

    private final GraphFiller filler;
    private final Supplier<List<Platform>> platforms;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final SequencedMap<Long, Job> jobs = new LinkedHashMap<>();
    private long last;

    private static final class Job {
        private final WarmRun run;
        private volatile @Nullable WarmReport report;
        private volatile boolean ended;

        Job(WarmRun run) {
            this.run = run;
        }
    }

    /**
     * With nothing under way.
     *
     * @param platforms those that are wanted where a request names none; all if empty
     */
    public WarmApi(GraphFiller filler, Supplier<List<Platform>> platforms) {
        this.filler = filler;
        this.platforms = platforms;
    }

    @Override
    public Optional<AdminReply> answer(AdminRequest request) {
        String path = request.path();
        if (!path.equals(ROOT) && !path.startsWith(ROOT + "/")) {
            return Optional.empty();
        }
        if (path.equals(ROOT)) {
            return Optional.of(
                    request.method().equals("POST")
                            ? begin(request.body())
                            : AdminReply.error(405, "post the images to " + ROOT));
        }
        return Optional.of(state(path.substring(ROOT.length() + 1)));
    }

    private AdminReply begin(byte[] body) {
        WarmRequests wanted;
        try {
            wanted = WarmRequests.read(body).or(platforms.get());
        } catch (IllegalArgumentException e) {
            return AdminReply.error(400, String.valueOf(e.getMessage()));
        }
        Job job = new Job(new WarmRun(filler, wanted.toFill()));
        long number;
        synchronized (jobs) {
            if (jobs.values().stream().filter(other -> !other.ended).count() >= AT_ONCE) {
                return AdminReply.error(
                        503, "warming is under way " + AT_ONCE + " times already; try again when one has ended");
            }
            number = ++last;
            jobs.put(number, job);
            jobs.entrySet().removeIf(old -> old.getValue().ended && old.getKey() <= last - REMEMBERED);
        }
        threads.execute(() -> run(job));
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("warm", number);
        json.put("url", ROOT + "/" + number);
        return new AdminReply(202, json.toString());
    }

    private static void run(Job job) {
        try {
            WarmReport report = job.run.run();
            job.report = report;
            LOG.info(
                    "{} of {} images were warmed",
                    report.complete(),
                    report.images().size());
        } catch (InterruptedIOException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            LOG.error("warming failed", e);
        } finally {
            job.ended = true;
        }
    }

    private AdminReply state(String number) {
        Optional<Job> job = job(number);
        if (job.isEmpty()) {
            return AdminReply.error(404, "there is no " + ROOT + "/" + number + ", or it ended long ago");
        }
        ObjectNode json = OciJson.mapper().createObjectNode();
        boolean ended = job.get().ended;
        WarmReport report = job.get().report;
        json.put("state", !ended ? "running" : report == null ? "broken off" : "ended");
        json.put("progress", job.get().run.progress());
        if (report != null) {
            json.set("report", report.toJson());
        }
        return new AdminReply(200, json.toString());
    }

    private Optional<Job> job(String number) {
        synchronized (jobs) {
            return number.matches("[0-9]{1,18}")
                    ? Optional.ofNullable(jobs.get(Long.parseLong(number)))
                    : Optional.empty();
        }
    }

    /** Breaks off what runs; what has come is kept. */
    @Override
    public void close() {
        threads.shutdownNow();
        try {
            if (!threads.awaitTermination(ENDS.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("warming did not end within {} s", ENDS.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
