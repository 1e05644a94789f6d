package dev.entrepot.oci.client;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.OutageException.Reason;
import dev.entrepot.oci.RegistryHost;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Credentials that somebody issues for a time. They are asked for when they are first needed, by one thread for all who
 * wait; after four fifths of their life they are renewed behind the requests, which go on with those at hand to their
 * end. When a registry refuses them, which it may do for want of rights, others are waited for, a few seconds; if there
 * are none then, those at hand still count. So it is with those of which nobody says when they end, five minutes after
 * they were issued. After a failure nobody is asked for ten seconds. Nobody who sets the wall clock makes any of this
 * last longer. Safe for all threads.
 */
public final class RenewedCredentials implements CredentialSource {
    private static final Logger LOG = LoggerFactory.getLogger(RenewedCredentials.class);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
    private static final Duration LONGEST_DOUBT = Duration.ofSeconds(5);
    private static final Duration PAUSE = Duration.ofSeconds(10);
    private static final Duration ASKED_AGAIN = Duration.ofMinutes(5);
    // A registry may refuse for want of rights, too: what was issued just now is not at fault.
    private static final Duration SURELY_GOOD = Duration.ofMinutes(1);

    /** Who issues them. */
    @FunctionalInterface
    public interface Issuer {
        /**
         * Issues new credentials. Bounded in time.
         *
         * @throws dev.entrepot.oci.RegistryException if who is asked refuses, or is out
         * @throws IOException if it is not known whom to ask, or with what
         */
        Issued issue() throws IOException;
    }

    /**
     * What was issued.
     *
     * @param credential the credential
     * @param expiresAt when it is good for nothing, by the wall clock; empty where nobody has said that it ends
     */
    public record Issued(Credential credential, Optional<Instant> expiresAt) {
        /** That ends at a time. */
        public Issued(Credential credential, Instant expiresAt) {
            this(credential, Optional.of(expiresAt));
        }
    }

    // All but the last by the steady clock. What ends is over by whichever of both says so first: the wall clock may
    // have been wrong when these were issued, and a machine that sleeps keeps the other one from going on.
    private record Lease(
            Credential credential, Instant issuedAt, Instant renewAt, Instant dueAt, Optional<Instant> expiresAt) {
        boolean isOver(Instant now, Instant nowOnWall) {
            return expiresAt.isPresent() && (!now.isBefore(dueAt) || !nowOnWall.isBefore(expiresAt.get()));
        }
    }

    private record Failure(IOException cause, Instant until) {}

    private final String what;
    private final String account;
    private final Issuer issuer;
    private final Clock wall;
    private final SteadyClock clock;
    private final ThreadFactory threads;
    private final Object lock = new Object();
    private @Nullable Lease lease;
    private @Nullable Instant doubtedAt;
    private @Nullable Failure failure;
    private @Nullable CompletableFuture<Lease> running;
    // Whether a fault of the program was logged since the last that were issued.
    private volatile boolean faulty;

    /**
     * Asks for nothing yet.
     *
     * @param what what they are, for messages
     * @param account what the account is called where it is shown
     */
    public RenewedCredentials(String what, String account, Issuer issuer, ClientEnvironment environment) {
        this(what, account, issuer, environment, Thread.ofVirtual().factory());
    }

    /** As above, with threads of somebody's. */
    RenewedCredentials(
            String what, String account, Issuer issuer, ClientEnvironment environment, ThreadFactory threads) {
        this.threads = threads;
        this.what = what;
        this.account = account;
        this.issuer = issuer;
        this.wall = environment.clock();
        this.clock = new SteadyClock(wall, environment.nanoTime());
    }

    @Override
    public Optional<Credential> credential(RegistryHost registry) throws IOException {
        CompletableFuture<Lease> renewal;
        @Nullable Lease atHand = null;
        Duration patience = LONGEST_WAIT;
        synchronized (lock) {
            Instant now = clock.instant();
            boolean pausing = failure != null && now.isBefore(failure.until());
            if (lease != null && !lease.isOver(now, wall.instant())) {
                if (!pausing && doubtedAt == null && !now.isBefore(lease.dueAt())) {
                    doubtedAt = now;
                }
                boolean due = doubtedAt != null || !now.isBefore(lease.renewAt());
                patience = patienceInDoubt(now);
                if (pausing || !due || !patience.isPositive()) {
                    if (due && !pausing) {
                        renewal();
                    }
                    return Optional.of(lease.credential());
                }
                atHand = lease;
            } else if (failure != null && pausing) {
                throw failure.cause();
            }
            renewal = renewal();
        }
        return Optional.of(await(renewal, patience, atHand).credential());
    }

    // Under the lock. All who come are waited for together, so that one refusal costs nobody more than that.
    private Duration patienceInDoubt(Instant now) {
        return doubtedAt == null ? Duration.ZERO : Duration.between(now, doubtedAt.plus(LONGEST_DOUBT));
    }

    private Lease await(CompletableFuture<Lease> renewal, Duration patience, @Nullable Lease atHand)
            throws IOException {
        try {
            return await(renewal, patience);
        } catch (IOException e) {
            if (atHand == null) {
                throw e;
            }
            LOG.info("{}: there are no others now, and those at hand still count: {}", what, e.getMessage());
            return atHand;
        }
    }

    @Override
    public void refused(RegistryHost registry) {
        synchronized (lock) {
            Instant now = clock.instant();
            if (lease != null && !now.isBefore(lease.issuedAt().plus(SURELY_GOOD))) {
                doubtedAt = now;
            }
        }
    }

    @Override
    public Optional<IOException> doubt() {
        synchronized (lock) {
            return failure == null || lease == null || lease.expiresAt().isPresent()
                    ? Optional.empty()
                    : Optional.of(failure.cause());
        }
    }

    @Override
    public Optional<String> account() {
        return Optional.of(account);
    }

    // Under the lock.
    private CompletableFuture<Lease> renewal() {
        CompletableFuture<Lease> under = running;
        if (under != null) {
            return under;
        }
        CompletableFuture<Lease> mine = new CompletableFuture<>();
        Thread thread = threads.newThread(() -> run(mine));
        thread.setName(what);
        // Only then: for want of memory for a thread nobody else would ever ask. It comes to its end after this, since
        // that wants the lock.
        thread.start();
        running = mine;
        return mine;
    }

    private void run(CompletableFuture<Lease> outcome) {
        Instant asked = clock.instant();
        Instant askedOnWall = wall.instant();
        try {
            Issued issued = issuer.issue();
            Duration life = issued.expiresAt()
                    .map(end -> Duration.between(askedOnWall, end))
                    .orElse(ASKED_AGAIN);
            if (!life.isPositive()) {
                throw new OutageException(Reason.TOKEN_SERVICE, what + ": they have expired already");
            }
            Instant renewAt = asked.plus(life.multipliedBy(4).dividedBy(5));
            Lease fresh = new Lease(issued.credential(), asked, renewAt, asked.plus(life), issued.expiresAt());
            end(fresh, null);
            faulty = false;
            outcome.complete(fresh);
        } catch (IOException e) {
            fail(outcome, e);
        } catch (RuntimeException e) {
            // Who waits is told no more than that there are none; what is kept is served.
            if (!faulty) {
                LOG.warn("{}: none can be had, by a fault of this program", what, e);
            }
            faulty = true;
            fail(outcome, fault());
        } finally {
            // Without an outcome only after an error of the runtime, which the thread's handler reports.
            if (!outcome.isDone()) {
                fail(outcome, fault());
            }
        }
    }

    private OutageException fault() {
        return new OutageException(
                Reason.TOKEN_SERVICE, what + ": none can be had, by a fault of this program (its log)");
    }

    private void fail(CompletableFuture<Lease> outcome, IOException why) {
        end(null, new Failure(why, clock.instant().plus(PAUSE)));
        outcome.completeExceptionally(why);
    }

    private void end(@Nullable Lease fresh, @Nullable Failure why) {
        synchronized (lock) {
            running = null;
            failure = why;
            doubtedAt = null;
            if (fresh != null) {
                lease = fresh;
            }
        }
    }

    private Lease await(CompletableFuture<Lease> outcome, Duration longest) throws IOException {
        try {
            return outcome.get(longest.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            // A fresh exception for each waiter would lose the type; they only read it.
            if (e.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw new IllegalStateException(what + ": " + e.getCause(), e.getCause());
        } catch (TimeoutException e) {
            throw new OutageException(Reason.TOKEN_SERVICE, what + ": not in time", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new OutageException(Reason.NOT_ASKED, what + ": interrupted while waiting", e);
        }
    }

    @Override
    public String toString() {
        return "RenewedCredentials[" + account + "]";
    }
}
