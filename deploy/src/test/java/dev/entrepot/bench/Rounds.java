package dev.entrepot.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;

/**
 * Measurements taken in turns: every contestant once per round, so that what the machine does meanwhile strikes all
 * alike.
 *
 * @param <T> one measurement
 */
final class Rounds<T> {
    private final Map<String, Callable<T>> contestants = new LinkedHashMap<>();
    private final Map<String, List<T>> taken = new LinkedHashMap<>();

    /** Adds a contestant; the order of adding is the order within a round. */
    Rounds<T> add(String name, Callable<T> measurement) {
        contestants.put(name, measurement);
        taken.put(name, new ArrayList<>());
        return this;
    }

    /** Takes {@code rounds} measurements of each. */
    Rounds<T> run(int rounds) throws Exception {
        for (int round = 0; round < rounds; round++) {
            for (Map.Entry<String, Callable<T>> contestant : contestants.entrySet()) {
                taken(contestant.getKey()).add(contestant.getValue().call());
            }
        }
        return this;
    }

    /** The names, in order. */
    List<String> names() {
        return List.copyOf(contestants.keySet());
    }

    /** One figure of all measurements of one contestant. */
    Samples of(String name, ToDoubleFunction<T> figure) {
        return new Samples(taken(name).stream().map(figure::applyAsDouble).toList());
    }

    private List<T> taken(String name) {
        List<T> measurements = taken.get(name);
        if (measurements == null) {
            throw new IllegalArgumentException("no contestant " + name + " among " + contestants.keySet());
        }
        return measurements;
    }
}
