package dev.entrepot.proxy.page;

import dev.entrepot.proxy.http.QueryParameters;
import java.util.Optional;

/** The parameters of a query. */
final class Parameters {
    private static final int LONGEST_TEXT = 300;

    private final QueryParameters query;

    /**
     * Reads a raw query; of those with the same name, the first counts.
     *
     * @throws IllegalArgumentException if it is no query
     */
    Parameters(String query) {
        this.query = QueryParameters.parse(query);
    }

    /** The value of a parameter; empty if there is none, or it is empty. */
    Optional<String> find(String name) {
        return query.find(name).filter(value -> !value.isEmpty());
    }

    /**
     * A text, without white space around it; empty if there is none.
     *
     * @throws IllegalArgumentException if it is longer than 300 characters
     */
    String text(String name) {
        String text = find(name).orElse("").strip();
        if (text.length() > LONGEST_TEXT) {
            throw new IllegalArgumentException(name + " has " + text.length() + " characters, at most " + LONGEST_TEXT);
        }
        return text;
    }

    /**
     * A parameter that must be there.
     *
     * @throws IllegalArgumentException if it is not
     */
    String required(String name) {
        return find(name).orElseThrow(() -> new IllegalArgumentException("the parameter " + name + " is missing"));
    }

    /**
     * A whole number.
     *
     * @throws IllegalArgumentException if it is none, or out of bounds
     */
    int number(String name, int otherwise, int least, int most) {
        String text = find(name).orElse(Integer.toString(otherwise));
        if (!text.matches("[0-9]{1,9}")) {
            throw new IllegalArgumentException(name + " is no whole number: " + text);
        }
        int number = Integer.parseInt(text);
        if (number < least || number > most) {
            throw new IllegalArgumentException(name + " is " + number + ", expected " + least + " to " + most);
        }
        return number;
    }
}
