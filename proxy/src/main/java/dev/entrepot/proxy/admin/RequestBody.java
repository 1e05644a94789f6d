package dev.entrepot.proxy.admin;

import dev.entrepot.oci.OciJson;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * The form of a request's body: a JSON object with these keys and no others, so that no misspelled wish is taken for
 * none. Immutable, and safe for all threads.
 *
 * @param keys what it may have
 */
public record RequestBody(List<Key> keys) {
    /** What stands behind a key. */
    public enum Kind {
        /** A text. */
        TEXT("a text"),
        /** A list of texts. */
        TEXTS("a list of texts"),
        /** A switch. */
        BOOLEAN("true or false");

        private final String allowed;

        Kind(String allowed) {
            this.allowed = allowed;
        }

        private boolean fits(JsonNode value) {
            return switch (this) {
                case TEXT -> value.isString();
                case TEXTS -> value.isArray() && value.valueStream().allMatch(JsonNode::isString);
                case BOOLEAN -> value.isBoolean();
            };
        }
    }

    /**
     * A key.
     *
     * @param name the key as it is written
     * @param kind what stands behind it
     * @param required whether it must be there
     */
    public record Key(String name, Kind kind, boolean required) {
        /** One that must be there. */
        public static Key required(String name, Kind kind) {
            return new Key(name, kind, true);
        }

        /** One that may be left out. */
        public static Key optional(String name, Kind kind) {
            return new Key(name, kind, false);
        }

        @Override
        public String toString() {
            return "\"" + name + "\" (" + kind.allowed + (required ? ", required)" : ")");
        }
    }

    /** Copies the list. */
    public RequestBody {
        keys = List.copyOf(keys);
    }

    /** One with these keys; with none, no more than <code>{}</code>. */
    public static RequestBody of(Key... keys) {
        return new RequestBody(List.of(keys));
    }

    /**
     * Reads a body; an empty one is as <code>{}</code>.
     *
     * @throws IllegalArgumentException if it is not of this form; names the key and what is allowed
     */
    public JsonNode read(byte[] body) {
        JsonNode json = body.length == 0 ? OciJson.mapper().createObjectNode() : parse(body);
        if (!json.isObject()) {
            throw new IllegalArgumentException("the body is no JSON object; " + allowed());
        }
        for (String name : json.propertyNames()) {
            if (keys.stream().noneMatch(key -> key.name().equals(name))) {
                throw new IllegalArgumentException("the body has an unknown key \"" + name + "\"; " + allowed());
            }
        }
        for (Key key : keys) {
            JsonNode value = json.path(key.name());
            if (value.isMissingNode() && key.required()) {
                throw new IllegalArgumentException("the body lacks the key \"" + key.name() + "\"; " + allowed());
            }
            if (!value.isMissingNode() && !key.kind().fits(value)) {
                throw new IllegalArgumentException("\"" + key.name() + "\" in the body must be " + key.kind().allowed);
            }
        }
        return json;
    }

    private JsonNode parse(byte[] body) {
        try {
            return OciJson.mapper().readTree(body);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("the body is not JSON; " + allowed(), e);
        }
    }

    private String allowed() {
        return keys.isEmpty()
                ? "nothing is to be said here"
                : "the keys here are " + keys.stream().map(Key::toString).collect(Collectors.joining(", "));
    }
}
