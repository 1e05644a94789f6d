package dev.entrepot.oci.client;

import java.io.IOException;
import java.time.Clock;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * What a client needs from the world around it, stated so that a test can state it otherwise.
 *
 * @param clock for the age of tokens and the times that are shown; never for the bounds of waits on sockets
 * @param nanoTime nanoseconds from some point on, never going back: for how long something is left alone or remembered
 * @param sleeper for pauses between attempts
 * @param random for jitter; safe for all threads
 * @param observer is told of every request
 * @param variables environment variables, for {@code http_proxy} and its like and for the search path of credential
 *     helpers
 * @param userAgent the {@code User-Agent} of all requests
 * @param logins the logins that this process has renewed
 * @param connections the connections that this process has open
 */
public record ClientEnvironment(
        Clock clock,
        LongSupplier nanoTime,
        Sleeper sleeper,
        RandomGenerator random,
        RequestObserver observer,
        Map<String, String> variables,
        String userAgent,
        SharedLogins logins,
        OpenConnections connections) {
    private static final long NANOS_PER_SECOND = 1_000_000_000;

    /** Copies the variables. */
    public ClientEnvironment {
        variables = Map.copyOf(variables);
    }

    /** A world in which time passes by its clock alone. */
    public ClientEnvironment(
            Clock clock,
            Sleeper sleeper,
            RandomGenerator random,
            RequestObserver observer,
            Map<String, String> variables,
            String userAgent) {
        this(
                clock,
                nanosOf(clock),
                sleeper,
                random,
                observer,
                variables,
                userAgent,
                new SharedLogins(),
                new OpenConnections());
    }

    private static LongSupplier nanosOf(Clock clock) {
        return () -> {
            Instant now = clock.instant();
            return now.getEpochSecond() * NANOS_PER_SECOND + now.getNano();
        };
    }

    /** The real world, without an observer; {@code version} is that of this program. */
    public static ClientEnvironment system(String version) {
        return new ClientEnvironment(
                Clock.systemUTC(),
                System::nanoTime,
                Sleeper.SYSTEM,
                // Safe for all threads, unlike the generators of java.util.random.
                new Random(),
                RequestObserver.NONE,
                System.getenv(),
                "entrepot/" + version,
                new SharedLogins(),
                new OpenConnections());
    }

    /**
     * Looks at the variables that name proxies.
     *
     * @throws IOException if one names none that can be used; the message names the variable, and not its value
     */
    public void requireUsableProxies() throws IOException {
        new ProxyRules(Optional.empty(), variables);
    }

    /** This, with another observer. */
    public ClientEnvironment withObserver(RequestObserver newObserver) {
        return new ClientEnvironment(
                clock, nanoTime, sleeper, random, newObserver, variables, userAgent, logins, connections);
    }

    /** This, with another clock, by which all time passes. */
    public ClientEnvironment withClock(Clock newClock) {
        return new ClientEnvironment(
                newClock, nanosOf(newClock), sleeper, random, observer, variables, userAgent, logins, connections);
    }

    /** This, with another source of time that never goes back. */
    public ClientEnvironment withNanoTime(LongSupplier newNanoTime) {
        return new ClientEnvironment(
                clock, newNanoTime, sleeper, random, observer, variables, userAgent, logins, connections);
    }

    /** This, with another sleeper. */
    public ClientEnvironment withSleeper(Sleeper newSleeper) {
        return new ClientEnvironment(
                clock, nanoTime, newSleeper, random, observer, variables, userAgent, logins, connections);
    }

    /** This, with other environment variables. */
    public ClientEnvironment withVariables(Map<String, String> newVariables) {
        return new ClientEnvironment(
                clock, nanoTime, sleeper, random, observer, newVariables, userAgent, logins, connections);
    }

    /** This, with other connections. */
    ClientEnvironment withConnections(OpenConnections newConnections) {
        return new ClientEnvironment(
                clock, nanoTime, sleeper, random, observer, variables, userAgent, logins, newConnections);
    }
}
