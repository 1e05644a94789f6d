package dev.entrepot.oci.client;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/**
 * Keeps requests back that would cost a pull where none is left for them, and those that a registry asked not to be
 * sent; reads from every answer of the registry what is left. Of what is sent, only the GET of a manifest costs (Docker
 * Hub, "Pull usage and limits"). Answers from where the registry redirected to say nothing of its quota.
 */
final class QuotaExchange implements Exchange {
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
    private static final int MAX_WAITS = 3;

    private final Exchange next;
    private final RegistryEndpoint endpoint;
    private final Origin origin;
    private final QuotaBudgets budgets;
    private final TooManyCounts counts;
    private final Sightings sightings;
    private final Holds holds;
    private final LimitLog limits;
    private final StatusErrors errors;
    private final Waiting waiting;
    private final SteadyClock clock;
    private final ClientEnvironment environment;

    /** Whether a request in the background waits until a registry that wants to be left alone may be asked again. */
    enum Waiting {
        /** It does. */
        PATIENT,
        /** It fails at once: there is another place to ask. */
        NEVER
    }

    QuotaExchange(
            Exchange next,
            RegistryEndpoint endpoint,
            QuotaBudgets budgets,
            Holds holds,
            LimitLog limits,
            Waiting waiting,
            Foundation shared) {
        this.next = next;
        this.endpoint = endpoint;
        this.origin = Origin.of(endpoint.baseUrl());
        this.budgets = budgets;
        this.holds = holds;
        this.limits = limits;
        this.waiting = waiting;
        this.counts = shared.tooMany();
        this.sightings = shared.sightings();
        this.errors = shared.errors();
        this.clock = shared.clock();
        this.environment = shared.environment();
    }

    @Override
    public ApiResponse send(ApiRequest request) throws IOException {
        if (!Origin.of(request.uri()).equals(origin)) {
            return next.send(request);
        }
        awaitHold(request, TooManyKind.RATE);
        if (isBlob(request)) {
            awaitHold(request, TooManyKind.EGRESS);
            return noted(request, budgets.of(request), false);
        }
        QuotaBudget budget = budgets.of(request);
        return costs(request) ? sendCosting(request, budget) : sendFree(request, budget);
    }

    // What tells clients what a tag names shows as much as a look does, so that both are told the same of what is left.
    private ApiResponse sendFree(ApiRequest request, QuotaBudget budget) throws IOException {
        boolean looks = request.operation() == Operation.RESOLVE && budget.looks();
        ApiResponse response = noted(request, budget, false);
        if (looks && response.status() == 200) {
            budget.sawNothing();
        }
        return response;
    }

    private static boolean isBlob(ApiRequest request) {
        return request.operation() == Operation.BLOB || request.operation() == Operation.STAT_BLOB;
    }

    private static boolean costs(ApiRequest request) {
        return request.operation() == Operation.MANIFEST && request.method().equals("GET");
    }

    private ApiResponse sendCosting(ApiRequest request, QuotaBudget budget) throws IOException {
        QuotaBudget.Verdict verdict = budget.ask(request.priority());
        boolean answered = false;
        if (verdict instanceof QuotaBudget.Verdict.Look) {
            answered = look(request, budget);
            verdict = budget.ask(request.priority());
        }
        return switch (verdict) {
            case QuotaBudget.Verdict.Go go -> {
                ApiResponse response = noted(request, budget, true);
                if (response.status() == 200) {
                    budget.succeeded();
                }
                yield response;
            }
            case QuotaBudget.Verdict.Look look -> throw stopped(request, answered, clockNow(), "");
            case QuotaBudget.Verdict.Stop stop -> throw stopped(request, answered, stop.until(), left(request, stop));
        };
    }

    /** Sees what is left by a request that costs nothing; whether the registry has answered it, and is not out. */
    private boolean look(ApiRequest request, QuotaBudget budget) throws IOException {
        ApiRequest head = request.as(Operation.RESOLVE, "HEAD");
        boolean answered;
        try (ApiResponse response = noted(head, budget, false)) {
            answered = response.status() == 429 || !StatusErrors.isOutage(response.status());
            response.discard();
        }
        if (answered) {
            sightings.answered();
        }
        budget.sawNothing();
        return answered;
    }

    private Instant clockNow() {
        return clock.instant();
    }

    private String left(ApiRequest request, QuotaBudget.Verdict.Stop stop) {
        if (stop.limit().isEmpty() || stop.remaining().isEmpty()) {
            return "its quota of pulls is used up";
        }
        long remaining = stop.remaining().getAsLong();
        String all = " of " + stop.limit().getAsLong() + " pulls";
        return request.priority() == Priority.BACKGROUND && remaining > 0
                ? remaining + all + " are left, which are kept for clients (quota-reserve)"
                : "none" + all + " is left";
    }

    // Where a look was answered just before, the registry is back, if it was out.
    private OutageException stopped(ApiRequest request, boolean answered, Instant until, String why) {
        counts.stopped(request.priority());
        Duration left = Duration.between(clockNow(), until);
        Duration wait = left.isNegative() ? Duration.ZERO : left;
        String message = request.what() + ": " + endpoint.registry() + " is not asked: " + why
                + ", at the latest until " + clock.onWall(until).truncatedTo(ChronoUnit.SECONDS);
        return answered
                ? OutageException.ofQuota(message, wait)
                : new OutageException(Reason.QUOTA, message, Optional.of(wait), null);
    }

    private void awaitHold(ApiRequest request, TooManyKind kind) throws OutageException {
        for (int waits = 0; ; waits++) {
            Optional<Duration> wait = holds.wait(kind);
            if (wait.isEmpty()) {
                return;
            }
            boolean patient =
                    waiting == Waiting.PATIENT && request.priority() == Priority.BACKGROUND && waits < MAX_WAITS;
            if (!patient || wait.get().compareTo(LONGEST_WAIT) > 0) {
                throw held(request.what(), endpoint.registry().toString(), wait.get());
            }
            try {
                environment.sleeper().sleep(wait.get());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw held(request.what(), endpoint.registry().toString(), wait.get());
            }
        }
    }

    /** What a request fails with that is not sent because of an earlier answer of 429. */
    static OutageException held(String what, String host, Duration wait) {
        return OutageException.held(
                what + ": " + host + " is not asked: it had too many requests and wants to be left alone for "
                        + Math.max(1, wait.toSeconds()) + " s",
                wait);
    }

    private ApiResponse noted(ApiRequest request, QuotaBudget budget, boolean costing) throws IOException {
        QuotaBudget.Numbered number = budget.number();
        ApiResponse response = sent(request, budget, costing);
        try {
            boolean elsewhere = !Origin.of(response.uri()).equals(origin);
            QuotaHeaders headers = elsewhere
                    ? QuotaHeaders.NONE
                    : QuotaHeaders.of(response, environment.clock().instant()).at(clock::ofWall);
            budget.heard(number, headers, costing);
            if (response.status() == 429) {
                refused(request, response, budget, number, headers);
            } else {
                limits.answered(isBlob(request) || elsewhere ? TooManyKind.EGRESS : TooManyKind.RATE);
                limits.quota(budget.account(), budget.stoppedUntil());
            }
            return response;
        } catch (OutageException | RuntimeException | Error e) {
            response.close();
            throw e;
        }
    }

    private ApiResponse sent(ApiRequest request, QuotaBudget budget, boolean costing) throws IOException {
        try {
            return next.send(request);
        } catch (IOException | RuntimeException | Error e) {
            if (costing) {
                budget.failed();
            }
            throw e;
        }
    }

    private void refused(
            ApiRequest request,
            ApiResponse response,
            QuotaBudget budget,
            QuotaBudget.Numbered number,
            QuotaHeaders headers)
            throws OutageException {
        TooManyKind kind = kind(request, response, budget, headers);
        Optional<Duration> retryAfter = errors.retryAfter(response);
        counts.answered(kind);
        if (kind != TooManyKind.QUOTA) {
            hold(kind, retryAfter);
            return;
        }
        sightings.answered();
        budget.exceeded(number, headers, retryAfter);
        limits.quota(budget.account(), budget.stoppedUntil());
        if (!costs(request)) {
            // A registry that refuses even what is free is left alone altogether.
            hold(TooManyKind.RATE, retryAfter);
            return;
        }
        // Nothing is left of a refusal that asks for no pause, where no quota is known.
        Instant until = budget.state().flatMap(QuotaState::stoppedUntil).orElseGet(this::clockNow);
        throw OutageException.ofQuota(
                request.what() + ": " + request.host()
                        + " answered 429: the quota of pulls is used up, at the latest until "
                        + clock.onWall(until).truncatedTo(ChronoUnit.SECONDS),
                retryAfter.orElseGet(() -> Duration.between(clockNow(), until)));
    }

    private void hold(TooManyKind kind, Optional<Duration> retryAfter) {
        holds.hold(kind, retryAfter).ifPresent(until -> limits.held(kind, until));
    }

    private TooManyKind kind(ApiRequest request, ApiResponse response, QuotaBudget budget, QuotaHeaders headers) {
        if (isBlob(request) || !Origin.of(response.uri()).equals(origin)) {
            return TooManyKind.EGRESS;
        }
        if (headers.remaining().isPresent()) {
            return headers.remaining().getAsLong() == 0 ? TooManyKind.QUOTA : TooManyKind.RATE;
        }
        boolean counted = headers.namesQuota() || budget.isKnown() || endpoint.isDockerHub();
        return costs(request) && counted && StatusErrors.errorCode(response).equals("TOOMANYREQUESTS")
                ? TooManyKind.QUOTA
                : TooManyKind.RATE;
    }
}
