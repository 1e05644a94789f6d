package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.OciLimits;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads a document whose keys have one order, token by token, so that it is never in memory as a tree. Whoever reads
 * compares what was read, written again, with the document: so nothing of it is overlooked. A document of another form
 * is an {@link IllegalArgumentException}; one that is no JSON a {@code JacksonException}. For one document and one
 * thread.
 */
final class CanonicalReader implements AutoCloseable {
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(8)
                    .maxStringLength(OciLimits.MAX_MANIFEST_BYTES)
                    .maxNameLength(OciLimits.MAX_MANIFEST_BYTES)
                    .maxDocumentLength(BundleLimits.DOCUMENT_BYTES)
                    .build())
            .build();

    private final JsonParser parser;
    private @Nullable JsonToken token;

    CanonicalReader(byte[] document) {
        Checks.that(
                document.length <= BundleLimits.DOCUMENT_BYTES,
                "it has " + document.length + " bytes, allowed are " + BundleLimits.DOCUMENT_BYTES);
        this.parser = FACTORY.createParser(ObjectReadContext.empty(), document);
        this.token = parser.nextToken();
    }

    private void take(JsonToken expected, String what) {
        Checks.that(token == expected, "expected " + what + " at " + place());
        token = parser.nextToken();
    }

    private String place() {
        return "byte " + parser.currentTokenLocation().getByteOffset();
    }

    /** Reads an object. */
    <T> T object(Supplier<T> content) {
        take(JsonToken.START_OBJECT, "an object");
        T result = content.get();
        take(JsonToken.END_OBJECT, "the end of an object");
        return result;
    }

    /** Reads a key that must be there. */
    void key(String name) {
        Checks.that(optionalKey(name), "expected the key " + name + " at " + place());
    }

    /** Reads a key if it is the next. */
    boolean optionalKey(String name) {
        boolean there = token == JsonToken.PROPERTY_NAME && name.equals(parser.getString());
        if (there) {
            token = parser.nextToken();
        }
        return there;
    }

    /** Reads a key if there is one more. */
    @Nullable
    String anyKey() {
        if (token != JsonToken.PROPERTY_NAME) {
            return null;
        }
        String name = parser.getString();
        token = parser.nextToken();
        return name;
    }

    String text() {
        Checks.that(token == JsonToken.VALUE_STRING, "expected a string at " + place());
        String text = parser.getString();
        token = parser.nextToken();
        return text;
    }

    long number() {
        Checks.that(
                token == JsonToken.VALUE_NUMBER_INT && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER,
                "expected a whole number at " + place());
        long number = parser.getLongValue();
        token = parser.nextToken();
        return number;
    }

    int smallNumber() {
        long number = number();
        Checks.that(number >= 0 && number <= BundleLimits.DOCUMENT_BYTES, "the number " + number + " is out of range");
        return (int) number;
    }

    /** Reads a list. */
    <T> List<T> list(Supplier<T> entry) {
        List<T> result = new ArrayList<>();
        take(JsonToken.START_ARRAY, "a list");
        while (token != JsonToken.END_ARRAY) {
            Checks.that(result.size() < BundleLimits.LIST, "a list has more than " + BundleLimits.LIST + " entries");
            result.add(entry.get());
        }
        token = parser.nextToken();
        return result;
    }

    /** Reads a list, or where there is none one entry. */
    <T> List<T> oneOrList(Supplier<T> entry) {
        return token == JsonToken.START_ARRAY ? list(entry) : List.of(entry.get());
    }

    /** Reads a list under a key that is left out where the list is empty. */
    <T> List<T> optionalList(String name, Supplier<T> entry) {
        return optionalKey(name) ? list(entry) : List.of();
    }

    /** Checks that nothing follows. */
    void end() {
        Checks.that(token == null, "something follows the document at " + place());
    }

    @Override
    public void close() {
        parser.close();
    }
}
