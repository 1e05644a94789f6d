package dev.entrepot.oci.testing;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A scope of the token protocol, {@code type:name:actions}.
 *
 * @param type {@code repository} or {@code registry}
 * @param name the repository
 * @param actions what is to be done, for example {@code pull}
 */
record Scope(String type, String name, Set<String> actions) {
    static Scope of(String type, String name, String... actions) {
        return new Scope(type, name, new TreeSet<>(List.of(actions)));
    }

    static List<Scope> parseAll(List<String> texts) {
        return texts.stream()
                .flatMap(text -> Arrays.stream(text.split(" ")))
                .filter(text -> text.indexOf(':') != text.lastIndexOf(':'))
                .map(Scope::parse)
                .toList();
    }

    private static Scope parse(String text) {
        int first = text.indexOf(':');
        int last = text.lastIndexOf(':');
        return of(
                text.substring(0, first),
                text.substring(first + 1, last),
                text.substring(last + 1).split(","));
    }

    boolean covers(Scope needed) {
        return type.equals(needed.type) && name.equals(needed.name) && actions.containsAll(needed.actions);
    }

    @Override
    public String toString() {
        return type + ":" + name + ":" + String.join(",", actions);
    }
}
