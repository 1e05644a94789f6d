package dev.entrepot.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The command line.
 *
 * @param scenarios names of the scenarios to run; all if empty
 * @param rounds how often each contestant is measured
 * @param seconds how long one load of small requests lasts
 * @param subject the server in our column; another than ours shows the noise of the method
 * @param distribution whether distribution's registry is measured too
 * @param folder where caches and logs go
 */
record Options(List<String> scenarios, int rounds, int seconds, Contestant subject, boolean distribution, Path folder) {
    /** How to call it. */
    static final String USAGE = """
            usage: deploy/bench/run [options] [scenario...]
              --rounds N           measurements of each server, 5 if not said
              --seconds N          length of one load of small requests, 5 if not said
              --subject NAME       entrepot, or nginx or distribution to see the noise of the method
              --with-distribution  measure distribution's registry too, where it is a fair peer
              --folder DIR         where caches and logs go during the run
            """;

    /**
     * Reads the arguments.
     *
     * @throws IllegalArgumentException with a message for the user
     */
    static Options parse(List<String> arguments, Path defaultFolder) {
        List<String> scenarios = new ArrayList<>();
        int rounds = 5;
        int seconds = 5;
        Contestant subject = Contestant.ENTREPOT;
        boolean distribution = false;
        Path folder = defaultFolder;
        for (int i = 0; i < arguments.size(); i++) {
            switch (arguments.get(i)) {
                case "--rounds" -> rounds = number(arguments, ++i);
                case "--seconds" -> seconds = number(arguments, ++i);
                case "--subject" -> subject = contestant(value(arguments, ++i));
                case "--with-distribution" -> distribution = true;
                case "--folder" -> folder = Path.of(value(arguments, ++i));
                case String other when other.startsWith("-") -> throw new IllegalArgumentException(USAGE);
                case String scenario -> scenarios.add(scenario);
            }
        }
        return new Options(List.copyOf(scenarios), rounds, seconds, subject, distribution, folder);
    }

    private static String value(List<String> arguments, int at) {
        if (at >= arguments.size()) {
            throw new IllegalArgumentException(arguments.getLast() + " needs a value\n" + USAGE);
        }
        return arguments.get(at);
    }

    private static int number(List<String> arguments, int at) {
        String text = value(arguments, at);
        if (!text.matches("[1-9][0-9]{0,3}")) {
            throw new IllegalArgumentException(arguments.get(at - 1) + " needs a number from 1 to 9999, not " + text);
        }
        return Integer.parseInt(text);
    }

    private static Contestant contestant(String name) {
        return Arrays.stream(Contestant.values())
                .filter(contestant -> contestant.name().toLowerCase(Locale.ROOT).equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no such server: " + name + "\n" + USAGE));
    }
}
