package dev.entrepot.config;

import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * How a scalar looks to an editor.
 *
 * @param type JSON's name for the type of what is usually written
 * @param constraints JSON Schema keywords besides the type
 */
record JsonForm(Type type, ObjectNode constraints) {
    /** The types of JSON that a scalar may have. */
    enum Type {
        /** Text. */
        STRING,
        /** A whole number. */
        INTEGER,
        /** True or false. */
        BOOLEAN,
        /** Text, or a number that is read as text. */
        STRING_OR_NUMBER,
        /** Text, or a number or truth value that is read as text. */
        SCALAR
    }

    /** A text that no number and no truth value looks like. */
    static JsonForm text() {
        return new JsonForm(Type.STRING, empty());
    }

    /** Any text, also one that is a number where it has no quotes. */
    static JsonForm textOrNumber() {
        return new JsonForm(Type.STRING_OR_NUMBER, empty());
    }

    /** Any text, also one that is a number or a truth value where it has no quotes. */
    static JsonForm scalar() {
        return new JsonForm(Type.SCALAR, empty());
    }

    /** A text that matches a regular expression as a whole. */
    static JsonForm pattern(String regex) {
        return new JsonForm(Type.STRING, empty().put("pattern", "^(?:" + regex + ")$"));
    }

    /** As {@link #pattern}, where a plain number is fine too. */
    static JsonForm patternOrNumber(String regex) {
        return new JsonForm(Type.STRING_OR_NUMBER, pattern(regex).constraints());
    }

    /** A whole number within bounds. */
    static JsonForm integer(int least, int most) {
        return new JsonForm(Type.INTEGER, empty().put("minimum", least).put("maximum", most));
    }

    /** True or false. */
    static JsonForm bool() {
        return new JsonForm(Type.BOOLEAN, empty());
    }

    /** An empty object. */
    static ObjectNode empty() {
        return JsonNodeFactory.instance.objectNode();
    }

    /**
     * The schema. A text that refers to the environment or a file is always allowed, and so are a number and a truth
     * value in quotes.
     */
    ObjectNode schema() {
        ObjectNode direct = direct();
        boolean quotable = type == Type.INTEGER || type == Type.BOOLEAN;
        if (constraints.isEmpty() && !quotable) {
            return direct;
        }
        ObjectNode either = empty();
        ArrayNode ways = either.putArray("anyOf").add(direct);
        if (quotable) {
            ways.add(pattern(type == Type.INTEGER ? "-?[0-9]{1,9}" : "true|false")
                    .direct());
        }
        ways.add(empty().put("$ref", "#/$defs/reference"));
        return either;
    }

    // What is usually written.
    private ObjectNode direct() {
        ObjectNode direct = empty();
        switch (type) {
            case STRING -> direct.put("type", "string");
            case INTEGER -> direct.put("type", "integer");
            case BOOLEAN -> direct.put("type", "boolean");
            case STRING_OR_NUMBER -> direct.putArray("type").add("string").add("number");
            case SCALAR -> direct.putArray("type").add("string").add("number").add("boolean");
        }
        direct.setAll(constraints);
        return direct;
    }
}
