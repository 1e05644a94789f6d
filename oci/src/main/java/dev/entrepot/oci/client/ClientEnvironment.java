package dev.entrepot.oci.client;

import java.time.Clock;
import java.util.Map;
import java.util.Random;
import java.util.random.RandomGenerator;

/**
 * What a client needs from the world around it, stated so that a test can state it otherwise.
 *
 * @param clock for the age of tokens and what is remembered; never for the bounds of waits on sockets
 * @param sleeper for pauses between attempts
 * @param random for jitter; safe for all threads
 * @param observer is told of every request
 * @param variables environment variables, for {@code http_proxy} and its like and for the search path of credential helpers
 * @param userAgent the {@code User-Agent} of all requests
 */
public record ClientEnvironment(
        Clock clock,
        Sleeper sleeper,
        RandomGenerator random,
        RequestObserver observer,
        Map<String, String> variables,
        String userAgent) {
    /** Copies the variables. */
    public ClientEnvironment {
        variables = Map.copyOf(variables);
    }

    /** The real world, without an observer; {@code version} is that of this program. */
    public static ClientEnvironment system(String version) {
        return new ClientEnvironment(
                Clock.systemUTC(),
                Sleeper.SYSTEM,
                // Safe for all threads, unlike the generators of java.util.random.
                new Random(),
                RequestObserver.NONE,
                System.getenv(),
                "entrepot/" + version);
    }

    /** This, with another observer. */
    public ClientEnvironment withObserver(RequestObserver newObserver) {
        return new ClientEnvironment(clock, sleeper, random, newObserver, variables, userAgent);
    }

    /** This, with another clock. */
    public ClientEnvironment withClock(Clock newClock) {
        return new ClientEnvironment(newClock, sleeper, random, observer, variables, userAgent);
    }

    /** This, with another sleeper. */
    public ClientEnvironment withSleeper(Sleeper newSleeper) {
        return new ClientEnvironment(clock, newSleeper, random, observer, variables, userAgent);
    }

    /** This, with other environment variables. */
    public ClientEnvironment withVariables(Map<String, String> newVariables) {
        return new ClientEnvironment(clock, sleeper, random, observer, newVariables, userAgent);
    }
}
