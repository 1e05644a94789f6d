package dev.entrepot.config;

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
        STRING_OR_INTEGER
    }

    /** Any text. */
    static JsonForm text() {
        return new JsonForm(Type.STRING, empty());
    }

    /** A text that matches a regular expression as a whole. */
    static JsonForm pattern(String regex) {
        return new JsonForm(Type.STRING, empty().put("pattern", "^(?:" + regex + ")$"));
    }

    /** As {@link #pattern}, where a plain number is fine too. */
    static JsonForm patternOrNumber(String regex) {
        return new JsonForm(Type.STRING_OR_INTEGER, pattern(regex).constraints());
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

    /** The schema. A text that refers to the environment or a file is always allowed. */
    ObjectNode schema() {
        ObjectNode direct = empty();
        switch (type) {
            case STRING -> direct.put("type", "string");
            case INTEGER -> direct.put("type", "integer");
            case BOOLEAN -> direct.put("type", "boolean");
            case STRING_OR_INTEGER -> direct.putArray("type").add("string").add("integer");
        }
        direct.setAll(constraints);
        if (type == Type.STRING && constraints.isEmpty()) {
            return direct;
        }
        ObjectNode either = empty();
        either.putArray("anyOf").add(direct).add(empty().put("$ref", "#/$defs/reference"));
        return either;
    }
}
